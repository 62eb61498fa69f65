"""The rules of a fit against their neighbours: nats of validation rows after a change of one rule.

Usage: python -m benchmarks.tables.rules [EFFORT [TABLE …]]

It writes benchmarks/results/rules_EFFORT.json. The tables are in CHAINRULE_DATA. A tenth of each
table has the validation rows, the same for every variant. There are no test rows, since the only
claim is which variant is better. Two seeds of the rule itself come first and show the effect of
chance; differences within one or two standard errors are small.
"""

from __future__ import annotations

import sys
import time
import warnings
from typing import Any

import polars as pl

import chainrule as cr
from benchmarks import record
from benchmarks.tables.data import folder
from chainrule.training import Plan

TABLES = ("titanic", "online_shoppers", "adult", "beijing_pm25")
ROWS = 10_000  # rows of each table, at most, drawn with seed 0


def variants(rule: Plan) -> dict[str, dict[str, Any]]:
    """The changes of the configuration that the rules give, by name."""
    sizes, batch, rate = rule.hidden_sizes, rule.batch_size, rule.learning_rate
    return {
        "the rule": {},
        "layers half as wide": {"hidden_sizes": tuple(size // 2 for size in sizes)},
        "layers twice as wide": {"hidden_sizes": tuple(size * 2 for size in sizes)},
        "one layer": {"hidden_sizes": sizes[:1]},
        "three layers": {"hidden_sizes": sizes + sizes[-1:]},
        "batch half as large": {"batch_size": batch // 2, "epochs": max(1, rule.epochs // 2)},
        "batch twice as large": {"batch_size": batch * 2, "epochs": rule.epochs * 2},
        "learning rate ÷ 2": {"learning_rate": rate / 2},
        "learning rate × 2": {"learning_rate": rate * 2},
        "one member": {"members": 1},
        "members × 2": {"members": 2 * rule.members},
        "no dropout": {"dropout": 0.0},
        "dropout × 2": {"dropout": 2 * rule.dropout},
        "weight decay ÷ 10": {"weight_decay": rule.weight_decay / 10},
        "weight decay × 3": {"weight_decay": 3 * rule.weight_decay},
        "5 parts": {"components": 5},
        "20 parts": {"components": 20},
        "logistic parts": {"conditional": "logistic"},
    }


def main(effort: str, names: tuple[str, ...]) -> None:
    """Prints a table and writes the results."""
    data = folder()
    rows: list[dict[str, Any]] = []
    warnings.simplefilter("ignore")
    for name in names:
        frame = pl.read_csv(data / f"{name}.csv.gz", infer_schema_length=None, null_values=[""])
        frame = frame.sample(min(ROWS, len(frame)), seed=0, shuffle=True)
        rule = _fit(frame, effort, 0, None)
        again = _fit(frame.sample(fraction=1, seed=1, shuffle=True), effort, 1, None)
        base = rule.training["valid_nats"]
        print(f"{name}: {len(frame)} rows, {rule.training['config']}")
        print(
            f"  another seed and other validation rows: {again.training['valid_nats'] - base:+.3f}"
        )
        for label, change in variants(Plan.from_json(rule.training["config"])).items():
            config = cr.FitConfig.from_json({**rule.training["config"], **change})
            began = time.perf_counter()
            found = _fit(frame, effort, 0, config)
            row = {"table": name, "variant": label, "valid_nats": found.training["valid_nats"]}
            row |= {
                "worse_by": found.training["valid_nats"] - base,
                "seconds": time.perf_counter() - began,
            }
            row |= {"epochs": len(found.training["history"])}
            rows.append(row)
            print(
                f"  {label:24} {row['worse_by']:+8.3f} nats  {row['seconds']:6.1f} s  "
                f"{row['epochs']:4} epochs",
                flush=True,
            )
    print(f"written to {record.write(f'rules_{effort}', rows)}")


def _fit(frame: pl.DataFrame, effort: str, seed: int, config: cr.FitConfig | None) -> cr.Density:
    return cr.fit(frame, effort=effort, seed=seed, config=config, verbose=False)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "quick", tuple(sys.argv[2:]) or TABLES)
