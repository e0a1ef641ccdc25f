"""PostgreSQL: SQL beside the class that runs it."""
