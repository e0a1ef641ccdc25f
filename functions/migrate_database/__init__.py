"""Bring the database to the newest schema, at deployment."""
