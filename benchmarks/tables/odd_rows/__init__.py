"""Proof: how well odd rows are told from ordinary ones, beside other detectors."""
