"""Measurements: run as modules from the root of the repository; results go to benchmarks/results/."""
