"""Work on projects in the background."""
