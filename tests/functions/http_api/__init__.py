"""Tests of the HTTP API: its routes over the fakes, its entry with recorded events."""
