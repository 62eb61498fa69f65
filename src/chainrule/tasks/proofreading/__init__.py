"""The parts of ``tasks.proofread``: cells, suspects, rates, rows and findings."""
