"""Open and close the sockets of those who watch."""
