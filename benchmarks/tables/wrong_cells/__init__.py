"""Proof: how many wrong cells, planted in 400 rows, are among as many first findings."""
