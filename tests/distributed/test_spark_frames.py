"""Spark frames are answered batch by batch, lazily, as one process answers them whole."""

import os
import shutil
import sys

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from helpers.distributed_questions import ASKED, require_answer_of_one_process

import chainrule as cr
from chainrule import distributed
from chainrule.errors import SchemaError, ShapeError

sql = pytest.importorskip("pyspark.sql", reason="Spark is not installed: pip install .[spark]")
if shutil.which("java") is None:
    pytest.skip("Spark needs Java 17", allow_module_level=True)
pytestmark = pytest.mark.filterwarnings("ignore")  # those of Spark about itself


@pytest.fixture(scope="module")
def session():
    """A session whose batches hold 50 rows, and whose workers have this Python."""
    os.environ["PYSPARK_PYTHON"] = sys.executable
    built = sql.SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false")
    built = built.config("spark.sql.execution.arrow.maxRecordsPerBatch", "50")
    found = built.config("spark.sql.session.timeZone", "UTC").getOrCreate()
    found.sparkContext.setLogLevel("ERROR")
    yield found
    found.stop()


@pytest.fixture(scope="module")
def data(session, frame):
    return session.createDataFrame(pa.Table.from_pandas(frame, preserve_index=False))


@pytest.mark.parametrize("name", ASKED)
def test_a_partition_is_answered_as_one_process_answers_it(density, data, frame, name):
    asked = ASKED[name](density, data.coalesce(1))
    assert isinstance(asked, sql.DataFrame)
    found = asked.toArrow()
    require_answer_of_one_process(found, name, density, frame)


def test_the_schema_is_that_of_the_whole(session, frame):
    whole = pa.Table.from_pandas(frame, preserve_index=False)
    how = {"kinds": {"id": "leave out"}, "min_count": 3}
    found = distributed.infer_schema(session.createDataFrame(whole), **how)
    assert str(found) == str(cr.infer_schema(whole, **how))


def test_draws_do_not_depend_on_partitions(density, data):
    one, more = (
        distributed.sample(density, data.repartition(parts), key="id", seed=3, keep=["id"])
        .toPandas()
        .sort_values("id", ignore_index=True)
        for parts in (1, 7)
    )
    pd.testing.assert_frame_equal(one, more, rtol=1e-9)


def test_types_that_spark_has_in_its_own_way(session, density):
    """Names in backquotes, dates of a kept column, a column without a value, no row at all."""
    text = "id string, age bigint, income double, height double, town string, smoker boolean"
    rows = [("a", 30, 9000.0, None, None, None), ("b", None, None, None, None, None)]
    data = session.createDataFrame(rows, text).selectExpr("*", "date '2024-02-29' as `a day`")
    found = distributed.score(density, data, keep=["id", "a day"]).toPandas()
    assert found["id"].tolist() == ["a", "b"]
    assert str(found["a day"][0]) == "2024-02-29"
    assert found["log_prob"][1] == 0.0
    assert np.isfinite(found["log_prob"]).all()
    nothing = distributed.score(density, data.where("id = 'c'"))
    assert nothing.toPandas().empty


def test_what_does_not_fit_is_refused_before_work_starts(density, data):
    with pytest.raises(SchemaError, match="the table has no column 'height'"):
        distributed.score(density, data.drop("height"))
    with pytest.raises(ShapeError, match="impute draws, and no row of a distributed frame has a"):
        distributed.impute(density, data)
    with pytest.raises(SchemaError, match="key names 'ID'"):
        distributed.sample(density, data, key="ID")
