"""The worker: takes queued segmentations, runs the model, stores what it finds."""
