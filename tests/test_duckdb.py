"""The functions of DuckDB answer as the density does, and refuse with a remedy."""

import math

import numpy as np
import polars as pl
import pytest
from helpers.some_tables import mixed
from helpers.untrained import untrained

from chainrule.duckdb import NAMES, register

duckdb = pytest.importorskip("duckdb")
DRAWS = 5_000


@pytest.fixture(scope="module")
def density():
    return untrained(mixed(300))


@pytest.fixture
def connection(density, tmp_path):
    table = pl.from_pandas(mixed(500, seed=1)).with_columns(id=pl.int_range(500))
    table = table.with_columns(price=pl.when(pl.col("id") % 5 == 0).then(None).otherwise("price"))
    table.write_parquet(tmp_path / "rows.parquet")
    connection = duckdb.connect()
    register(connection, density, draws=DRAWS)
    connection.execute(f"CREATE VIEW t AS SELECT * FROM '{tmp_path}/rows.parquet'")
    return connection


def test_rows_of_a_parquet_file_are_ordered_by_their_bits(connection, density):
    rows = connection.sql("SELECT * FROM t").pl()
    expected = density.log_prob(rows.drop("id"))
    query = "SELECT id, cr_bits(t) AS bits, cr_log_prob(t) AS nats FROM t ORDER BY cr_bits(t) DESC"
    found = connection.sql(query).pl()
    assert found["id"].to_list() == np.argsort(expected, kind="stable").tolist()
    np.testing.assert_allclose(found["nats"], np.sort(expected), rtol=1e-9)
    np.testing.assert_allclose(found["bits"], -np.sort(expected) / math.log(2), rtol=1e-9)


def test_columns_may_be_passed_one_by_one(connection):
    names = "sex, town, gain, height, price, hour"
    query = f"SELECT max(abs(cr_bits({names}) - cr_bits(t))) FROM t"
    assert connection.execute(query).fetchall()[0][0] < 1e-9


def test_events_have_their_probability(connection, density):
    given = "town == 'north'"
    expected = density.probability(["sex", "gain > 10"], given, draws=DRAWS)
    words = given.replace("'", "''")
    for event, answer in zip(("sex", "gain > 10"), expected, strict=True):
        found = connection.execute(f"SELECT cr_probability('{event}', '{words}')").fetchall()[0][0]
        assert found == pytest.approx(answer.value, rel=1e-9)
    query = "SELECT town, cr_probability('town == ''' || town || '''') FROM t GROUP BY town"
    assert sum(p for _, p in connection.sql(query).fetchall()) == pytest.approx(1, abs=0.02)
    assert connection.execute("SELECT cr_probability(NULL)").fetchall() == [(None,)]


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("SELECT cr_probability('hieght > 3')", r"no column 'hieght' .*nearest: 'height'"),
        ("SELECT cr_bits(1)", r"1 column\(s\) where the model has 6: pass the name of the table"),
        ("SELECT cr_bits(u) FROM (SELECT 1 AS gain) u", r"the row has no column 'sex'"),
    ],
)
def test_a_wrong_question_has_a_remedy(query, message, connection):
    with pytest.raises(duckdb.Error, match=message):
        connection.sql(query).fetchall()


def test_another_model_takes_the_place_of_the_first(connection, density, tmp_path):
    density.save(tmp_path / "m.chainrule")
    before = connection.execute("SELECT sum(cr_bits(t)) FROM t").fetchall()[0][0]
    register(connection, tmp_path / "m.chainrule")  # a scorer answers
    assert connection.execute("SELECT sum(cr_bits(t)) FROM t").fetchall()[0][0] == pytest.approx(
        before
    )
    register(connection, untrained(mixed(100, seed=5)))
    assert connection.execute("SELECT sum(cr_bits(t)) FROM t").fetchall()[0][0] != pytest.approx(
        before
    )
    functions = "SELECT DISTINCT function_name FROM duckdb_functions()"
    known = {name for (name,) in connection.sql(functions).fetchall()}
    assert {name for name in known if name.startswith("cr_")} == set(NAMES)


def test_a_connection_without_duckdb_says_what_to_install(monkeypatch, density):
    import importlib

    def absent(name):
        raise ImportError(name)

    monkeypatch.setattr(importlib, "import_module", absent)
    with pytest.raises(ImportError, match=r"pip install 'chainrule\[duckdb\]'"):
        register(None, density)
