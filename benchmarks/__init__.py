"""Measurements, run as modules from the repository's root; results go to benchmarks/results/."""
