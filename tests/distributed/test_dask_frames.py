"""Dask frames are answered partition by partition, lazily, as one process answers them whole."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from helpers import some_tables
from helpers.distributed_questions import ASKED

import chainrule as cr
from chainrule import distributed
from chainrule.errors import SchemaError, ShapeError
from chainrule.table.statistics import table_statistics

dask = pytest.importorskip("dask", reason="Dask is not installed: pip install .[dask]")
dd = pytest.importorskip("dask.dataframe", reason="Dask is not installed: pip install .[dask]")
pytestmark = pytest.mark.filterwarnings("ignore:.*outside the range of the training:UserWarning")


@pytest.mark.parametrize("name", [name for name in ASKED if name != "proofread"])
@pytest.mark.parametrize("partitions", [1, 3, 20])
def test_partitions_are_answered_as_the_whole_is(density, frame, name, partitions):
    data = dd.from_pandas(frame, npartitions=partitions, sort=True)
    asked = ASKED[name](density, data)
    assert isinstance(asked, dd.DataFrame)
    assert asked.npartitions == data.npartitions
    found = asked.compute(scheduler="sync")
    assert found.dtypes.to_dict() == asked.dtypes.to_dict()
    one = ASKED[name](density, dd.from_pandas(frame, npartitions=1)).compute(scheduler="sync")
    pd.testing.assert_frame_equal(found, one, rtol=1e-12, atol=1e-12)


def test_answers_are_those_of_the_density(density, frame):
    data = dd.from_pandas(frame, npartitions=4)
    rows = frame.drop(columns=["id", "note"])
    found = distributed.score(density.scorer(), data).compute(scheduler="sync")
    assert found.index.equals(frame.index)
    np.testing.assert_allclose(found["log_prob"], density.log_prob(rows), rtol=1e-9)
    best = distributed.impute(density, data, how="best").compute(scheduler="sync")
    expected = density.impute(rows, "best")
    pd.testing.assert_frame_equal(best, expected, check_dtype=False, rtol=1e-9)
    assert best.notna().all().all()


def test_findings_name_their_rows(density, frame):
    data = dd.from_pandas(frame, npartitions=3)
    found = distributed.proofread(density, data, keep=["id"], fdr=1.0)
    answer = found.compute(scheduler="sync")
    assert len(answer)
    assert answer.dtypes.to_dict() == found.dtypes.to_dict()
    assert set(answer["id"]) <= set(frame["id"])
    assert set(answer["column"]) <= set(density.schema.names)


@pytest.mark.parametrize("partitions", [1, 3, 20])
def test_the_schema_is_that_of_the_whole(frame, partitions):
    data = dd.from_pandas(frame, npartitions=partitions, sort=True)
    found = distributed.infer_schema(data, kinds={"id": "leave out"}, min_count=3)
    whole = data.compute(scheduler="sync")
    expected = cr.infer_schema(whole, kinds={"id": "leave out"}, min_count=3)
    assert str(found) == str(expected)
    assert found.columns == expected.columns


def test_above_the_cap_bounds_and_labels_are_exact(monkeypatch):
    rng = np.random.default_rng(0)
    many = pd.DataFrame({
        "x": rng.integers(-70, 900, 3000), "town": rng.choice(["Bern", "Oslo", "Rome"], 3000),
    })  # fmt: skip
    monkeypatch.setattr(table_statistics, "MOST_ROWS", 500)
    data = dd.from_pandas(many, npartitions=9)
    with dask.config.set(scheduler="sync"):
        found = distributed.infer_schema(data, kinds={"x": "integer"})
        whole = cr.infer_schema(many, kinds={"x": "integer"})
    (x, town), (expected, labels) = found.columns, whole.columns
    assert (x.low, x.high, x.rows) == (expected.low, expected.high, 3000)
    assert (town.levels, town.rows) == (labels.levels, 3000)


def test_nothing_is_computed_before_it_is_asked_for(density, frame):
    def fail(part):
        if len(part):
            raise AssertionError("a partition was read")
        return part

    data = dd.from_pandas(frame, npartitions=3)
    lazy = data.map_partitions(fail, meta=data._meta)
    asked = distributed.score(density, lazy)
    with pytest.raises(AssertionError, match="a partition was read"):
        asked.compute(scheduler="sync")


def test_what_is_not_distributed_or_does_not_fit_is_refused(density, frame):
    data = dd.from_pandas(frame, npartitions=2)
    with pytest.raises(SchemaError, match=r"a pandas\..*DataFrame is not distributed"):
        distributed.score(density, frame)
    with pytest.raises(SchemaError, match="the table has no column 'height'"):
        distributed.score(density, data.drop(columns="height"))
    with pytest.raises(ShapeError, match="impute draws, and no row of a distributed frame has a"):
        distributed.impute(density, data)
    with pytest.raises(SchemaError, match="key names 'ID'"):
        distributed.sample(density, data, key="ID")
    repeated = distributed.sample(density, data, key="note")
    with pytest.raises(SchemaError, match=r"the key '\?' has 60 rows"):
        repeated.compute(scheduler="sync")


WORKERS = """
import os, sys
import dask.dataframe as dd
import numpy as np
from chainrule import Scorer, distributed
from chainrule.distributed import dask_frames
from chainrule.distributed.question import Question
from importlib import import_module
from threadpoolctl import ThreadpoolController

def watched(part, *asked):
    tensor = import_module("chainrule.tensors.tensor")
    threads, products = [], tensor.UFUNCS

    class Watched:
        def __getattr__(self, name):
            libraries = ThreadpoolController().select(user_api="blas").info()
            threads.extend(library["num_threads"] for library in libraries)
            return getattr(products, name)

    ThreadpoolController().limit(limits=2)  # Dask starts workers with one
    tensor.UFUNCS = Watched()
    found = dask_frames.answer_frame(part, *asked)
    loaded = "torch" in sys.modules
    return found.assign(most=max(threads), pid=os.getpid(), torch=loaded)

if __name__ == "__main__":
    import pandas as pd
    scorer = Scorer(sys.argv[1])
    frame = pd.read_parquet(sys.argv[2])
    data = dd.from_pandas(frame, npartitions=2)
    question = Question(scorer, "score", (), None, 0, {})
    meta = data._meta[[]].assign(log_prob=0.0, most=1, pid=1, torch=False)
    found = data.map_partitions(watched, question, {"log_prob": float}, meta=meta)
    found = found.compute(scheduler="processes", num_workers=2)
    assert (found["most"] == 1).all(), found["most"]
    assert not found["torch"].any(), "a worker loaded PyTorch"
    assert (found["pid"] != os.getpid()).all()
    assert np.allclose(found["log_prob"], scorer.log_prob(frame), rtol=1e-12, atol=0)
    assert "torch" not in sys.modules
"""


def test_spawned_workers_take_one_thread_each_and_no_torch(density, tmp_path):
    density.save(tmp_path / "m.chainrule")
    some_tables.people(600, seed=1).to_parquet(tmp_path / "t.parquet")
    (tmp_path / "workers.py").write_text(WORKERS)
    command = [sys.executable, "workers.py", "m.chainrule", "t.parquet"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
