"""Python client of SpheroSeg's HTTP API, and the command line ``spheroseg``."""
