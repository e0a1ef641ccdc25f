"""Take in files that arrived in the bucket."""
