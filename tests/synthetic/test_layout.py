"""Tables of text that fit, and HTML that is safe."""

import numpy as np
import polars as pl
import pytest

import chainrule as cr
from chainrule.synthetic.layout import WIDTH, Section, as_html, as_text, figure


@pytest.fixture(scope="module")
def found():
    rng = np.random.default_rng(0)
    long = "a name that is much longer than any column's name should ever be"
    table = pl.DataFrame(
        {
            long: rng.integers(18, 91, 1200),
            "<b>": rng.choice(["x", "y"], 1200),
            "id": [f"row {k}" for k in range(1200)],
            "z": rng.normal(size=1200),
        }
    )
    made = table[400:800].with_columns(pl.col(long) * 1.5, extra=1)
    return cr.quality(table[:400], made, table[800:], verbose=False)


def test_printed_lines_fit_a_terminal(found):
    lines = str(found).splitlines()
    assert lines[0] == "400 synthetic rows beside 400 real ones, 400 held out"
    wide = [line for line in lines if len(line) > WIDTH and not line.startswith("Not compared")]
    assert wide == []
    assert "a name that is much lon…" in str(found)
    assert lines[-1] == "Only synthetic: extra."
    assert lines[-2].startswith("Not compared: id (")


def test_a_notebook_shows_tables_with_escaped_names(found):
    page = found._repr_html_()
    assert page.count("<table>") == page.count("</table>") == len(found.sections()) >= 3
    assert "&lt;b&gt;" in page
    assert "<b>" not in page


def test_words_are_wrapped_and_numbers_are_not():
    section = Section("title", ("what", "n"), (("word " * 40, "1.234"), ("short", "5")))
    lines = as_text(section).splitlines()
    assert max(map(len, lines)) <= WIDTH
    assert lines[2].endswith("1.234")
    assert " ".join(lines[2:]).split().count("word") == 40
    assert as_html(section).count("<tr>") == 3


def test_figures_have_three_digits():
    written = [figure(each) for each in (0.9996, -0.25, 12.0, float("nan"), 0.0, -1.5)]
    assert written == ["1.000", "-.250", "12.000", "", ".000", "-1.500"]


def test_too_few_rows_to_tell_apart_are_not_said_to_be():
    real = pl.DataFrame({"a": [k % 5 / 2 for k in range(300)], "b": ["x", "y", "z"] * 100})
    wrong = real[:9].with_columns(b=pl.lit("x"))
    found = cr.quality(real, wrong, verbose=False)
    assert found.told_apart is None
    (section,) = (
        each for each in found.sections() if each.columns[0] == "column" and each.words == 2
    )
    assert section.title == "Columns, the least accurate first"
    assert section.columns == ("column", "kind", "shape", "accuracy")
    assert [row[0] for row in section.rows] == ["b", "a"]
    assert "give the rows away" not in str(found)


def test_labels_that_are_predicted_as_one_are_counted():
    rng = np.random.default_rng(0)
    frame = pl.DataFrame({"x": rng.normal(size=400), "k": [f"l{k % 40}" for k in range(400)]})
    found = cr.quality(frame[:200], frame[200:], target="k", verbose=False)
    said = "k: 20 labels are predicted as one; the 20 most frequent ones are told apart."
    assert said in found.notes()
    assert found.to_json()["utility"]["grouped"] == 20
    assert not any(
        "predicted as one" in note
        for note in cr.quality(frame[:200], frame[200:], target="x", verbose=False).notes()
    )
