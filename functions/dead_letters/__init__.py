"""Give what was tried too often its final status."""
