"""Machine code for CPUs: strips of floats, kernels, and threads that run them. Knows no model."""
