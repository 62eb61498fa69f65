"""TabularARGN (package mostlyai-engine): the masses of rounding cells from its bins.

Usage: python argn.py FOLDER, with the Python of requirements.txt; ``scores.py`` writes FOLDER.

The package turns each column into codes and predicts them one after the other. It chooses among
three codes of numbers. *Discrete* codes are values, *digits* are the digits of a value to the
column's last decimal: both have masses. *Bins* are intervals: a bin's mass is spread evenly over
the rounding cells within it; the least and the largest training value have codes of their own. A
number that decoding cannot give, such as one beyond the largest, has no mass. The code of rare
labels has the mass of a new label.

The package has a code for missing cells. Here a known cell counts given that it is known: its
probability is divided by one minus that code's, and missing cells have no term.

The order is the table's, as the measure asks (``enable_flexible_generation=False``), and values of
few rows are not hidden (``value_protection=False``). All else is the package's default. It sets
aside a tenth of the rows to stop its training, so it gets training and validation rows.

Source: Tiwald et al., "TabularARGN: a flexible and efficient auto-regressive framework for
generating high-fidelity synthetic data", arXiv:2501.12012.
"""

from __future__ import annotations

import json
import sys
import time
import warnings
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

MINUTES = 10.0  # most of the training


def main(folder: Path) -> None:
    """Fits the network and scores the test rows."""
    warnings.simplefilter("ignore")
    rows = np.load(folder / "rows.npz")
    levels, widths, seed = rows["levels"], rows["widths"], int(rows["seed"])
    train = np.concatenate([rows["train"], rows["valid"]])
    engine = import_module("mostlyai.engine")
    kind = {True: "TABULAR_CATEGORICAL", False: "TABULAR_NUMERIC_AUTO"}
    began = time.process_time()
    network = engine.TabularARGN(
        max_training_time=MINUTES,
        enable_flexible_generation=False,
        value_protection=False,
        tgt_encoding_types={f"c{k}": kind[bool(each)] for k, each in enumerate(levels)},
        device="cpu",
        workspace_dir=str(folder / "workspace"),
        random_state=seed,
    )
    network.fit(_frame(train, levels, widths))
    between = time.process_time()
    nats, codes = log_masses(folder / "workspace", rows["test"], levels, widths)
    np.save(folder / "nats.npy", np.maximum(nats, -1e300))
    seconds = {"fit": between - began, "score": time.process_time() - between}
    (folder / "found.json").write_text(json.dumps({"chosen": codes, "seconds": seconds}))


def _frame(values: np.ndarray, levels: np.ndarray, widths: np.ndarray) -> pd.DataFrame:
    """Labels as text, whole numbers as integers."""
    columns = {}
    for k, count in enumerate(levels):
        column = pd.Series(values[:, k])
        if count:
            columns[f"c{k}"] = column.map(lambda v: None if np.isnan(v) else f"l{int(v)}")
        elif widths[k] == 1 and (column.isna() | (column == column.round())).all():
            columns[f"c{k}"] = column.astype("Int64")
        else:
            columns[f"c{k}"] = column
    return pd.DataFrame(columns)


def log_masses(
    workspace: Path, values: np.ndarray, levels: np.ndarray, widths: np.ndarray
) -> tuple[np.ndarray, dict[str, str]]:
    """The log mass (N,) of the known cells of rows, and the code of each column of numbers."""
    import torch

    inner = import_module("mostlyai.engine._tabular.probability")
    place = import_module("mostlyai.engine._workspace").Workspace(str(workspace))
    model, stats, *_ = inner._initialize_model(workspace=place, device="cpu")
    model.eval()
    encoded, _, _ = inner.encode_df(df=_frame(values, levels, widths), stats=stats)
    batch = {
        name: torch.tensor(encoded[name].to_numpy().astype(np.int64))[:, None] for name in encoded
    }
    with torch.no_grad():
        outputs, _ = model(batch, mode="trn")
    logs = {name: outputs[name].double().log_softmax(-1).numpy() for name in outputs}
    total, used = np.zeros(len(values)), {}
    for k in range(values.shape[1]):
        of = stats["columns"][f"c{k}"]
        names = {
            part: inner.get_argn_name(
                argn_processor=of[inner.ARGN_PROCESSOR],
                argn_table=of[inner.ARGN_TABLE],
                argn_column=of[inner.ARGN_COLUMN],
                argn_sub_column=part,
            )
            for part in of["cardinalities"]
        }
        parts = {part: (logs[name], batch[name][:, 0].numpy()) for part, name in names.items()}
        known = ~np.isnan(values[:, k])
        used[f"c{k}"] = str(of["encoding_type"]).lower()
        found = _column(of, parts, values[:, k], bool(levels[k]), float(widths[k]))
        total[known] += found[known]
    return total, used


def _column(
    of: dict[str, Any],
    parts: dict[str, tuple[np.ndarray, np.ndarray]],
    values: np.ndarray,
    is_label: bool,
    width: float,
) -> np.ndarray:
    """The log masses (N,) of a column's cells, from the codes of its parts and their logs."""
    if "digit" in str(of["encoding_type"]).lower():
        found = np.zeros(len(values))
        for part, (logs, codes) in parts.items():
            if part != "nan":
                found += logs[np.arange(len(codes)), codes]
        unit = 10.0 ** of["min_decimal"]
        written = np.abs(values - np.round(values / unit) * unit) <= width / 2
        within = (values >= of["min"] - width / 2) & (values <= of["max"] + width / 2)
        return np.where(written & within, found, -np.inf)
    ((logs, codes),) = parts.values()
    found, names = logs[np.arange(len(codes)), codes], of["codes"]
    if "<<NULL>>" in names:
        found = found - np.log1p(-np.exp(np.minimum(logs[:, names["<<NULL>>"]], -1e-12)))
    if is_label:
        return found
    if "bins" not in of:
        return np.where(codes == names["_RARE_"], -np.inf, found)
    ends = np.array(of["bins"], dtype=np.float64)
    number = codes - len(names)
    place = number.clip(0, max(len(ends) - 2, 0))
    low, high = ends[place], ends[np.minimum(place + 1, len(ends) - 1)]
    inside = np.round((high - low) / width) - ((place == 0) & ("<<MIN>>" in names))
    found = np.where(number >= 0, found - np.log(np.maximum(inside, 1)), found)
    within = (values >= ends[0] - width / 2) & (values <= ends[-1] + width / 2)
    return np.where(within, found, -np.inf)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
