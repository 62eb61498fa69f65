"""Frames of pandas, polars and Arrow, in and out. Knows no kind of column and no file."""
