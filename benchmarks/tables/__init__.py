"""Real tables: the rules of a fit, the proofs of its use, and its times."""
