"""Questions that every engine is asked, by name, and what one process answers to them."""

import pandas as pd
import pyarrow as pa

from chainrule import distributed

ASKED = {
    "score": lambda density, data: distributed.score(density, data, keep=["id"]),
    "explain": lambda density, data: distributed.explain(density, data, keep=["id"]),
    "impute": lambda density, data: distributed.impute(
        density, data, key="id", seed=3, keep=["id"]
    ),
    "best": lambda density, data: distributed.impute(density, data, how="best", keep=["id"]),
    "mean": lambda density, data: distributed.impute(density, data, how="mean", keep=["id"]),
    "sample": lambda density, data: distributed.sample(
        density, data, key="id", seed=3, keep=["id"]
    ),
    "proofread": lambda density, data: distributed.proofread(density, data, fdr=1.0, keep=["id"]),
}


def require_answer_of_one_process(found, name, density, frame):
    """Compares an engine's answer, an Arrow table, with that of a scorer to the whole frame."""
    options = {"how": name} if name in ("best", "mean") else {}
    options |= {"fdr": 1.0} if name == "proofread" else {}
    task = "impute" if "how" in options else name
    table = pa.Table.from_pandas(frame, preserve_index=False)
    how = {"keep": ["id"], "key": "id", "seed": 3, "options": options}
    one = density.scorer().answer_arrow(table, task, **how)
    assert found.column_names == one.column_names
    assert len(found) == len(one) > 0
    pd.testing.assert_frame_equal(found.to_pandas(), one.to_pandas(), rtol=1e-12, check_dtype=False)
