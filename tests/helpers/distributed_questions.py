"""Questions that every engine is asked, by name: functions of a density and a frame."""

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
