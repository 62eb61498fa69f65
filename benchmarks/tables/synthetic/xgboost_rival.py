"""The C2ST score of XGBoost, with the settings and inputs under which TabPC publishes it.

Runs by path with a Python that has xgboost-cpu, pandas and scikit-learn, not chainrule. The
settings are those of ``XGBoostDetection`` in april-tools/tabpc, 3f92668: XGBoost's own, with seed
0. The inputs and folds are those of SDMetrics' detection metrics, from which it is derived: labels
one-hot, a missing one among them; numbers with their mean in missing cells; three stratified folds.
The score is 1 minus the mean over folds of max(AUC, ½) · 2 − 1.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path


def main(folder: Path) -> dict:
    """The score for the files real.csv and drawn.csv of the folder."""
    import numpy as np
    import pandas as pd
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import StratifiedKFold
    from xgboost import XGBClassifier  # type: ignore[import-not-found]

    kinds = json.loads((folder / "kinds.json").read_text())
    parts = [
        pd.read_csv(
            folder / f"{label}.csv",
            dtype={name: str for name, kind in kinds.items() if kind == "label"},
            float_precision="round_trip",
            keep_default_na=False,
            na_values=[""],
        )
        for label in ("real", "drawn")
    ]
    made = np.repeat([1, 0], list(map(len, parts)))
    columns = []
    for name, kind in kinds.items():
        both = pd.concat([part[name] for part in parts], ignore_index=True)
        if kind == "label":
            columns.append(pd.get_dummies(both.fillna("")).to_numpy(np.float64))
            continue
        if kind == "date":
            both = pd.to_datetime(both)
            both = both.astype("int64").where(both.notna()).astype(float)
        columns.append(both.fillna(both[: len(parts[0])].mean()).to_numpy(np.float64)[:, None])
    rows = np.concatenate(columns, axis=1)
    areas = []
    for train, test in StratifiedKFold(3, shuffle=True, random_state=0).split(rows, made):
        model = XGBClassifier(eval_metric="logloss", enable_categorical=True, random_state=0)
        model.fit(rows[train], made[train])
        areas.append(float(roc_auc_score(made[test], model.predict_proba(rows[test])[:, 1])))
    return {"score": 1 - float(np.mean([max(area, 0.5) * 2 - 1 for area in areas])), "auc": areas}


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]))))
