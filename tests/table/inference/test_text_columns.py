"""Tables whose text holds numbers and dates: fits, and answers in the same notation."""

import datetime
import re

import numpy as np
import pandas as pd
import polars as pl
import pytest
from helpers.notations import AMOUNTS, DAYS, SMALL, schema_of, swapped

import chainrule as cr
from chainrule.errors import SchemaError
from chainrule.table import (
    Schema,
    encode,
    lazy,
    read,
    read_chunks,
    read_table,
)
from chainrule.table.text.notation import read_cells


def test_points_in_a_file_of_decimal_commas_are_noted_as_doubtful(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text(
        "a;b\n"
        + "".join(
            f"{x / 7:.2f};{x % 9 + 1}.{x:03d}\n".replace(".", ",", 1) for x in range(100, 200)
        )
    )
    lines = str(schema_of(path)).splitlines()
    assert lines[1].endswith(
        "; a point that separates thousands, as in 1.234, is read so by thousands={'b': '.'} "
        "(--thousands b=.)"
    )
    column = schema_of(read_table(path, thousands={"b": "."})).columns[1]
    assert (column.kind, column.notation.describe()) == ("integer", "numbers written 1.234")


def frame_of(n=300):
    """A price, a rate, a day and a country as people write them, with holes."""
    rng = np.random.default_rng(2)
    value = rng.gamma(2, 900, n).round(2)
    day = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 365, n), "D")
    frame = pd.DataFrame(
        {
            "price": [swapped(f"{x:,.2f}") + " €" for x in value],
            "rate": [f"{x / 1000:.1f}%" for x in value],
            "when": day.strftime("%d/%m/%Y"),
            "country": rng.choice(["NA", "DE", "FR", "ZA"], n),
            "x": rng.normal(size=n).round(1),
        }
    )
    for name in ("price", "rate", "when"):
        frame.loc[rng.random(n) < 0.1, name] = None
    return frame


WRITTEN_SO = {
    "price": r"-?[0-9.]{1,9},[0-9]{2} €",
    "rate": r"-?[0-9]+\.[0-9]%",
    "when": r"[0-9]{2}/[0-9]{2}/[0-9]{4}",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("notation")
    frame_of().to_csv(folder / "t.csv", sep=";", index=False)
    return folder


@pytest.fixture(scope="module")
def of_file(folder):
    return cr.fit(cr.read_table(folder / "t.csv", na_values={"country": ""}), **SMALL)


@pytest.fixture(scope="module")
def of_frame():
    return cr.fit(frame_of(), **SMALL)


def test_what_is_drawn_and_filled_into_a_file_is_written_as_the_file_is(folder, of_file, tmp_path):
    drawn = pl.read_csv(of_file.sample(50, seed=0, to=tmp_path / "drawn.csv"), infer_schema=False)
    filled = pl.read_csv(
        of_file.impute(folder / "t.csv", seed=0, to=tmp_path / "filled.csv"), infer_schema=False
    )
    before = frame_of()
    for name, pattern in WRITTEN_SO.items():
        assert drawn[name].str.contains(f"^{pattern}$").all()
        assert filled[name].str.contains(f"^{pattern}$").all()
        known = before[name].notna().to_numpy()
        assert filled[name].to_numpy()[known].tolist() == before[name][known].tolist()
    assert filled["country"].to_list() == before["country"].to_list()
    assert set(drawn["country"]) == {"NA", "DE", "FR", "ZA"}
    assert [str(t) for t in of_file.sample(2, seed=0).dtypes] == [
        "Float64",
        "Float64",
        "Date",
        "String",
        "Float64",
    ]
    parquet = pl.read_parquet(
        of_file.impute(folder / "t.csv", seed=0, to=tmp_path / "filled.parquet")
    )
    assert [str(t) for t in parquet.dtypes] == ["Float64", "Float64", "Date", "String", "Float64"]
    assert parquet.equals(of_file.impute(folder / "t.csv", seed=0))


def test_a_part_that_looks_plain_is_read_as_the_file_it_comes_from(tmp_path, of_file):
    """Cells such as 1.234 and 12 € in the first lines, and a part without a known price."""
    path = tmp_path / "parts.csv"
    rows = (
        [f"1.{k}00;1%;01/02/2024;DE;0.5" for k in range(100, 104)]
        + [";;;NA;"] * 4
        + ["2.345,50 €;2.0%;31/12/2024;FR;"] * 4
    )
    path.write_text("price;rate;when;country;x\n" + "\n".join(rows).replace("00;1%", ";1%") + "\n")
    whole = encode(read_table(path, reading=of_file.schema.reading), of_file.schema)
    parts = [
        encode(part, of_file.schema)
        for part in read_chunks(path, rows=4, reading=of_file.schema.reading)
    ]
    assert np.array_equal(np.concatenate([part.values for part in parts]), whole.values)
    assert np.array_equal(np.concatenate([part.observed for part in parts]), whole.observed)
    column = of_file.schema.columns[0]
    assert (whole.values[:4, 0] * column.spread + column.center).round(6).tolist() == [
        1100,
        1101,
        1102,
        1103,
    ]
    done = pl.read_csv(of_file.impute(path, to=tmp_path / "done.csv"), infer_schema=False)
    assert done["price"].to_list()[:4] == ["1.100", "1.101", "1.102", "1.103"]
    assert of_file.impute(path)["price"].dtype == pl.Float64


def test_a_file_read_by_columns_is_the_file_read_whole(folder, monkeypatch):
    whole = schema_of(read_table(folder / "t.csv", decimal=","))
    monkeypatch.setattr(lazy, "LARGE_BYTES", 0)
    monkeypatch.setattr(lazy, "CHUNK_ROWS", 70)
    table = lazy.read_table_lazily(folder / "t.csv", reading=read.Reading.from_options(decimal=","))
    assert schema_of(table) == whole
    assert table.missing == read_table(folder / "t.csv").missing
    assert np.array_equal(
        encode(table, whole).values, encode(read_table(folder / "t.csv"), whole).values
    )


def test_a_frame_of_text_gives_text_back_and_takes_numbers_too(folder, of_frame, of_file):
    frame = frame_of()
    for given_frame, fitted in (
        (frame, of_frame),
        (pl.from_pandas(frame), cr.fit(pl.from_pandas(frame), **SMALL)),
        (pl.from_pandas(frame).to_arrow(), None),
    ):
        density = fitted or cr.fit(given_frame, **SMALL)
        drawn = pl.DataFrame(density.sample(20, seed=0))
        filled = pl.DataFrame(density.impute(given_frame, seed=0))
        for name, pattern in WRITTEN_SO.items():
            assert drawn[name].str.contains(f"^{pattern}$").all()
            known = frame[name].notna().to_numpy()
            assert filled[name].to_numpy()[known].tolist() == frame[name][known].tolist()
            assert filled[name].str.contains(f"^{pattern}$").all()
    plain = of_file.schema
    numbers = pd.DataFrame(
        {
            name: read_cells(plain.columns[k].notation, frame[name].to_numpy(dtype=object), ())
            for k, name in enumerate(WRITTEN_SO)
        }
    ).assign(country=frame.country, x=frame.x)
    assert np.array_equal(of_frame.log_prob(numbers), of_frame.log_prob(frame))
    assert np.array_equal(
        of_frame.log_prob(pl.from_pandas(numbers)), of_frame.log_prob(pl.from_pandas(frame))
    )
    assert of_frame.marginal("rate")["rate"].str.endswith("%").all()
    odd = of_frame.oddest(frame, top=5)
    assert set(odd.loc[odd.column == "rate", "found"]) <= set(frame.rate)
    assert odd.loc[odd.column == "rate", "expected"].str.contains("% … ").all()
    assert of_file.oddest(folder / "t.csv", top=3)["found"].str.contains(r"€|%|/").any()


def test_known_cells_are_given_as_numbers_or_as_they_are_written(of_file):
    for price in ("1.234,50 €", "1.234,50", 1234.5):
        drawn = of_file.sample(3, given={"price": price, "when": "31/12/2024"}, seed=0)
        assert drawn["price"].to_list() == [1234.5] * 3
        assert drawn["when"].to_list() == [datetime.date(2024, 12, 31)] * 3
    with pytest.raises(SchemaError) as error:
        of_file.sample(1, given={"when": "12/31/2024"})
    assert str(error.value) == (
        "column 'when': dates written 12/31/2024 in given, where the fitted table has dates "
        "written 31/12/2024: say so to read_table, by date_format={'when': '%m/%d/%Y'} "
        "(--date-format when=%m/%d/%Y)"
    )


def test_a_table_written_otherwise_than_the_fitted_one_says_so(tmp_path, of_file):
    path = tmp_path / "us.csv"
    path.write_text('price,when\n"$1,234.50",12/31/2024\n"€2,345.25",01/31/2024\n')
    with pytest.raises(
        SchemaError,
        match=r"column 'price': value '\$1,234\.50' at row 0 \(line 2 of .*us.csv\) is not among",
    ):
        encode(read_table(path), of_file.schema, warn=False, strict=True)
    path.write_text("price,when\n1234.50,12/31/2024\n2345.25,01/31/2024\n")
    with pytest.raises(SchemaError) as error:
        encode(read_table(path), of_file.schema, warn=False)
    assert str(error.value) == (
        f"column 'price': numbers written 12.5 in {path}, where the fitted table has numbers "
        "written 1.234,50 €: say so to read_table, by decimal={'price': '.'} (--decimal price=.)"
    )
    path.write_text('price,when\n"1,234.50",12/31/2024\n"2,345.25",01/31/2024\n')
    table = read_table(path, decimal=".", date_format={"when": "%m/%d/%Y"})
    codes = encode(table, of_file.schema, warn=False)
    column = of_file.schema.columns[0]
    assert (codes.values[:, 0] * column.spread + column.center).round(6).tolist() == [
        1234.5,
        2345.25,
    ]
    plain = schema_of(pd.DataFrame({"price": AMOUNTS, "when": pd.to_datetime(DAYS)}))
    for cells, message in (
        (
            {"price": ["1.234,50", "12,25"]},
            "column 'price': numbers written 1.234,50 in the table, where the fitted table has "
            "plain ones: say so to read_table, by decimal={'price': ','} and thousands={'price': "
            "'.'} (--decimal price=, --thousands price=.)",
        ),
        (
            {"when": ["31/12/2024"]},
            "column 'when': dates written 31/12/2024 in the table, where the fitted table has "
            "plain ones: say so to read_table, by date_format={'when': '%d/%m/%Y'} (--date-format "
            "when=%d/%m/%Y)",
        ),
        (
            {"when": ["01/12/2024"]},
            "column 'when': dates such as 01/02/2024, day/month/year or month/day/year: say "
            "which, by date_format={'when': '%d/%m/%Y'} or '%m/%d/%Y' (--date-format "
            "when=%d/%m/%Y)",
        ),
    ):
        with pytest.raises(SchemaError) as error:
            encode(read_table(pd.DataFrame(cells)), plain, warn=False)
        assert str(error.value) == message
    for cells in ({"when": ["2024-12-31", "2024-12-30"]}, {"price": ["12.5", "13"]}):
        assert encode(read_table(pd.DataFrame(cells)), plain, warn=False).observed.any(1).all()


def test_weights_leave_the_notation_as_it_is(folder):
    weight = np.arange(300) % 3
    density = cr.fit(folder / "t.csv", sample_weight=weight, **SMALL)
    assert [str(c.notation and c.notation.describe()) for c in density.schema.columns][:3] == [
        "numbers written 1.234,50 €",
        "percent written 12.5%",
        "dates written 31/12/2024",
    ]
    assert density.schema.names == ("price", "rate", "when", "country", "x")


def test_a_schema_without_notations_is_written_as_before():
    schema = schema_of(pd.DataFrame({"a": AMOUNTS, "b": [f"l{k % 3}" for k in range(400)]}))
    assert all("notation" not in column for column in schema.to_json()["columns"])
    assert "reading" not in schema.to_json()


def test_a_model_remembers_notations_and_words_for_missing_cells(folder, of_file, tmp_path):
    of_file.save(tmp_path / "m.chainrule")
    again = cr.load(tmp_path / "m.chainrule")
    assert again.schema == of_file.schema
    assert Schema.from_json(again.schema.to_json()) == of_file.schema
    assert again.schema.reading.missing.of("country") == {""}
    assert again.score(folder / "t.csv") == of_file.score(folder / "t.csv")
    with pytest.raises(SchemaError) as error:
        again.score(cr.read_table(folder / "t.csv"))
    assert str(error.value) == (
        f"{folder / 't.csv'}: other words are missing cells than in the table the model was fitted "
        "to; pass the path, or give read_table the same na_values"
    )


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame])
def test_decimals_that_a_frame_holds_as_text_are_numbers_and_whole_numbers_are_labels(make):
    """Frames read without types have text, such as those of JSON; 75 may be a key."""
    rng = np.random.default_rng(0)
    amounts = [f"{value:.2f}" for value in rng.normal(200, 30, 300)]
    amounts[7] = None
    frame = make({"amount": amounts, "key": [f"{key}" for key in rng.integers(0, 9, 300)]})
    density = cr.fit(frame, seed=0, config=cr.FitConfig(epochs=1), verbose=False)
    amount, key = density.schema.columns
    assert (amount.kind, key.kind) == ("real", "categorical")
    assert amount.reason.startswith("numbers written 12.50, ")
    filled = pd.Series(density.impute(frame, how="best")["amount"].to_list())
    assert filled.str.fullmatch(r"\d+\.\d\d").all()
    assert filled.drop(7).tolist() == [each for each in amounts if each]


def shop(rows=300):
    """Opening times of a day, elapsed times, and the time of closing, as text."""
    rng = np.random.default_rng(0)
    opens, lasts = rng.integers(300, 900, rows), rng.integers(0, 3000, rows)
    frame = {
        "opens": [f"{each // 60:02d}:{each % 60:02d}" for each in opens],
        "lasts": [f"{each // 60}:{each % 60:02d}" for each in lasts],
        "closes": [f"{(each + 90) // 60}:{each % 60:02d}" for each in opens // 30 * 30],
    }
    frame["opens"][3] = frame["lasts"][3] = None
    return pl.DataFrame(frame)


def test_times_are_numbers_within_the_day_and_come_back_as_text(tmp_path):
    frame = shop()
    frame.write_csv(tmp_path / "shop.csv")
    for table in (frame, frame.to_pandas(), tmp_path / "shop.csv"):
        density = cr.fit(table, seed=0, config=cr.FitConfig(epochs=1), verbose=False)
        opens, lasts, closes = density.schema.columns
        assert (opens.kind, opens.least, opens.most) == ("integer", 0, 1439)
        assert opens.reason.startswith("times written 07:30, ")
        assert (lasts.least, lasts.most) == (0, None)
        assert lasts.reason.endswith("different, from 0:00 on")
        assert closes.step == 30
        drawn = density.sample(50, seed=0)
        assert pd.Series(list(drawn["opens"])).str.fullmatch(r"([01]\d|2[0-3]):[0-5]\d").all()
        filled = density.impute(frame, how="best")
        assert filled["opens"][:3].equals(frame["opens"][:3])
        assert filled["lasts"][3].count(":") == 1
        found = density.conditional(frame[3:4].with_columns(opens=None), "opens")
        assert len(found["q0.5"][0]) == len("07:30")
        _, low, high = density.impute(frame, how="best", interval=0.9)
        assert low["opens"][3] < high["opens"][3]
        wrong = pl.when(pl.int_range(5) == 1).then(pl.lit("24:10")).otherwise("opens")
        with pytest.raises(SchemaError, match=r"'24:10'.* is not among times written 07:30"):
            density.log_prob(frame[:5].with_columns(opens=wrong), strict=True)


def test_marks_of_numbers_leave_times_as_they_are(tmp_path):
    shop().write_csv(tmp_path / "shop.csv")
    density = cr.fit(shop(), seed=0, config=cr.FitConfig(epochs=1), verbose=False)
    read_so = read_table(tmp_path / "shop.csv", decimal=",")
    assert density.log_prob(read_so).tolist() == density.log_prob(shop()).tolist()
    assert str(schema_of(read_so)) == str(schema_of(shop()))


def test_times_with_seconds_are_those_of_minutes_if_they_are_whole():
    density = cr.fit(shop(), seed=0, config=cr.FitConfig(epochs=1), verbose=False)
    whole = shop().with_columns(opens=pl.col("opens") + ":00")
    assert density.log_prob(whole).tolist() == density.log_prob(shop()).tolist()
    other = shop().with_columns(opens=pl.col("opens") + ":30")
    with pytest.raises(SchemaError, match="has times written 07:30: write them as the fitted"):
        density.log_prob(other, strict=True)


def test_a_model_of_text_reads_the_times_of_a_frame_and_the_other_way_round():
    text = shop().select("opens", "lasts")
    frame = text.with_columns(opens=pl.col("opens").str.to_time("%H:%M"))
    for fitted, other in ((text, frame), (frame, text)):
        density = cr.fit(fitted, seed=0, config=cr.FitConfig(epochs=1), verbose=False)
        assert density.log_prob(other).tolist() == density.log_prob(fitted).tolist()
        filled = density.impute(other, how="best")
        assert filled.schema == other.schema
        assert filled.null_count().sum_horizontal()[0] == 0


@pytest.mark.parametrize("make", [pl.DataFrame, pl.DataFrame.to_pandas, pl.DataFrame.to_arrow])
def test_interval_ends_of_times_have_the_form_of_the_column(make):
    frame = shop().with_columns(
        opens=pl.col("opens").str.to_time("%H:%M"), bit=pl.int_range(300) % 2
    )
    density = cr.fit(frame, seed=0, config=cr.FitConfig(epochs=1), verbose=False)
    filled, low, high = density.impute(make(frame), how="best", interval=0.9)
    first, found, last = (each["opens"][3] for each in (low, filled, high))
    if make is pl.DataFrame.to_arrow:
        first, found, last = (each.as_py() for each in (first, found, last))
    assert first <= found <= last
    assert isinstance(first, datetime.time)
    assert ":" in str(low["lasts"][3])  # the elapsed times are text


def test_two_times_are_numbers_and_no_bits():
    frame = pl.DataFrame({"opens": ["00:00", "00:01"] * 50, "x": np.arange(100) % 7})
    density = cr.fit(frame, seed=0, config=cr.FitConfig(epochs=1), verbose=False)
    assert density.schema.columns[0].kind == "integer"
    assert 0 < float(density.probability("opens == '00:01'")) < 1


def test_durations_finer_than_microseconds_are_left_out_with_the_reason():
    ns = pl.Series(np.random.default_rng(0).integers(0, 5000, 100)).cast(pl.Duration("ns"))
    with pytest.warns(UserWarning, match="round them to microseconds"):
        schema = cr.infer_schema(pl.DataFrame({"ns": ns, "x": np.arange(100) % 3}))
    assert [column.name for column in schema.left_out] == ["ns"]


def test_times_that_all_differ_are_no_ids():
    frame = pl.DataFrame({"opens": [f"{k // 60:02d}:{k % 60:02d}" for k in range(200, 700)]})
    assert [column.kind for column in cr.infer_schema(frame).columns] == ["integer"]


def test_numbers_with_a_unit_that_all_differ_are_no_ids():
    for unit in (" kg", " %", " €"):
        cells = [f"{number}{unit}" for number in range(40, 140)]
        assert schema_of(pl.DataFrame({"x": cells})).columns[0].kind == "integer", unit


def test_durations_of_a_frame_are_found_odd_as_they_are_written():
    def lasting(minutes):
        cells = [datetime.timedelta(minutes=int(each)) for each in minutes]
        return pl.DataFrame({"lasts": cells, "bit": np.arange(len(cells)) % 2})

    frame = lasting(np.random.default_rng(0).integers(20, 40, 300))
    density = cr.fit(frame, seed=0, config=cr.FitConfig(epochs=1), verbose=False)
    assert density.schema.columns[0].reason.startswith("elapsed times written 07:30, ")
    said = (
        r"such as 1 day, 12:00:00 at row 1: its values are elapsed times written 07:30 from 00:20"
    )
    with pytest.warns(UserWarning, match=said):
        found = density.oddest(lasting([30, 36 * 60]), top=1)
    assert (found["row"][0], found["found"][0]) == (1, "36:00")


def test_ties_of_times_say_durations():
    frame = shop()
    minutes = frame["opens"].str.split(":").list.eval(pl.element().cast(int))
    minutes = minutes.list.get(0) * 60 + minutes.list.get(1) + 90
    ends = [None if m is None else f"{m // 60:02d}:{m % 60:02d}" for m in minutes.to_list()]
    schema = cr.infer_schema(frame.select("opens", ends=pl.Series(ends)))
    assert [tie.text for tie in schema.ties] == ["ends = opens + 90 minutes"]


def weights(unit, mark="."):
    return [f"{x / 10:.1f} {unit}".replace(".", mark) for x in range(300, 900, 7)]


def of_weights(cells):
    return pl.DataFrame({"weight": cells, "x": [k % 7 for k in range(len(cells))]})


def test_numbers_in_another_unit_are_to_be_converted_and_no_option_is_named():
    schema = schema_of(of_weights(weights("kg")))
    with pytest.raises(SchemaError) as error:
        encode(read_table(of_weights(weights("lb"))), schema)
    assert str(error.value) == (
        "column 'weight': numbers written 12.5 lb in the table, where the fitted table has numbers "
        "written 12.5 kg: convert them to 'kg'"
    )
    with pytest.raises(SchemaError) as error:
        encode(read_table(of_weights(["50 lb", "50 kg", "51.5 kg"])), schema, strict=True)
    assert str(error.value) == (
        "column 'weight': value '50 lb' at row 0 is not among numbers written 12.5 kg, as all were "
        "when the model was fitted: convert it to 'kg', correct it, or leave the cell empty"
    )
    with pytest.raises(SchemaError, match=r"by decimal and thousands of read_table"):
        encode(read_table(of_weights(["50,5 kg", "50 kg", "51.5 kg"])), schema, strict=True)
    plain = schema_of(of_weights([x / 10 for x in range(300, 900, 7)]))
    with pytest.raises(SchemaError, match="has plain ones: write them without 'lb'"):
        encode(read_table(of_weights(weights("lb"))), plain)


def test_a_number_without_the_unit_of_the_others_counts_as_one_with_a_warning(tmp_path):
    frame = of_weights([*weights("kg"), "70.5"])
    frame.write_csv(tmp_path / "t.csv")
    for table in (frame, frame.to_pandas(), tmp_path / "t.csv"):
        with pytest.warns(UserWarning, match="value '70.5' at row 86 .*has no 'kg', as 86 of 87"):
            schema = cr.infer_schema(table)
        assert schema.columns[0].reason.endswith("; 1 without 'kg' counts as such")
        assert encode(read_table(table), schema).observed.all()


def stays():
    rng, rows = np.random.default_rng(3), 120
    minutes = rng.integers(0, 600, rows)
    started = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 500, rows), "h")
    lasts = [f"{each // 60}h {each % 60:02d}m" for each in minutes]
    wait = pd.to_timedelta(rng.integers(0, 300_000, rows), "s")
    frame = {
        "lasts": lasts,
        "wait": pd.Series(wait).astype(str),
        "opens": [f"{each % 12 + 1} {'ap'[each % 2]}m" for each in minutes],
        "ends": (started + pd.to_timedelta(minutes, "m")).strftime("%Y-%m-%d %H:%M"),
        "started": started.strftime("%Y-%m-%d %H:%M"),
    }
    frame = pd.DataFrame(frame)
    frame.loc[3, ["lasts", "wait", "opens"]] = None
    return frame


def test_durations_in_words_are_numbers_and_come_back_as_they_were_written(tmp_path):
    frame = stays()
    frame.to_csv(tmp_path / "stays.csv", index=False)
    forms = {
        "lasts": r"\d+h \d\dm",
        "wait": r"\d days \d\d:\d\d:\d\d",
        "opens": r"\d+(:\d\d)? [ap]m",
    }
    for table in (frame, tmp_path / "stays.csv"):
        density = cr.fit(table, seed=0, config=cr.FitConfig(epochs=1), verbose=False)
        assert density.schema.columns[0].reason.startswith("durations written 2h 15m, ")
        drawn = density.sample(50, seed=0)
        filled = density.impute(frame, how="best")
        for name, form in forms.items():
            assert pd.Series(list(drawn[name])).str.fullmatch(form).all(), name
            assert filled[name].drop(3).equals(frame[name].drop(3)), name
            assert re.fullmatch(form, filled[name][3]), name
    assert any("lasts" in tie.text for tie in density.schema.ties)  # ends - started = lasts
    density.save(tmp_path / "stays.chainrule")
    again = cr.load(tmp_path / "stays.chainrule")
    assert again.schema.columns[0].notation == density.schema.columns[0].notation
