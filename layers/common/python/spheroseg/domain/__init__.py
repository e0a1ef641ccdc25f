"""What the system speaks about: projects, images, segmentations, spheroids, viewers."""
