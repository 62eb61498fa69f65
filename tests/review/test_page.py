"""The page of a review, as text and in a real browser: what it saves is what a patch does."""

import gzip
import json
import re

import numpy as np
import pandas as pd
import polars as pl
import pytest
from helpers.browser import Page
from helpers.findings import COLUMNS

import chainrule as cr
from chainrule.errors import SchemaError
from chainrule.review import page, review_page, write_review
from chainrule.table.files.fields import BOM, FieldText
from chainrule.table.files.text_files import Layout

EVIL = "<script>window.evil = 1</script>"
NAMES = [EVIL, "age, in years", "city 😀", "note"]
LINES = [
    f'{EVIL};"age, in years";city 😀;note',
    f'{EVIL}; 310;Köln;"two\r\nlines"',
    '"a;b";44 ;Bom;"&amp;</script>"',
    '"say ""hi""";"5";Ulm 😀😀;',
    "x;17;Ulm;<!-- 'y'",
]
TEXT = BOM + "\r\n".join([*LINES, "", ""])
CLEAN = TEXT.replace(" 310;", " 31;").replace(";Bom;", ';"Bonn; ""Rhein""";')
CLEAN = CLEAN.replace('two\r\nlines"', 'two\r\nnew lines"')
FINDINGS = pl.DataFrame(
    [
        (0, NAMES[1], "310", "31", 0.97, 28.0, 35.5, 14.25, "decimal point", 400.0, 0.001),
        (0, "note", "two\r\nlines", "two\r\nnew lines", 0.9, None, None, 9.0, "<b>", 9.0, 0.02),
        (2, NAMES[2], "Ulm 😀😀", "Ulm", 0.8, None, None, 7.5, "label misspelt", 30.0, 0.05),
        (1, NAMES[2], "Bom", None, None, None, None, 7.0, "none of these", 2.0, 0.08),
        (3, NAMES[0], "x", EVIL, 0.5, None, None, 6.0, None, 2.0, 0.1),
    ],
    schema=COLUMNS,
    orient="row",
)


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "people.csv"
    path.write_bytes(TEXT.encode())
    return path


def held(text):
    """The data that a page holds."""
    (found,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', text)
    return json.loads(found)


def counts(driven):
    return driven.run("document.getElementById('counts').textContent")


def test_what_the_page_saves_is_what_the_patch_does(table, tmp_path):
    """Two findings are accepted, one dismissed and one edited, by key and by mouse."""
    at = write_review(FINDINGS, table, tmp_path / "review.html")
    with Page(at, tmp_path, width=1440) as driven:
        assert counts(driven) == "0 accepted · 0 dismissed · 5 undecided"
        driven.press("a")  # the first, and the next one is selected
        driven.click('[data-number="1"] .do button')
        driven.press("d", "u", "d")
        driven.press("a")  # without a suggestion it is edited
        driven.type('Bonn; "Rhein"')
        driven.press("Enter")
        assert counts(driven) == "3 accepted · 1 dismissed · 1 undecided"
        driven.press("e")
        driven.type("never")
        driven.press("Escape", "k", "j", "u")
        assert counts(driven) == "2 accepted · 1 dismissed · 2 undecided"
        driven.press("a")
        driven.type('Bonn; "Rhein"')
        driven.press("Enter")
        driven.open(at)  # again: it has kept what was decided
        assert counts(driven) == "3 accepted · 1 dismissed · 1 undecided"
        driven.click("#save-table")
        driven.click("#save-patch")
        clean, patch = driven.downloaded("people-clean.csv"), tmp_path / "patch.csv"
        patch.write_bytes(driven.downloaded("people-patch.csv"))
        assert driven.run("window.evil") is None
        assert driven.run("performance.getEntriesByType('resource').length") == 0
    assert clean.decode() == CLEAN
    assert cr.apply_patch(table, patch, to=tmp_path / "clean.csv").read_bytes() == clean
    found = pl.read_csv(patch, infer_schema=False)
    assert found.columns == ["row", "column", "old", "new", "why"]
    assert found["row"].to_list() == ["0", "0", "1"]
    assert found["old"].to_list() == ["310", "two\r\nlines", "Bom"]
    assert found["why"].to_list() == [
        "decimal point, probability 97 %, likely 28 to 35.5, 14.3 bits, q 0.001",
        "<b>, probability 90 %, 9.0 bits, q 0.02",
        "edited by hand, none of these, 7.0 bits, q 0.08",
    ]


@pytest.mark.parametrize(("width", "dark"), [(390, False), (1440, True)])
def test_the_page_fits_its_window_and_can_be_filtered(width, dark, table, tmp_path):
    at = write_review(FINDINGS, table, tmp_path / "review.html")
    with Page(at, tmp_path, width=width, dark=dark) as driven:
        wide = driven.run("document.documentElement.scrollWidth")
        assert wide == width
        paper = driven.run("getComputedStyle(document.body).backgroundColor")
        assert (paper == "rgb(18, 22, 31)") == dark
        shown = "[...document.querySelectorAll('.finding .where b')].map(b => b.textContent)"
        assert driven.run(shown) == FINDINGS["column"].to_list()
        choose = (
            "(() => {{ const select = document.getElementById({!r}); select.value = {!r}; "
            "select.dispatchEvent(new Event('change')); }})()"
        )
        options = "[...document.querySelectorAll('#column option')].map(o => o.textContent)"
        assert driven.run(options) == [
            "all (5)",
            f"{EVIL} (1)",
            "age, in years (1)",
            "city 😀 (2)",
            "note (1)",
        ]
        driven.run(choose.format("column", "2"))
        assert driven.run(shown) == [NAMES[2]] * 2
        driven.press("a")
        driven.run(choose.format("state", "accepted"))
        assert driven.run(shown) == [NAMES[2]]
        driven.run(choose.format("state", "dismissed"))
        assert driven.run("document.getElementById('none').hidden") is False
        driven.press("d")  # nothing is selected
        assert counts(driven) == "1 accepted · 0 dismissed · 4 undecided"
        odd = driven.run("document.querySelector('.odd')")
        assert odd is None


def test_what_is_typed_is_accepted_by_the_button_and_taken_back_by_it(table, tmp_path):
    at = write_review(FINDINGS, table, tmp_path / "review.html")
    value = "JSON.stringify([...decisions])"
    with Page(at, tmp_path, width=390) as driven:
        driven.press("e")
        driven.type("32")
        driven.click('[data-number="0"] .do button')
        assert driven.run(value) == '[[0,{"state":"accepted","value":"32"}]]'
        driven.click('[data-number="0"] .do button')
        assert driven.run(value) == "[]"
        driven.press("e")
        driven.type("310")  # it was right
        driven.press("Enter")
        assert driven.run("decisions.get(0).state") == "dismissed"
        driven.press("u", "u", "u", "u")
        assert driven.run(value) == "[]"


def test_the_page_writes_cells_as_the_library_does(table, tmp_path):
    at = write_review(FINDINGS, table, tmp_path / "review.html")
    values = ["x", "", " x", "x\t", "a,b", "a;b", "a b", 'say "hi"', "a\r\nb", "é😀"]
    asked, expected = [], []
    for separator, width in ((",", 2), (";", 2), ("\t", 2), (" ", 2), (",", 1)):
        for written in ("z", " z ", '"z"', '"z" ', ""):
            if separator in written:
                continue
            names = tuple(f"n{k}" for k in range(width))
            line = separator.join([written, "1"][:width])
            layout = Layout(separator, names, named=True)
            text = FieldText(f"{separator.join(names)}\n{line}\n1\n", layout)
            ((_, fields),) = text.rows({0})
            field = fields[0]
            place = {name: getattr(field, name) for name in ("start", "first", "last", "end")}
            place |= {"quoted": field.quoted}
            for value in values:
                asked.append([{"separator": separator, "columns": names}, {"field": place}, value])
                expected.append(list(text.replacement(field, value)))
    assert len(expected) > 200
    with Page(at, tmp_path, width=390) as driven:
        found = driven.run(f"{json.dumps(asked)}.map(each => replacement(...each))")
    assert found == expected


def test_a_long_list_is_drawn_as_it_is_read(tmp_path):
    """Cards that are out of sight make the page no wider."""
    table = pl.DataFrame({f"column {k}": [f"{'cell ' * 12}{k}"] * 130 for k in range(12)})
    rows = range(130)
    findings = pl.DataFrame({"row": rows, "column": ["column 3"] * 130, "suggested": ["x"] * 130})
    at = write_review(findings, table, tmp_path / "review.html")
    drawn = "document.querySelectorAll('.finding').length"
    with Page(at, tmp_path, width=390) as driven:
        assert driven.run("document.documentElement.scrollWidth") == 390
        assert driven.run(drawn) == 100
        driven.run("for (const number of listed.slice(0, 99)) decide(number, 'accepted')")
        driven.press("ArrowDown")
        assert driven.run(drawn) == 130
        assert driven.run("document.activeElement.dataset.number") == "100"
        assert driven.run("document.getElementById('more').hidden")
        driven.press("n", "u")
        assert counts(driven) == "98 accepted · 0 dismissed · 32 undecided"
        assert driven.run("document.documentElement.scrollWidth") == 390


def test_no_text_of_the_table_is_markup(table):
    text = review_page(FINDINGS, table)
    assert text.count("<script") == text.count("</script") == 2
    assert "<b>" not in text
    assert "<!--" not in text
    assert "window.evil" in held(text)["text"]
    assert not re.search(r"(?:src|href)=|https?:|@import|url\(", text.split('id="data"')[0])


def test_fields_are_where_the_page_cuts(table):
    """A page counts in units of 16 bits, of which an emoji has two."""
    data = held(review_page(FINDINGS, table))
    units = data["text"].encode("utf-16-le")
    cells = [
        units[2 * each["field"]["first"] : 2 * each["field"]["last"]].decode("utf-16-le")
        for each in data["findings"]
    ]
    assert cells == ["310", '"two\r\nlines"', "Ulm 😀😀", "Bom", "x"]
    assert data["bom"]
    assert BOM + data["text"] == TEXT
    assert data["findings"][3]["suggested"] is None


@pytest.mark.parametrize("container", ["polars", "pandas", "pyarrow", "numpy", "parquet"])
def test_other_tables_are_reviewed_as_the_csv_that_is_written(container, tmp_path):
    frame = pl.DataFrame({"x0": [1.5, 2.0, None], "x1": [3, 4, 5]})
    frame.write_parquet(tmp_path / "t.parquet")
    table = {
        "polars": frame,
        "pandas": frame.to_pandas(),
        "pyarrow": frame.to_arrow(),
        "numpy": frame.to_numpy(),
        "parquet": tmp_path / "t.parquet",
    }[container]
    findings = pd.DataFrame({"row": [1, 2], "column": ["x1", "x0"], "suggested": [40.0, 7.25]})
    data = held(review_page(findings, table))
    number = "{}.0" if container == "numpy" else "{}"
    lines = [("1.5", number.format(3)), ("2.0", number.format(4)), ("", number.format(5))]
    assert data["text"] == "x0,x1\n" + "".join(",".join(line) + "\n" for line in lines)
    assert [each["suggested"] for each in data["findings"]] == ["40", "7.25"]
    patch = pl.DataFrame(
        [
            (each["row"], data["columns"][each["column"]], each["old"], each["suggested"])
            for each in data["findings"]
        ],
        schema=["row", "column", "old", "new"],
        orient="row",
    )
    found = cr.apply_patch(table, patch)
    assert np.asarray(found).tolist() == [[1.5, 3], [2, 40], [7.25, 5]]
    commands = {
        "parquet": "chainrule apply t-patch.csv t.parquet -o t-clean.parquet",
        "numpy": 'chainrule.apply_patch(table, "the-array-patch.csv")',
    }
    assert data["command"] == commands.get(
        container, 'chainrule.apply_patch(table, "the-table-patch.csv")'
    )


def test_a_large_table_is_cleaned_by_a_patch(table, tmp_path, monkeypatch):
    monkeypatch.setattr(page, "MOST_CHARACTERS", len(TEXT) - 2)
    monkeypatch.setattr(page, "MOST_FINDINGS", 2)
    text = review_page(FINDINGS, table)
    data = held(text)
    assert data["text"] is None
    assert list(data["rows"]) == ["0"]
    assert "The 2 surest findings are shown; 3\nmore are not." in text
    assert "<code>chainrule apply people-patch.csv people.csv -o people-clean.csv</code>" in text
    (tmp_path / "review.html").write_text(text, encoding="utf-8")
    with Page(tmp_path / "review.html", tmp_path, width=1440) as driven:
        assert driven.run("document.getElementById('save-table').hidden")
        driven.press("a", "d")
        driven.click("#save-patch")
        (tmp_path / "patch.csv").write_bytes(driven.downloaded("people-patch.csv"))
    cr.apply_patch(table, tmp_path / "patch.csv", to=tmp_path / "clean.csv")
    assert (tmp_path / "clean.csv").read_bytes() == TEXT.replace(" 310;", " 31;").encode()


def test_files_are_named_after_the_table(tmp_path):
    path = tmp_path / "my people.2024.csv.gz"
    path.write_bytes(gzip.compress(TEXT.encode()))
    data = held(review_page(FINDINGS, path))
    assert data["table_name"] == "my people.2024-clean.csv"
    assert data["command"] == (
        "chainrule apply 'my people.2024-patch.csv' 'my people.2024.csv.gz' "
        "-o 'my people.2024-clean.csv'"
    )


def test_findings_of_another_table_are_refused(table):
    with pytest.raises(SchemaError, match="the findings: column 'suggested' is missing"):
        review_page(FINDINGS.drop("suggested"), table)
    with pytest.raises(SchemaError, match=r"has no such column; column 'wrong' is unknown"):
        review_page(FINDINGS.with_columns(column=pl.lit("wrong")), table)
    with pytest.raises(SchemaError, match=r"row 4 is not in .*people.csv, whose last row is 3"):
        review_page(FINDINGS.with_columns(row=pl.lit(4)), table)


def test_of_several_findings_in_one_cell_the_surest_is_shown(table):
    twice = pl.concat([FINDINGS, FINDINGS.with_columns(suggested=pl.lit("other"))])
    assert held(review_page(twice, table)) == held(review_page(FINDINGS, table))
    assert held(review_page(FINDINGS.clear(), table))["findings"] == []
