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
