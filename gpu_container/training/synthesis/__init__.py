"""Images of spheroids and organoids that never were, with exact masks: for training and for test sets of any size.

Breadth before beauty: every property that differs between laboratories (bodies, optics, background, camera) is drawn
anew for each image, from wider ranges than real ones have (domain randomisation; Tobin, J. et al. (2017), IROS).
"""

from training.synthesis.generate import Recipe, SyntheticImage, synthesize
from training.synthesis.kinds import Kind

__all__ = ["Kind", "Recipe", "SyntheticImage", "synthesize"]
