"""Proof: which cells of dirty tables are found, and which repaired, with the clean tables known."""
