"""Stacks put parts together and grant; each is a lifetime."""
