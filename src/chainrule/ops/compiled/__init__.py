"""Machine code for CPUs: strips of floats, kernels, and the threads that run them. Knows no model."""
