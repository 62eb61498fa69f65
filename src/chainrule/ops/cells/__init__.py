"""Log-likelihoods of the cells of rows, with gradients, for columns of many kinds in one pass."""
