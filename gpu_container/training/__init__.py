"""How models are made and judged."""

import segmentation_worker  # noqa: F401 - first of all: it keeps ONNX Runtime from telling its maker
