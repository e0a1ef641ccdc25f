"""Files of other programs as outlines."""
