"""Figures of SDMetrics and mostlyai-qa about the CSV files of a folder, as JSON on stdout.

Runs by path with a Python that has both tools, not chainrule; ``quality_check`` calls it.
"""

from __future__ import annotations

import json
import logging
import math
import os
import sys
import tempfile
import warnings
from importlib.metadata import version
from pathlib import Path


def main(folder: Path) -> dict:
    """The figures of the tables real, synthetic and holdout of this folder."""
    import pandas as pd
    from mostlyai import qa  # type: ignore[import-not-found]
    from sdmetrics.reports.single_table import QualityReport  # type: ignore[import-not-found]
    from sdmetrics.single_table.privacy.dcr_utils import (  # type: ignore[import-not-found]
        calculate_dcr,
    )

    asked = json.loads((folder / "asked.json").read_text())
    kinds = asked["columns"]
    parts = []
    for label in ("real", "synthetic", "holdout"):
        part = pd.read_csv(
            folder / f"{label}.csv",
            dtype={name: str for name, kind in kinds.items() if kind == "label"},
            float_precision="round_trip",
            keep_default_na=False,
            na_values=[""],
        )
        for name, kind in kinds.items():
            if kind == "date":
                part[name] = pd.to_datetime(part[name])
        parts.append(part)
    names = {"number": "numerical", "date": "datetime", "label": "categorical"}
    metadata = {"columns": {name: {"sdtype": names[kind]} for name, kind in kinds.items()}}
    report = QualityReport()
    report.generate(parts[0], parts[1], metadata, verbose=False)
    shapes = report.get_details("Column Shapes")
    means = report.get_properties().set_index("Property")["Score"]
    every = QualityReport()
    every.real_correlation_threshold = every.real_association_threshold = 0
    every.generate(parts[0], parts[1], metadata, verbose=False)
    trends = every.get_details("Column Pair Trends")
    near = [part.head(asked["near"]) for part in parts]
    _, metrics = qa.report(
        syn_tgt_data=parts[1],
        trn_tgt_data=parts[0],
        hol_tgt_data=parts[2],
        report_path=Path(tempfile.mkdtemp()) / "report.html",
    )
    accuracy = metrics.accuracy
    return {
        "versions": {name: version(name) for name in ("sdmetrics", "mostlyai-qa")},
        "shapes": {c: _plain(s) for c, s in zip(shapes["Column"], shapes["Score"], strict=True)},
        "trends": [
            [one, other, _plain(score)]
            for one, other, score in zip(
                trends["Column 1"], trends["Column 2"], trends["Score"], strict=True
            )
        ],
        "sdmetrics": {
            "column shapes": float(means["Column Shapes"]),
            "pair trends": float(trends["Score"].mean()),
            "of associated columns": _plain(means["Column Pair Trends"]),
        },
        "accuracy": {
            name: _plain(getattr(accuracy, name))
            for name in ("univariate", "bivariate", "trivariate", "overall", "overall_max")
        },
        "nearest": calculate_dcr(near[1], near[0], metadata).tolist(),
    }


def _plain(number: float | None) -> float | None:
    return None if number is None or math.isnan(number) else float(number)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever else is printed is no answer
    out.write(json.dumps(main(Path(sys.argv[1]))) + "\n")
    out.close()
