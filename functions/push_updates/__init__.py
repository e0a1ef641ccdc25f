"""Push changes to those who watch."""
