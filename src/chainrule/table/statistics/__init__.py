"""What a schema needs to know of a table of any size, and of its parts together."""
