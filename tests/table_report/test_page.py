"""The page about a table: what it says is what the density answers, on a screen of any width."""

import base64
import html
import re
import unicodedata
import warnings
from collections import Counter
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from helpers.browser import Page, look_at
from helpers.command_line import chainrule as run

import chainrule as cr
from chainrule.errors import SchemaError
from chainrule.plots.calibration import curve_of, ranks_of
from chainrule.table import read_table
from chainrule.table_report.asked import Asked
from chainrule.table_report.findings import why
from chainrule.table_report.fit import how_real
from chainrule.table_report.missing_cells import _first_of_each
from chainrule.table_report.parts import Cells, as_text
from chainrule.table_report.tied_columns import LEAST_BITS

EVIL = "<script>window.evil = 1</script> $ a_$ {"


def table(rows=160, seed=0):
    rng = np.random.default_rng(seed)
    town = rng.choice(["Ulm", "$1 a_^ Bonn", "<b>Kiel</b>"], rows, p=[0.5, 0.3, 0.2])
    weight = np.where(town == "Ulm", 50, 80) + rng.normal(0, 3, rows).round(1)
    frame = pd.DataFrame({"town": town, EVIL: weight, "age": rng.integers(20, 60, rows) * 1.0})
    frame.loc[3, EVIL] = 500.0
    frame.loc[5:8, "age"] = np.nan
    frame.loc[9, "town"] = None
    return frame


@pytest.fixture(scope="module")
def fitted():
    config = cr.FitConfig(hidden_size=16, epochs=40)
    return cr.fit(table(), seed=0, config=config, verbose=False)


@pytest.fixture(scope="module")
def written(fitted, tmp_path_factory):
    path = tmp_path_factory.mktemp("report") / "report.html"
    assert fitted.report(table(), path, verbose=False) == path
    return path


def section(page, key):
    return re.search(rf'<section id="{key}">(.*?)</section>', page, flags=re.DOTALL)[1]


def test_every_section_is_there_and_says_what_the_density_answers(written, fitted):
    page = written.read_text(encoding="utf-8")
    keys = re.findall(r'<section id="(\w+)">', page)
    assert keys == [
        "wrong", "odd", "filled", "dependence", "columns", "calibration", "drawn", "assumed",
    ]  # fmt: skip
    assert all(f'href="#{key}"' in page for key in keys)
    with pytest.warns(UserWarning, match="outside the range"):
        best = fitted.impute(table(), how="best")
    (wrong,) = fitted.proofread(table()).to_dict("records")
    assert (wrong["row"], wrong["column"]) == (3, EVIL)
    assert f">{wrong['found']}</td>" in section(page, "wrong")
    assert "&lt;script&gt;" in section(page, "wrong")
    filled = section(page, "filled")
    assert f"<td>town</td><td>{best['town'][9]}</td>".replace("<b>", "&lt;b&gt;") in filled
    assert f">{as_text(best['age'][5])}</td>" in filled
    first = fitted.dependence(seed=0).iloc[0]
    assert f">{first['bits']:.3f}</td>" in section(page, "dependence")
    p = fitted.conditional(table().iloc[[9]], "town").iloc[0].max()
    assert f'<td>town</td><td>{best["town"][9]}</td><td class="number">{p:.2g}</td>' in (
        filled.replace("&lt;b&gt;", "<b>")
    )
    pairs = sum(fitted.dependence(seed=0)["bits"] >= LEAST_BITS)
    assert section(page, "dependence").count("<figcaption>") == pairs > 0
    # The square of all pairs has one picture for wide screens, and one for narrow ones.
    pictures = {"dependence": pairs + 2, "odd": 1, "columns": 3, "calibration": 1, "drawn": 1}
    for key, count in pictures.items():
        assert section(page, key).count("data:image/svg+xml") == count


def test_the_top_of_the_page_says_what_was_found(written, fitted):
    page = written.read_text(encoding="utf-8")
    found = dict(re.findall(r'<li><a href="#(\w+)">.*?</a><span>(.*?)</span></li>', page))
    first = fitted.dependence(seed=0).iloc[0]
    closest = f"{first['first']} and {first['second']} ({first['bits']:.2f} of at most "
    assert html.unescape(found["dependence"]).startswith(closest)
    kinds = Counter(column.kind for column in fitted.schema.columns)
    assert "160 rows, 3 columns. Rows count from 0." in page
    assert found["assumed"] == ", ".join(f"{n} {kind}" for kind, n in kinds.most_common())
    assert found["wrong"] == "1 of 480 cells"
    assert found["filled"] == "2.5% of age, 0.6% of town"
    ranks = ranks_of(fitted.model, table(), 0)
    assert found["calibration"] == curve_of(ranks, 0).gist
    assert curve_of(ranks, 0).sentence in section(page, "calibration")
    counts = re.findall(r"<td>(\w+)</td><td class=\"number\">(\d+)</td>", section(page, "filled"))
    assert counts == [("age", "4"), ("town", "1")]


def test_relations_are_checked_in_the_table(tmp_path):
    """All fitted rows keep them; one row of the table does not."""
    rng = np.random.default_rng(0)
    net = rng.integers(20, 180, 300) * 5
    frame = pd.DataFrame({"net": net, "tax": net // 5, "town": rng.choice(["a", "b"], 300)})
    frame["gross"] = frame["net"] + frame["tax"]
    config = cr.FitConfig(hidden_size=4, epochs=2)
    density = cr.fit(frame, seed=0, config=config, verbose=False)
    ties = density.schema.ties_as_text
    assert any("gross" in tie for tie in ties)
    frame.loc[17, "gross"] -= 40
    page = density.report(frame, tmp_path / "report.html", verbose=False).read_text()
    rows = re.findall(r"<tr>(<td.*?)</tr>", section(page, "assumed"))
    cells = [re.findall(r"<td[^>]*>(.*?)</td>", row) for row in rows[-len(ties) :]]
    said = [html.unescape(tie) for tie, _, _ in cells]
    assert said == [tie.removeprefix("tie: ") for tie in ties]
    for tie, (_, count, first) in zip(ties, cells, strict=True):
        assert (count, first) == (("1", "17") if "gross" in tie else ("0", ""))


def test_a_table_without_a_column_is_refused_at_once(fitted, tmp_path):
    with pytest.raises(SchemaError, match=r"lacks the column\(s\) 'town', 'age' of the model"):
        fitted.report(table()[[EVIL]], tmp_path / "report.html")
    assert not (tmp_path / "report.html").exists()


def test_rare_holes_are_filled_beside_frequent_ones():
    shown = _first_of_each(np.array([[True, False]] * 30 + [[False, True]] * 2))
    assert shown.sum(0).tolist() == [10, 2]
    assert shown[:10, 0].all()
    assert _first_of_each(np.zeros((3, 2), dtype=bool)).sum() == 0


def test_columns_that_are_not_modelled_count_too(tmp_path):
    """They tell how many of their cells are missing, and why they are not modelled."""
    frame = table().drop(columns=EVIL)
    frame["cabin"] = [None if k % 4 else f"C{k} {k * k}" for k in range(len(frame))]
    config = cr.FitConfig(hidden_size=8, epochs=2)
    with pytest.warns(UserWarning, match="left out 'cabin'"):
        density = cr.fit(frame, seed=0, config=config, verbose=False)
    assert [out.name for out in density.schema.left_out] == ["cabin"]
    path = density.report(frame, tmp_path / "report.html", verbose=False)
    page = html.unescape(path.read_text(encoding="utf-8"))
    assert "160 rows, 3 columns, of which 1 is not modelled (cabin)." in page
    assert "75.0% of cabin, 2.5% of age, 0.6% of town</span>" in page
    filled = section(page, "filled")
    assert f"{120 + 4 + 1} of 480 cells are missing" in filled
    (reason,) = (out.reason for out in density.schema.left_out)
    rows = re.findall(r'<td>(\w+)</td><td class="number">(\d+)</td><td>(.*?)</td>', filled)
    assert rows[:2] == [("cabin", "120", "75.0%"), ("age", "4", "2.5%")]
    assert f"no: {reason}" in filled


def test_a_table_without_missing_cells_says_so(fitted, tmp_path):
    path = fitted.report(table().dropna(), tmp_path / "report.html", verbose=False)
    assert "No cell is missing." in section(path.read_text(encoding="utf-8"), "filled")


def test_oddest_cells_say_why_they_are_odd(tmp_path):
    """32.5 is amid the ages, but no other age is broken; 95 is more than expected."""
    rng = np.random.default_rng(0)
    age = rng.integers(20, 60, 300) * 1.0
    age[[3, 7]] = 32.5, 95
    frame = pd.DataFrame({"age": age, "town": rng.choice(["Ulm", "Bonn"], 300)})
    config = cr.FitConfig(hidden_size=8, epochs=30)
    density = cr.fit(frame, seed=0, config=config, kinds={"age": "real"}, verbose=False)
    asked = Asked(density.model, read_table(frame), density.training, 0)
    assert why(asked, 3, "age") == "inside, but only 0.3% of values have 1 decimal"
    assert why(asked, 7, "age") == "more than expected"
    assert why(asked, 0, "town") == "another label is expected"
    path = density.report(frame, tmp_path / "report.html", verbose=False)
    odd_cells = section(path.read_text(encoding="utf-8"), "odd")
    first = density.oddest(frame, top=1).iloc[0]
    assert f'<td class="number">{first["bits"]:.1f}</td>' in odd_cells
    if "No row is odd for sure" in odd_cells:
        assert "by chance 1 of the 600 known cells" in odd_cells


def test_how_real_drawn_rows_are_stands_beside_real_rows():
    real, drawn = table(), table(seed=1)
    found = cr.quality(real, drawn, verbose=False)
    rows = {words: (ours, theirs) for words, ours, theirs in how_real(found)}
    repeated = rows["rows that equal a row of the table (real ones: another row)"]
    own = found.repeated
    assert repeated == (f"{own.of_real:.1%}", f"{own.real_of_own:.1%}")
    overlap = np.mean([column.expected for column in found.fidelity.columns])
    single = f"{found.fidelity.accuracy.univariate:.1%}"
    assert rows["overlap of a column, mean of all"] == (single, f"{overlap:.1%}")
    assert not any("SDMetrics" in words for words in rows)


def test_letters_in_pictures_can_be_read_on_a_phone(written, tmp_path):
    """The least letters are 9 pixels high at a width of 390."""
    (folder := tmp_path / "b").mkdir()
    with Page(written, folder, width=390) as page:
        shown = page.run(
            "[...document.images].map(i => [i.getBoundingClientRect().width, i.currentSrc])"
        )
    for width, source in shown:
        svg = base64.b64decode(source.split("base64,")[1]).decode()
        (points,) = re.findall(r'viewBox="0 0 ([\d.]+) ', svg)
        letters = [float(each) for each in re.findall(r"font(?:-size)?: ([\d.]+)px", svg)]
        assert min(letters) * width / float(points) >= 9


def test_tables_that_are_too_wide_say_that_they_scroll(tmp_path):
    narrow = Cells.of("x", ["a", "b"], [[1, "x"]])
    phone = Cells.of("x", ["a", "b", "c"], [["x" * 20] * 3])
    wide = Cells.of("x", [f"a{k}" for k in range(9)], [["x" * 20] * 9])
    wrapped = Cells.of("x", ["a", "b", "c"], [["x" * 20] * 3], wraps=True)
    assert [each.scrolls for each in (narrow, phone, wide, wrapped)] == ["", "phone", "all", ""]


def test_long_reasons_are_shown_whole():
    words = "education and education-num determine each other, " * 4
    assert Cells.of("ties", ["tie"], [[words]], wraps=True).rows == ((words,),)
    assert Cells.of("ties", ["tie"], [[words]]).rows[0][0].endswith("…")


def test_new_rows_are_compared_with_the_table(fitted, tmp_path):
    moved = table(seed=1).assign(age=lambda t: t["age"] + 8)
    path = fitted.report(table(), tmp_path / "report.html", new=moved, verbose=False)
    drift = section(path.read_text(encoding="utf-8"), "drift")
    said = fitted.drift(moved, table())
    assert f'<td class="long">{said.named[0].columns}: ' in drift
    assert "160 new rows: drift (joint p" in drift
    for change in said.changes[:12]:
        assert f">{change.sentence}</td>" in html.unescape(drift)


def test_nothing_of_the_table_becomes_markup(written):
    page = written.read_text(encoding="utf-8")
    assert "<script" not in page
    assert "<b>Kiel" not in page
    for picture in re.findall(r'svg\+xml;base64,([^"]+)"', page):
        assert b"<script>" not in base64.b64decode(picture)


def test_control_characters_are_escapes_on_the_page_and_in_its_pictures(tmp_path):
    """A picture with one of them is no XML, so that a browser shows nothing in its place."""
    rng, labels = np.random.default_rng(0), ["a\x1b[31m", "b\u202ec", "d\x08"]
    frame = pd.DataFrame({"x\x1b[2J": rng.choice(labels, 120), "y\u202ez": rng.normal(size=120)})
    frame["other\x9b"] = rng.integers(0, 9, 120)
    density = cr.fit(frame, seed=0, config=cr.FitConfig(hidden_size=8, epochs=2), verbose=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # matplotlib warns of letters that no font has
        page = density.report(frame, tmp_path / "r.html", verbose=False).read_text("utf-8")
    pictures = [base64.b64decode(each) for each in re.findall(r'svg\+xml;base64,([^"]+)"', page)]
    assert len(pictures) > 5
    for text in (page, *(picture.decode() for picture in pictures)):
        assert not {c for c in text if unicodedata.category(c) in ("Cc", "Cf")} - {"\n"}
    assert any(b"x\\x1b[2J" in picture for picture in pictures)
    for picture in pictures:
        ElementTree.fromstring(picture)


@pytest.mark.parametrize("width", [1440, 390])
def test_nothing_overflows_and_nothing_is_fetched(written, tmp_path, width):
    copy = tmp_path / "page.html"
    policy = r'<meta http-equiv="Content-Security-Policy"[^>]*>'
    page = written.read_text(encoding="utf-8")
    copy.write_text(re.sub(policy, "", page), encoding="utf-8")
    found = look_at(copy, tmp_path, width)
    assert found["overflow"] <= 0
    assert found["broken"] == found["astray"] == found["requests"] == []
    assert found["images"] == len(re.findall("<img ", page))


def test_the_same_seed_writes_the_same_page(fitted, written, tmp_path):
    again = fitted.report(table(), tmp_path / "again.html", verbose=False)
    assert again.read_text(encoding="utf-8") == written.read_text(encoding="utf-8")


def test_a_network_of_one_order_leaves_out_what_it_cannot_answer(tmp_path):
    bits = pd.DataFrame({"a": [0, 1] * 30, "b": [1, 0] * 30})
    density = cr.fit(bits, network="nade", seed=0, config=cr.FitConfig(epochs=1), verbose=False)
    page = density.report(bits, tmp_path / "report.html", verbose=False).read_text()
    assert re.findall(r'<section id="(\w+)">', page) == ["filled", "drawn", "assumed"]


def test_the_command_writes_the_page(fitted, tmp_path):
    fitted.save(tmp_path / "m.chainrule")
    table().to_csv(tmp_path / "rows.csv", index=False)
    words = ("report", "m.chainrule", str(tmp_path / "rows.csv"))
    code, _, said = run(*words, "-o", "page.html", "--quiet", cwd=tmp_path)
    assert code == 0, said
    assert "page.html: a page about 160 rows" in said
    assert "<h1>rows.csv</h1>" in (tmp_path / "page.html").read_text(encoding="utf-8")
    code, _, said = run(*words, "-o", "page.txt", cwd=tmp_path)
    assert code == 2
    assert "results are written as .html" in said


def test_cells_of_numbers_are_right_aligned():
    cells = Cells.of("x", ["a", "b", "c"], [[1, "x", None], [2.5, "3", None]])
    assert cells.numbers == (True, False, True)
    assert cells.rows == (("1", "x", ""), ("2.5", "3", ""))
