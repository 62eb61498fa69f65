"""The page about a table: what it says is what the density answers, on a screen of any width."""

import base64
import html
import re
from collections import Counter

import numpy as np
import pandas as pd
import pytest
from helpers.browser import look_at
from helpers.command_line import chainrule as run

import chainrule as cr
from chainrule.errors import SchemaError
from chainrule.table_report.parts import Cells, as_text
from chainrule.table_report.sections import _first_of_each

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
        "assumed", "columns", "dependence", "calibration", "wrong", "odd", "filled", "drawn",
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
    assert f">{as_text(round(first['bits'], 3))}</td>" in section(page, "dependence")
    p = fitted.conditional(table().iloc[[9]], "town").iloc[0].max()
    assert f'<td>town</td><td>{best["town"][9]}</td><td class="number">{p:.2g}</td>' in (
        filled.replace("&lt;b&gt;", "<b>")
    )
    assert page.count("data:image/svg+xml") == 3 + 1 + 1 + 1 + 1


def test_the_top_of_the_page_says_what_was_found(written, fitted):
    page = written.read_text(encoding="utf-8")
    found = dict(re.findall(r'<li><a href="#(\w+)">.*?</a><span>(.*?)</span></li>', page))
    first = fitted.dependence(seed=0).iloc[0]
    closest = f"{first['first']} and {first['second']} ({first['bits']:.2f} bits)"
    assert html.unescape(found["dependence"]).startswith(closest)
    kinds = Counter(column.kind for column in fitted.schema.columns)
    assert found["assumed"] == ", ".join(f"{n} {kind}" for kind, n in kinds.most_common())
    assert found["wrong"] == "1 of 480 cells"
    assert re.fullmatch(
        r"shares differ from their quantiles by [\d.]+% at most; by chance up to 6\.2%(; .*)?",
        html.unescape(found["calibration"]),
    )
    assert found["filled"] == "5: 2.5% of age, 0.6% of town"
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


def test_long_reasons_are_shown_whole():
    words = "education and education-num determine each other, " * 4
    assert Cells.of("ties", ["tie"], [[words]], wraps=True).rows == ((words,),)
    assert Cells.of("ties", ["tie"], [[words]]).rows[0][0].endswith("…")


def test_new_rows_are_compared_with_the_table(fitted, tmp_path):
    moved = table(seed=1).assign(age=lambda t: t["age"] + 8)
    path = fitted.report(table(), tmp_path / "report.html", new=moved, verbose=False)
    drift = section(path.read_text(encoding="utf-8"), "drift")
    said = fitted.drift(moved, table())
    assert f"<td>{said.named[0].columns}: " in drift
    assert "160 new rows: drift (joint p" in drift
    for change in said.changes[:12]:
        assert f"<td>{change.sentence}</td>" in html.unescape(drift)


def test_nothing_of_the_table_becomes_markup(written):
    page = written.read_text(encoding="utf-8")
    assert "<script" not in page
    assert "<b>Kiel" not in page
    for picture in re.findall(r'svg\+xml;base64,([^"]+)"', page):
        assert b"<script>" not in base64.b64decode(picture)


@pytest.mark.parametrize("width", [1440, 390])
def test_nothing_overflows_and_nothing_is_fetched(written, tmp_path, width):
    copy = tmp_path / "page.html"
    policy = r'<meta http-equiv="Content-Security-Policy"[^>]*>'
    copy.write_text(re.sub(policy, "", written.read_text(encoding="utf-8")), encoding="utf-8")
    found = look_at(copy, tmp_path, width)
    assert found["overflow"] <= 0
    assert found["broken"] == found["astray"] == found["requests"] == []
    assert found["images"] == 7


def test_the_same_seed_writes_the_same_page(fitted, written, tmp_path):
    again = fitted.report(table(), tmp_path / "again.html", verbose=False)
    assert again.read_text(encoding="utf-8") == written.read_text(encoding="utf-8")


def test_a_network_of_one_order_leaves_out_what_it_cannot_answer(tmp_path):
    bits = pd.DataFrame({"a": [0, 1] * 30, "b": [1, 0] * 30})
    density = cr.fit(bits, network="nade", seed=0, config=cr.FitConfig(epochs=1), verbose=False)
    page = density.report(bits, tmp_path / "report.html", verbose=False).read_text()
    assert re.findall(r'<section id="(\w+)">', page) == ["assumed", "drawn"]


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
