"""The templates: what is in them, who may do what, and what the stages exchange."""
