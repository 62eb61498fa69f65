"""Finds the schema of a table. Knows no codes and no networks."""
