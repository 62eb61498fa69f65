"""The frame in which findings are passed from proofreading to a review."""

import polars as pl

COLUMNS = {
    "row": pl.Int64,
    "column": pl.String,
    "found": pl.String,
    "suggested": pl.String,
    "probability": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "bits": pl.Float64,
    "kind": pl.String,
    "likelihood_ratio": pl.Float64,
    "q": pl.Float64,
}
