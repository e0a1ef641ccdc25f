"""The worker: takes queued segmentations, runs the model, stores what it finds."""

import os

# ONNX Runtime for Linux tells its maker which models are loaded and how they run, since 1.29 and unless told not to; it
# reads this when it is loaded. Nothing of a laboratory leaves its machine or its account.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
