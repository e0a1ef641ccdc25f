"""Send again, every minute, what got lost."""
