"""SpheroSeg: what every runtime shares; see docs/ for the way of one image."""
