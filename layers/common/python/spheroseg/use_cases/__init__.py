"""One file, one class, one public call: what the system can do."""
