"""Pixels: decoding, labels to outlines, measures."""
