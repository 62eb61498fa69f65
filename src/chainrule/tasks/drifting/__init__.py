"""The parts of ``drift``: scores of cells, figures of a sample of rows, tests, the result."""
