"""Parts with safe defaults; each exposes the few things that others are granted on."""
