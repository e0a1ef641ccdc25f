"""The HTTP API: every route that clients call."""
