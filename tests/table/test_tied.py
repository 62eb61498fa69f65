"""Ties of tables: columns of all kinds, grids for the tied, flags, options, and files."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import polars as pl
import pytest

import chainrule as cr
from chainrule.errors import SchemaError
from chainrule.table import Real, Schema, encode, infer_schema, read_table
from chainrule.table.ties import LinearTie


def stays(rows=1000, broken=0.0):
    """Stays in a hotel: dates, nights, and a sum that was paid twice."""
    rng = np.random.default_rng(0)
    start = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 300, rows), "D")
    nights, paid = rng.integers(1, 8, rows), rng.gamma(2, 50, rows).round(2)
    wrong = rng.random(rows) < broken
    return pd.DataFrame(
        {
            "checkin": start,
            "checkout": start + pd.to_timedelta(nights, "D"),
            "nights": np.where(wrong, 9 - nights, nights),
            "paid": paid,
            "paid_again": paid,
        }
    )


def invoices(rows=2000):
    rng = np.random.default_rng(1)
    net = (rng.gamma(2, 5000, rows)).round(2)
    tax = (np.floor(np.round(net * 100) * 0.19 + 0.5) / 100).round(2)
    city = rng.choice(list("abcdefgh"), rows)
    return pd.DataFrame(
        {
            "net": net,
            "tax": tax,
            "gross": (net + tax).round(2),
            "city": city,
            "country": np.where(city > "d", "north", "south"),
        }
    )


def held(schema, table):
    """The share of rows in which each tie holds, computed from the codes of a table."""
    codes = encode(read_table(table), schema)
    return [float(np.nanmean(tie.holds(codes.values, codes.observed))) for tie in schema.ties]


def test_ties_of_stays():
    schema = infer_schema(stays(), ties="auto")
    assert [tie.text for tie in schema.ties] == [
        "paid_again = paid",
        "checkout − checkin = nights (days)",
    ]  # and so checkin ≤ checkout
    assert held(schema, stays()) == [1.0, 1.0]
    assert str(schema).splitlines()[5:] == [
        "tie: paid_again = paid, in all rows",
        "tie: checkout − checkin = nights (days), in all rows",
    ]


def test_shares_are_those_of_the_rows():
    table = stays(broken=0.03)
    schema = infer_schema(table, ties="auto")
    assert held(schema, table) == [tie.share for tie in schema.ties]
    apart = (table.checkout - table.checkin).dt.days
    assert schema.ties[1].share == (apart == table.nights).mean() < 1
    assert "(days), in 9" in str(schema)


def test_continuous_numbers_with_decimals_get_the_grid_of_these_if_they_have_a_tie():
    table = invoices()
    table["alone"] = np.random.default_rng(2).gamma(2, 5000, len(table)).round(2)
    before, schema = (infer_schema(table, ties=ties) for ties in ("none", "auto"))
    assert [tie.text for tie in schema.ties] == [
        "gross = net + tax",
        "tax = 19 % of net, rounded",
        "gross = 1.19 × net, rounded",
        "city determines country",
    ]
    for name in ("net", "tax", "gross"):
        old, new = (each.columns[each.number(name)] for each in (before, schema))
        assert isinstance(new, Real)
        assert old.is_continuous
        assert new.step == 0.01
        assert new.reason.startswith(old.reason.split(",")[0])
        assert "multiples of 0.01" in new.reason
        assert not new.is_continuous
        values = table[name].to_numpy()
        codes = new.encode(values, lambda row: f"row {row}")
        np.testing.assert_array_equal(codes, np.round(codes))
        np.testing.assert_array_equal(new.decode(codes), values)
        assert new.rows == len(table)
        assert new.low <= codes.min()
        assert new.high >= codes.max()
    assert schema.columns[schema.number("alone")] == before.columns[before.number("alone")]
    assert schema.columns[schema.number("alone")].is_continuous
    assert held(schema, table) == [1.0] * 4


def rates(rows=2000):
    """Shares of hits among tries, and prices of a piece, both rounded."""
    rng = np.random.default_rng(2)
    hits = rng.integers(1, 100, rows)
    tries = hits + rng.integers(0, 100, rows)
    table = pd.DataFrame({"hits": hits, "tries": tries})
    table["rate"] = (table.hits / table.tries).round(3)
    amount = rng.gamma(2, 5000, rows).round(2)
    table["pieces"] = rng.integers(3, 90, rows)
    table["amount"], table["price"] = amount, (amount / table.pieces).round(2)
    return table


def test_rounded_quotients_are_found_and_kept_in_a_file():
    table = rates()
    schema = infer_schema(table, ties="auto")
    texts = [tie.text for tie in schema.ties]
    assert "rate = hits ÷ tries, rounded" in texts
    assert "price = amount ÷ pieces, rounded" in texts
    assert held(schema, table) == [1.0] * len(texts)
    assert "tie: rate = hits ÷ tries, rounded, in all rows" in str(schema).splitlines()
    assert Schema.from_json(json.loads(json.dumps(schema.to_json()))) == schema
    less = infer_schema(table, ties=["rate = hits ÷ tries, rounded"])
    assert [tie.text for tie in less.ties] == [text for text in texts if "rate" not in text]


def test_bounds_and_scale_that_the_user_asked_for_stay():
    kinds = {"net": {"kind": "real", "least": 0, "most": 1e6}}
    schema = infer_schema(invoices(), ties="auto", kinds=kinds)
    column = schema.columns[0]
    assert isinstance(column, Real)
    assert column.step == 0.01
    assert (column.least, column.most) == (0, 1e6)
    assert column.reason.startswith("as you said, multiples of 0.01")
    assert column.reason.endswith("from 0 to 1000000")


def test_large_codes_that_count_from_another_origin():
    table = invoices()
    for name in ("net", "gross"):
        table[name] = (table[name] + 5_000_000).round(2)
    schema = infer_schema(table, ties="auto", kinds={"net": {"kind": "real", "scale": "linear"}})
    assert "gross = net + tax" in [tie.text for tie in schema.ties]
    assert schema.columns[0].origin > 4_000_000
    assert held(schema, table)[0] == 1.0


def test_full_precision_has_no_grid():
    table = invoices()
    table["net"] *= np.pi
    table["gross"] = table["net"] + table["tax"]
    schema = infer_schema(table, ties="auto")
    assert [tie.text for tie in schema.ties] == ["city determines country"]


def test_a_column_of_too_many_steps_for_ties_says_so():
    table = invoices()
    table.loc[0, ["net", "gross"]] = [200_000.01, 200_000.01 + table["tax"][0]]
    plain, schema = (infer_schema(table, ties=ties) for ties in ("none", "auto"))
    assert [tie.text for tie in schema.ties] == ["city determines country"]
    for name in ("net", "gross"):
        old, new = (each.columns[each.number(name)] for each in (plain, schema))
        assert new.reason == f"{old.reason}, too many steps of 0.01 for ties"
        assert replace(new, reason=old.reason) == old
    assert "for ties" not in schema.columns[schema.number("tax")].reason
    table["net"] += np.random.default_rng(0).normal(0, 1e-7, len(table))  # measured, not money
    assert "for ties" not in infer_schema(table).columns[0].reason


def test_numbers_of_ties_count_flags():
    table = stays()
    table.loc[::7, "checkin"] = pd.NaT
    table.loc[::5, "paid"] = np.nan
    schema = infer_schema(table, ties="auto", missing="informative")
    assert schema.names[:2] == ("checkin is missing", "checkin")
    assert "paid_again = paid" in [tie.text for tie in schema.ties]
    assert held(schema, table) == [1.0] * len(schema.ties)
    tied = {schema.names[number] for tie in schema.ties for number in tie.columns}
    assert tied == {"checkin", "checkout", "nights", "paid", "paid_again"}


@pytest.mark.parametrize("container", [pl.from_pandas, "csv"])
def test_other_containers_have_the_same_ties(container, tmp_path):
    table = stays()
    if container == "csv":
        table.to_csv(given := tmp_path / "stays.csv", index=False)
    else:
        given = container(table)
    assert [tie.text for tie in infer_schema(given, ties="auto").ties] == [
        "paid_again = paid",
        "checkout − checkin = nights (days)",
    ]


def test_numbers_in_a_notation_of_their_own(tmp_path):
    path = tmp_path / "stays.csv"
    stays().to_csv(path, index=False, sep=";", decimal=",")
    schema = infer_schema(read_table(path, decimal=","), ties="auto")
    assert "paid_again = paid" in [tie.text for tie in schema.ties]


def test_json_keeps_ties_and_has_none_of_them_without():
    schema = infer_schema(stays(), ties="auto")
    spec = json.loads(json.dumps(schema.to_json(), allow_nan=False))
    assert Schema.from_json(spec) == schema
    plain = infer_schema(stays(), ties="none")
    assert plain.ties == ()
    assert "ties" not in plain.to_json()
    assert Schema.from_json(plain.to_json()) == plain


def test_a_tie_of_a_column_without_masses_is_refused():
    schema = infer_schema(pd.DataFrame({"x": np.random.default_rng(0).normal(size=99), "y": 1}))
    tie = LinearTie((0, 1), (1, -1), 0.0, 0.0, text="x = y")
    with pytest.raises(SchemaError, match="tie 'x = y': column 0 is none that has masses, of 2"):
        replace(schema, ties=(tie,))
    with pytest.raises(SchemaError, match="column 7 is none"):
        replace(schema, ties=(replace(tie, columns=(7, 1)),))


def test_columns_that_determine_each_other_are_one_line_and_left_out_together():
    table = invoices().drop(columns=["country", "tax", "gross"])
    table["code"] = table["city"].map({city: f"D{city}" for city in "abcdefgh"})
    text = "city and code determine each other"
    schema = infer_schema(table)
    assert [tie.text for tie in schema.ties] == [text, text]
    assert [tie.targets for tie in schema.ties] == [(2,), (1,)]
    assert str(schema).splitlines()[3:] == [f"tie: {text}, in all rows"]
    assert infer_schema(table, ties=[text]).ties == ()
    few = replace(schema, ties=(schema.ties[0], replace(schema.ties[1], share=0.96)))
    assert few.ties_as_text == [f"tie: {text}, in 96 % of rows"]


def test_single_ties_are_left_out_by_text_or_by_a_pair_of_names():
    left = infer_schema(stays(), ties=["paid_again = paid"])
    assert [tie.text for tie in left.ties] == ["checkout − checkin = nights (days)"]
    left = infer_schema(stays(), ties=[("checkin", "nights")])
    assert [tie.text for tie in left.ties] == ["paid_again = paid"]
    alone = infer_schema(stays().drop(columns="nights"), ties=["paid_again = paid"])
    assert [tie.text for tie in alone.ties] == ["checkin ≤ checkout"]
    assert infer_schema(stays(), ties=[]).ties == infer_schema(stays(), ties="auto").ties


@pytest.mark.parametrize(
    ("ties", "message"),
    [
        ("aut", "ties 'aut' is unknown; choose one of 'auto', 'none' \\(nearest: 'auto'\\)"),
        (3, "ties = 3: pass 'auto', 'none', or a list of the ties to leave out"),
        (["paid_again = pay"], "tie 'paid_again = pay' is unknown.*nearest: 'paid_again = paid'"),
        ([("paid", "nigths")], "column 'nigths' is unknown"),
        ([("paid",)], "is neither the text of a tie nor a pair of names"),
    ],
)
def test_wrong_options_are_refused(ties, message):
    with pytest.raises(SchemaError, match=message):
        infer_schema(stays(), ties=ties)


@pytest.mark.parametrize("columns", [1, 129])
def test_what_is_left_out_is_checked_where_no_ties_are_sought(columns):
    drawn = np.random.default_rng(0).integers(0, 2, (200, columns))
    bits = pd.DataFrame(drawn, columns=[f"c{k}" for k in range(columns)])
    message = "ties: 'c1 = c0' cannot be left out, the table shows no tie"
    with pytest.raises(SchemaError, match=message):
        infer_schema(bits, ties=["c1 = c0"])
    with pytest.raises(SchemaError, match="column 'd0' is unknown"):
        infer_schema(bits, ties=[("c0", "d0")])


def test_permuted_columns_have_no_ties_and_keep_their_columns():
    rng = np.random.default_rng(0)
    for table in (stays(), invoices()):
        mixed = pd.DataFrame({name: rng.permutation(table[name]) for name in table.columns})
        assert infer_schema(mixed, ties="auto") == infer_schema(mixed, ties="none")


def test_ties_disclose_no_value_of_few_rows():
    table = invoices(1000)
    table.loc[0, ["net", "tax", "gross"]] = [83471.37, 1.11, 2.22]  # a row that breaks all ties
    table.loc[:3, "city"] = "secret"
    table.loc[:3, "country"] = "hidden"
    schema = infer_schema(table, ties="auto")
    assert len(schema.ties) == 4
    written = json.dumps([tie.to_json() for tie in schema.ties])
    for text in ("83471", "8347137", "secret", "hidden"):
        assert text not in written


def test_fit_takes_the_option():
    config = cr.FitConfig(hidden_size=4, epochs=1, members=1)
    with pytest.raises(SchemaError, match="ties 'some' is unknown"):
        cr.fit(stays(), ties="some", config=config, verbose=False)


def test_bits_alone_and_very_many_columns_have_no_ties():
    rng = np.random.default_rng(0)
    bits = pd.DataFrame({"a": (a := rng.random(900) < 0.5), "b": a})
    assert infer_schema(bits, ties="auto").ties == ()
    assert infer_schema(bits.assign(c=rng.integers(0, 3, 900)), ties="auto").ties != ()
    x = rng.integers(0, 50, 200)
    many = pd.DataFrame({f"c{k}": x + k for k in range(129)})
    assert infer_schema(many, ties="auto").ties == ()
    assert len(infer_schema(many.iloc[:, :9], ties="auto").ties) == 8


def test_a_whole_schema_keeps_its_ties_unless_they_are_left_out():
    schema = infer_schema(stays(), ties="auto")
    assert infer_schema(stays(), kinds=schema) == schema
    assert infer_schema(stays(), kinds=schema, ties="none").ties == ()
    left = infer_schema(stays(), kinds=schema, ties=["paid_again = paid"])
    assert [tie.text for tie in left.ties] == ["checkout − checkin = nights (days)"]
    with pytest.raises(SchemaError, match="ties 'foo' is unknown"):
        infer_schema(stays(), kinds=schema, ties="foo")
