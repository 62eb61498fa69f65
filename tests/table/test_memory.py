"""Memory is proportional to a table's bytes, whatever its text looks like; no text changes."""

import json
import subprocess
import sys

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import chainrule as cr
from chainrule.table import encode, infer_schema, read_table

MEASURED = """
import gc, json, re, sys, warnings
import chainrule as cr, pandas as pd
from chainrule.table import encode, infer_schema, read_table

def size(name):
    return int(re.search(name + r":\\s+(\\d+) kB", open("/proc/self/status").read())[1]) * 1024

def peak():
    return size("VmHWM")

warnings.simplefilter("ignore")
small = pd.DataFrame({"n": [1, 2] * 30, "note": ["a", "b"] * 30})
config = cr.FitConfig(hidden_size=4, epochs=1, members=1)
density = cr.fit(small, config=config, seed=0, verbose=False)
small.to_csv("warm.csv", index=False)
density.impute("warm.csv", how="best")
found = {}
for number in range(int(sys.argv[1])):
    gc.collect()
    open("/proc/self/clear_refs", "w").write("5")
    base, taken = size("VmRSS"), {}
    table = read_table(f"{number}.csv")
    taken["read"] = peak() - base
    schema = infer_schema(table)
    taken["infer"] = peak() - base
    encode(table, schema)
    taken["encode"] = peak() - base
    encode(table, density.schema)
    taken["encode by a model"] = peak() - base
    found[number] = taken
    del table, schema
print(json.dumps(found))
"""


def shapes():
    """Notes: one huge among short ones, long, short, all different, and of several lines."""
    rng = np.random.default_rng(0)
    yield [*rng.choice(["red", "green"], 20_000).tolist(), "x" * 100_000]
    yield ["".join(letters) for letters in rng.choice(list("abcdef "), (200, 10_000))]
    yield rng.choice(["a", "bc", "d e"], 300_000).tolist()
    yield [f"{k:09x}" for k in rng.integers(0, 2**36, 100_000).tolist()]
    yield [f'"{cell}\r\n"' for cell in rng.choice(["a", "bc", "de"], 60_000)]


@pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="the peak of a process is read from /proc"
)
def test_a_table_takes_a_few_times_the_bytes_of_its_text(tmp_path):
    sizes = []
    for number, notes in enumerate(shapes()):
        path = tmp_path / f"{number}.csv"
        path.write_text(
            "\n".join(["n,note", *(f"{k % 7},{note}" for k, note in enumerate(notes))]) + "\n",
            newline="",
        )
        sizes.append(path.stat().st_size)
    command = [sys.executable, "-c", MEASURED, str(len(sizes))]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for number, found in json.loads(done.stdout).items():
        for what, taken in found.items():
            assert taken <= 4 * sizes[int(number)] + 200e6, (
                number,
                what,
                taken,
                sizes[int(number)],
            )


@pytest.mark.parametrize(
    "form", ["csv", "parquet", "polars", "arrow", "pandas", "enum", "categorical"]
)
def test_labels_that_differ_by_a_nul_at_the_end_are_two(tmp_path, form):
    cells = ["4", "4\0", "4\0\0", "\0", "b"] * 10
    frame = pl.DataFrame({"lab": cells, "n": range(50)})
    if form == "csv":
        frame.write_csv(tmp_path / "t.csv")
        table = read_table(tmp_path / "t.csv")
    elif form == "parquet":
        frame.write_parquet(tmp_path / "t.parquet")
        table = read_table(tmp_path / "t.parquet")
    else:
        forms = {
            "polars": lambda: frame,
            "arrow": lambda: pa.table({"lab": cells, "n": range(50)}),
            "pandas": lambda: pd.DataFrame({"lab": cells, "n": range(50)}),
            "enum": lambda: frame.cast({"lab": pl.Enum(["4", "4\0", "4\0\0", "\0", "b"])}),
            "categorical": lambda: frame.cast({"lab": pl.Categorical}),
        }
        table = read_table(forms[form]())
    schema = infer_schema(table, kinds={"lab": "categorical", "n": "integer"})
    assert sorted(schema.columns[0].levels) == sorted({"4", "4\0", "4\0\0", "\0", "b"})
    assert len(set(encode(table, schema).values[:5, 0])) == 5


def test_no_column_is_numpys_text(tmp_path):
    """Not even as labels, in parts, or with a long cell among many short ones."""
    from chainrule.table import lazy, read_chunks

    cells = ["a", "bb"] * 6000 + ["x" * 5000]
    frame = pl.DataFrame({"lab": cells, "n": range(len(cells))})
    frame.write_csv(tmp_path / "t.csv")
    frame.write_parquet(tmp_path / "t.parquet")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lazy, "LARGE_BYTES", 0)
        large = [lazy.read_table_lazily(tmp_path / name) for name in ("t.csv", "t.parquet")]
    small = [
        *map(
            read_table,
            (
                tmp_path / "t.csv",
                tmp_path / "t.parquet",
                frame,
                frame.to_arrow(),
                frame.to_pandas(),
            ),
        )
    ]
    parts = [part for name in ("t.csv", "t.parquet") for part in read_chunks(tmp_path / name)]
    for table in (*large, *small, *parts):
        for values in (table.columns[0], table.labels(0)):
            assert values.dtype == object
            assert len(set(map(id, values.tolist()))) <= 10 or table.container in (
                "pandas",
                "pyarrow",
            )


def test_long_and_short_labels_come_back_from_a_model():
    rng = np.random.default_rng(0)
    long = "y" * 20_000
    labels = [["a", "a\0", long][k] for k in rng.integers(0, 3, 120)]
    frame = pl.DataFrame({"lab": labels, "x": rng.normal(size=120)})
    density = cr.fit(
        frame, seed=0, config=cr.FitConfig(hidden_size=4, epochs=1, members=1), verbose=False
    )
    assert set(density.sample(200, seed=0)["lab"]) == {"a", "a\0", long}
    holes = frame.with_columns(pl.when(pl.int_range(120) > 9).then(pl.col("lab")).alias("lab"))
    filled = density.impute(holes, how="draw", seed=0)
    assert filled["lab"][10:].to_list() == frame["lab"][10:].to_list()
    assert set(filled["lab"][:10]) <= {"a", "a\0", long}
