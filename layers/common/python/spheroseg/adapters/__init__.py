"""The outside world: one file per service."""
