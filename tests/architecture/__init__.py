"""Rules that hold for the code as a whole."""
