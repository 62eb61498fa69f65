"""Hashes the results of fixed fits, to show that a refactoring changes no bit of them.

Usage: python scripts/characterise.py write|check [FILE]. ``write`` stores the hashes of this source
in FILE. ``check`` prints the differences from FILE and exits with 1 if there are any. The hashes
depend on the machine and its torch, so FILE is not committed. It is build/characterised.json by
default.
"""

from __future__ import annotations

import hashlib
import json
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

import chainrule as cr

FILE = Path(__file__).resolve().parent.parent / "build" / "characterised.json"
ROWS = 240


def bits(seed: int = 1, columns: int = 8) -> np.ndarray:
    """Correlated columns of 0 and 1, (ROWS, columns)."""
    rng = np.random.default_rng(seed)
    shared = rng.normal(size=(ROWS, 2))
    return (
        shared @ rng.normal(size=(2, columns)) + 0.7 * rng.normal(size=(ROWS, columns)) > 0
    ).astype(float)


def mixed(missing: bool) -> pl.DataFrame:
    """A table with a column of each kind, with rare labels and a real column with an atom."""
    rng = np.random.default_rng(2)
    size = rng.normal(size=ROWS)
    labels = np.array(["north", "south", "east", "west", *(f"hamlet {k}" for k in range(40))])
    chance = np.array([0.4, 0.2, 0.15, 0.15, *([0.1 / 40] * 40)])
    table = pl.DataFrame(
        {
            "place": labels[rng.choice(len(labels), ROWS, p=chance)],
            "open": size + rng.normal(size=ROWS) > 0,
            "rooms": np.round(3 + size + rng.exponential(1, ROWS)).astype(int),
            "price": np.where(rng.random(ROWS) < 0.2, 0.0, np.round(np.exp(5 + size), 2)),
            "warmth": 20 + 3 * size + rng.normal(size=ROWS),
            "day": np.datetime64("2024-01-01")
            + np.sort(rng.integers(0, 300, ROWS)).astype("timedelta64[D]"),
            "at": np.datetime64("2024-01-01T00:00:00", "us")
            + rng.integers(0, 10**7, ROWS).astype("timedelta64[s]"),
        }
    )
    if not missing:
        return table
    holes = rng.random((ROWS, table.width)) < 0.15
    holes[:, 4] = rng.random(ROWS) < np.where(size > 0, 0.4, 0.05)
    return pl.DataFrame(
        [
            pl.select(pl.when(pl.Series(~holes[:, k])).then(column)).to_series().alias(column.name)
            for k, column in enumerate(table)
        ]
    )


QUICK: dict[str, Any] = {"seed": 0, "verbose": False}
FITS: dict[str, Callable[[], tuple[cr.Density, Any]]] = {
    "nade": lambda: fitted(bits(), network="nade", config=small(input_dropout=0.2)),
    "nade random order": lambda: fitted(mixed(False), network="nade", config=small(order="random")),
    "made": lambda: fitted(mixed(False), network="made", config=small(hidden_sizes=(12, 12))),
    "orderless": lambda: fitted(bits(), config=small(members=1, dropout=0.1)),
    "orderless members": lambda: fitted(mixed(True), config=small(members=3)),
    "informative": lambda: fitted(mixed(True), missing="informative", config=small(members=2)),
    "committee": lambda: fitted(
        mixed(False), objective="likelihood", config=small(members=2, orders=1, **settled())
    ),
    "ensemble": lambda: fitted(
        bits(), objective="likelihood", config=small(members=3, orders=3, **settled())
    ),
}


def small(**options: Any) -> cr.FitConfig:
    """A configuration that trains within seconds."""
    small: dict[str, Any] = {"hidden_size": 10, "epochs": 4, "batch_size": 40, "components": 3}
    return cr.FitConfig(**small | options)


def settled() -> dict[str, Any]:
    """Options that fix most of what a committee would search."""
    return {"input_dropout": 0.1, "weight_decay": 0.01, "learning_rate": 0.005}


def fitted(table: Any, **options: Any) -> tuple[cr.Density, Any]:
    """A density fitted to the table, and the table."""
    return cr.fit(table, **QUICK, **options), table


def digest(value: Any) -> str:
    """A hash of arrays, frames, numbers and containers of them."""
    kept = hashlib.sha256()
    for part in pieces(value):
        kept.update(part)
    return kept.hexdigest()[:16]


def pieces(value: Any) -> Iterator[bytes]:
    """The bytes of a value, part by part."""
    if isinstance(value, pl.DataFrame):
        yield value.write_csv().encode()
        yield repr(value.schema).encode()
    elif isinstance(value, np.ndarray):
        yield f"{value.dtype}{value.shape}".encode()
        if value.dtype == object:
            yield repr(value.tolist()).encode()
        else:
            yield np.ascontiguousarray(value).tobytes()
    elif isinstance(value, dict):
        for key in sorted(value, key=str):
            yield str(key).encode()
            yield from pieces(value[key])
    elif isinstance(value, list | tuple):
        for each in value:
            yield from pieces(each)
    else:
        yield repr(value).encode()


def answers(name: str, density: cr.Density, table: Any) -> Iterator[tuple[str, Callable[[], Any]]]:
    """The name of each checked result of a fit, and a function that computes it."""
    several = name == "ensemble"
    some, names = table[:40], density.schema.names
    any_evidence = "orderless" in name or name == "informative"
    yield (
        "arrays",
        lambda: {
            key: array for key, array in density.model.arrays().items() if not key.endswith("order")
        },
    )
    yield "log_prob", lambda: density.log_prob(table)
    yield "score", lambda: density.score(table)
    yield "sample", lambda: density.sample(50, seed=3)
    yield "features", lambda: density.features(some)
    yield "saved", lambda: saved_answers(density, some)
    if not several:
        yield "parts", lambda: density.log_prob(some, parts=True)
    yield "explain", lambda: density.explain(some)
    yield "oddest", lambda: density.oddest(some, top=12)
    if any_evidence:
        holes = some.copy() if isinstance(some, np.ndarray) else some
        if isinstance(holes, np.ndarray):
            holes[::3, 1], holes[1::3, 4] = np.nan, np.nan
        yield "draw", lambda: density.impute(holes, how="draw", seed=4)
        yield "best", lambda: density.impute(holes, how="best")
        yield "mean", lambda: density.impute(holes, how="mean")
        yield "holes", lambda: density.log_prob(holes)
        for column in names[:5]:
            yield f"conditional {column}", lambda column=column: density.conditional(holes, column)
    first = names[0] if isinstance(table, np.ndarray) else "place"
    level = 1 if isinstance(table, np.ndarray) else "north"
    if any_evidence or "random" not in name:
        yield "given", lambda: density.sample(30, given={first: level}, seed=5)


def saved_answers(density: cr.Density, table: Any) -> Any:
    """Log-likelihoods of the table after the density is saved and loaded again."""
    with tempfile.TemporaryDirectory() as folder:
        density.save(Path(folder) / "m.chainrule")
        return cr.load(Path(folder) / "m.chainrule").log_prob(table)


def all_hashes() -> dict[str, str]:
    """The hash of every result of every fit; an error is recorded by its type and message."""
    found = {}
    for name, fit in FITS.items():
        density, table = fit()
        for question, ask in answers(name, density, table):
            try:
                found[f"{name}: {question}"] = digest(ask())
            except cr.ChainruleError as error:
                found[f"{name}: {question}"] = f"{type(error).__name__}: {error}"
    return found


def main(words: list[str]) -> int:
    """Writes or checks the hashes; returns 0 if nothing differs, 1 if not, 2 for wrong usage."""
    if not words or words[0] not in ("write", "check") or len(words) > 2:
        print(__doc__, file=sys.stderr)
        return 2
    file = Path(words[1]) if len(words) == 2 else FILE
    warnings.simplefilter("ignore")
    found = all_hashes()
    if words[0] == "write":
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(found, indent=1, sort_keys=True))
        print(f"{len(found)} answers of {len(FITS)} fits written to {file}")
        return 0
    kept = json.loads(file.read_text())
    wrong = sorted(key for key in kept.keys() | found.keys() if kept.get(key) != found.get(key))
    for key in wrong:
        print(f"{key}: {kept.get(key, 'absent')} is now {found.get(key, 'absent')}")
    if wrong:
        print(f"{len(wrong)} of {len(kept)} answers differ")
        return 1
    print(f"all {len(kept)} answers are the same")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
