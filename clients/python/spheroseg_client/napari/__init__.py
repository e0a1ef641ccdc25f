"""The plugin for napari: an image of a project with its outlines as labels, and corrected labels back as a revision."""
