"""Frozen values that a file describes, and the warps of numeric columns among them."""
