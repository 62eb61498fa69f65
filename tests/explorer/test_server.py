"""The page of a table: its numbers are the density's, and nobody else is answered."""

import http.client
import json
import os
import signal
import subprocess
import sys
import urllib.request
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pandas as pd
import pytest
from helpers.browser import Page
from helpers.command_line import chainrule as run
from helpers.towns import EVIL, LEVELS, towns

import chainrule as cr
from chainrule.errors import EvidenceError, ShapeError
from chainrule.explorer import Explorer


@pytest.fixture(scope="module")
def explorer(fitted):
    with Explorer(fitted.model, towns()) as found:
        yield found


def asked(explorer, path, body=b"", *, method="POST", token=None, host=None):
    """The status and the body of an answer."""
    address = urlsplit(explorer.address)
    own = parse_qs(address.query)["token"][0]
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=30)
    headers = {"X-Token": own if token is None else token}
    if host is not None:
        headers["Host"] = host
    connection.request(method, path, body, headers)
    answer = connection.getresponse()
    found = answer.status, answer.read().decode()
    connection.close()
    return found


def test_conditionals_and_nats_are_those_of_the_density(fitted, explorer):
    row = towns().iloc[[3]]
    cells = explorer.answers.open(3)
    found = explorer.answers.row(cells)
    assert found["nats"] == pytest.approx(fitted.log_prob(row)[0], abs=1e-9)
    by_name = {each["name"]: each for each in found["columns"]}
    said = fitted.conditional(row, EVIL).iloc[0]
    shown = dict(zip(by_name[EVIL]["names"], by_name[EVIL]["shares"], strict=True))
    assert shown == pytest.approx({level: said[level] for level in shown}, abs=1e-9)
    quantiles = fitted.conditional(row, "weight").iloc[0]
    ends, shares = (np.array(by_name["weight"][what]) for what in ("names", "shares"))
    assert shares[ends[1:] <= quantiles["q0.25"] + 0.3].sum() == pytest.approx(0.25, abs=0.12)
    assert shares.sum() > 0.99
    odd = fitted.oddest(row, top=4).set_index("column")["bits"]
    assert {name: by_name[name]["bits"] for name in odd.index} == pytest.approx(dict(odd))


def test_what_is_expected_is_what_the_density_expects():
    """Whole numbers have no halves, zeros among large numbers are found, and dates have no time."""
    rng = np.random.default_rng(2)
    gain = np.where(rng.random(400) < 0.97, 0, rng.integers(1, 90_000, 400))
    day = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 90, 400), "D")
    frame = pd.DataFrame({"gain": gain, "age": rng.integers(17, 81, 400), "day": day})
    frame["height"] = rng.normal(170, 8, 400).round(1)
    config = cr.FitConfig(hidden_size=4, epochs=2)
    density = cr.fit(frame, seed=0, config=config, verbose=False)
    with Explorer(density.model, frame) as explorer:
        found = explorer.answers.row(explorer.answers.open(3), 3)["columns"]
    words = {each["name"]: each["expected"] for each in found}
    odd = density.oddest(frame.iloc[[3]], top=9).set_index("column")["expected"]
    assert words["gain"] == odd["gain"] == "0"
    for name, near in (("age", 2), ("height", 1)):
        shown, said = (
            [float(end) for end in text.split(" … ")] for text in (words[name], odd[name])
        )
        assert shown == pytest.approx(said, abs=near)
    assert all(end.isdigit() for end in words["age"].split(" … "))
    shown, said = (
        [pd.Timestamp(end) for end in text.split(" … ")] for text in (words["day"], odd["day"])
    )
    assert all(abs(a - b) <= pd.Timedelta(days=2) for a, b in zip(shown, said, strict=True))
    marks = {each["name"]: [text for _, text in each["axis"]] for each in found}
    assert all(text.isdigit() for text in marks["age"] + marks["gain"])
    assert marks["day"][0].startswith("20")
    assert len(marks["day"][0]) == 10


def test_a_rare_label_is_given_to_rows_like_it():
    """No list offers it, but a row of the table has it; a label of no row is refused."""
    frame = towns(300, seed=3)
    frame.loc[7, EVIL] = "Trier"
    config = cr.FitConfig(hidden_size=4, epochs=2)
    density = cr.fit(frame, seed=0, config=config, verbose=False)
    with Explorer(density.model, frame) as explorer:
        cells = explorer.answers.open(7)
        assert [row[0] for row in explorer.answers.similar(cells, 2, 0)] == ["Trier"] * 2
        with pytest.raises(ShapeError, match="'Paris' is unknown"):
            explorer.answers.similar({EVIL: "Paris"}, 2, 0)


def test_unknown_cells_are_left_out(fitted, explorer):
    cells = dict.fromkeys(explorer.answers.open(3)) | {"married": "1"}
    one = pd.DataFrame({EVIL: [None], "weight": [np.nan], "day": [pd.NaT], "married": [1]})
    found = explorer.answers.row(cells)
    assert found["nats"] == pytest.approx(fitted.log_prob(one)[0], abs=1e-9)
    assert [each["bits"] is None for each in found["columns"]] == [True, True, True, False]
    assert explorer.answers.open(4)["weight"] is None


def test_rows_like_this_keep_what_is_known(explorer):
    rows = explorer.answers.similar({EVIL: LEVELS[1], "day": "2024-02-01"}, 5, 0)
    assert [row[0] for row in rows] == [LEVELS[1]] * 5
    assert all(row[2].startswith("2024-02-01") for row in rows)
    assert rows == explorer.answers.similar({EVIL: LEVELS[1], "day": "2024-02-01"}, 5, 0)


def test_what_a_column_cannot_hold_is_refused_in_its_words(explorer):
    for cells, said in (
        ({EVIL: "Paris"}, "Paris"),
        ({"weight": "heavy"}, "'heavy' is no number"),
        ({"day": "yesterday"}, "'yesterday' is no date"),
        ({"hieght": "3"}, "'hieght' is no column"),
    ):
        status, body = asked(explorer, "/row", json.dumps({"cells": cells}))
        assert status == 400
        assert said in json.loads(body)["error"]
    for body in ("", "[]", "{"):
        assert asked(explorer, "/row", body)[0] == 400
    with pytest.raises(ShapeError, match="row 240 of a table of 240 rows"):
        explorer.answers.open(240)


def test_only_who_knows_the_token_and_names_this_machine_is_answered(explorer):
    token = parse_qs(urlsplit(explorer.address).query)["token"][0]
    port = urlsplit(explorer.address).port
    assert asked(explorer, f"/?token={token}", method="GET")[0] == 200
    for path in ("/", "/?token=wrong", "/row"):
        assert asked(explorer, path, method="GET", token="wrong")[0] == 403
    assert asked(explorer, "/row", '{"cells": {}}', token="wrong")[0] == 403
    assert asked(explorer, "/row", '{"cells": {}}', host="evil.example")[0] == 403
    assert asked(explorer, f"/?token={token}", method="GET", host=f"evil.example:{port}")[0] == 403
    assert asked(explorer, f"/page.css?token={token}", method="GET")[0] == 404
    assert asked(explorer, "/etc/passwd")[0] == 404
    assert explorer.address.startswith("http://127.0.0.1:")


@pytest.mark.filterwarnings("ignore:column .*(holds no value|none of its labels|lie between)")
def test_every_row_of_a_table_can_be_opened(fitted):
    """Misspelt labels, text among numbers and numbers of all digits count as the density says."""
    wrong = towns(60).astype({"weight": object})
    wrong.loc[3, EVIL], wrong.loc[4, "weight"], wrong.loc[5, "weight"] = (
        "Ulmm",
        "4x",
        50.123456789012,
    )
    with Explorer(fitted.model, wrong) as explorer:
        said = fitted.log_prob(wrong)
        for row in range(8):
            cells = explorer.answers.open(row)
            assert explorer.answers.row(cells, row)["nats"] == pytest.approx(said[row], abs=1e-9)
        cells = explorer.answers.open(3) | {"weight": "51"}
        found = explorer.answers.row(cells, 3)["nats"]
        changed = fitted.log_prob(wrong.iloc[[3]].assign(weight=51.0))
        assert found == pytest.approx(changed[0], abs=1e-9)


def test_a_file_with_notations_is_read_as_the_fitted_one(tmp_path):
    rng = np.random.default_rng(0)
    share = rng.integers(5, 95, 120)
    lines = [f"{s}%;{1000 + 10 * s},5;{1 + s % 28:02d}.03.2024" for s in share]
    text = "\n".join(["share;price;day", *lines, ""])
    (tmp_path / "t.csv").write_text(text)
    config = cr.FitConfig(hidden_size=4, epochs=2)
    density = cr.fit(tmp_path / "t.csv", seed=0, config=config, verbose=False)
    said = density.log_prob(tmp_path / "t.csv")
    with Explorer(density.model, tmp_path / "t.csv") as explorer:
        assert asked(explorer, "/load?name=u.csv", text.encode())[0] == 200
        for table in (0, 1):
            for row in range(3):
                cells = explorer.answers.open(row, table)
                found = explorer.answers.row(cells, row, table)["nats"]
                assert found == pytest.approx(said[row], abs=1e-9)
        cells = {"share": "50%", "price": "1500,5", "day": "2024-03-23"}
        one = "\n".join(["share;price;day", "50%;1500,5;23.03.2024", ""])
        (tmp_path / "one.csv").write_text(one)
        alone = density.log_prob(tmp_path / "one.csv")[0]
        assert explorer.answers.row(cells)["nats"] == pytest.approx(alone, abs=1e-9)


def test_a_table_that_is_dropped_shows_its_wrong_cells(fitted):
    wrong = towns().assign(day=lambda t: t["day"].astype(str))
    wrong.loc[17, "weight"] = 800.0
    with Explorer(fitted.model) as explorer:
        text = wrong.to_csv(index=False).encode()
        status, body = asked(explorer, "/load?name=a%20%26%20b.csv", text)
        assert status == 200
        listed = {"table": 1, "name": "a & b.csv", "rows": len(wrong)}
        assert json.loads(body) == {"table": 1, "tables": [listed]}
        first = json.loads(asked(explorer, "/wrong", '{"table": 1}')[1])["findings"][0]
        assert (first["row"], first["column"], first["found"]) == (17, "weight", "800")
        cells = json.loads(asked(explorer, "/open", '{"row": 17, "table": 1}')[1])["cells"]
        body = json.dumps({"cells": cells, "row": 17, "table": 1})
        nats = json.loads(asked(explorer, "/row", body)[1])["nats"]
        said = fitted.log_prob(wrong.iloc[[17]].assign(day=towns()["day"][17]))
        assert nats == pytest.approx(said[0], abs=1e-9)
        status, body = asked(explorer, "/load?name=other.csv", b"a,b\n1,2\n")
        assert status == 400
        said = "other.csv: column(s) 'a', 'b' are not in the"
        assert json.loads(body)["error"].startswith(said)
        assert asked(explorer, "/load?name=bad.csv", b"\xff\xfe\x00")[0] == 400
        assert asked(explorer, "/load", text)[0] == 400
        assert "no table" in json.loads(asked(explorer, "/wrong", "{}")[1])["error"]


def test_a_reader_asks_in_a_browser(fitted, explorer, tmp_path):
    """Keyboard and mouse; at both widths nothing overflows, and only this machine is asked."""
    with Page(explorer.address, tmp_path, width=1440) as driven:
        driven.wait("document.getElementById('nats').textContent.includes('nats')")
        assert driven.run("document.querySelectorAll('.column').length") == 4
        assert driven.run("document.querySelector('.column label').textContent") == EVIL
        driven.click("#after")
        driven.wait("document.getElementById('number').value === '1'")
        driven.click("#nothing")
        driven.wait("document.querySelectorAll('.unknown').length === 4")
        driven.run("document.getElementById('cell-1').focus()")
        driven.type("51")
        driven.wait("document.querySelectorAll('.unknown').length === 3")
        said = fitted.conditional(pd.DataFrame({EVIL: [None], "weight": [51.0], "day": [pd.NaT],
                                                "married": [None]}), EVIL).iloc[0]  # fmt: skip
        words = f"expected Ulm {said['Ulm']:.0%}"
        driven.wait(f"document.querySelector('.expected').textContent.startsWith({words!r})")
        assert driven.run("document.querySelectorAll('svg .old').length") > 0
        driven.click("#draw")
        driven.wait("document.querySelectorAll('#drawn tbody tr').length === 5")
        assert driven.run("document.querySelector('#drawn tbody .given').textContent") == "51"
        driven.click("#own")
        driven.wait("document.querySelectorAll('#findings button').length > 0")
        for width, dark in ((1440, True), (390, False)):
            driven.resize(width, dark=dark)
            assert driven.run("document.documentElement.scrollWidth") <= width
            driven.run(
                "chart(document.querySelector('#columns svg'), {kind: 'levels', expected: '', "
                "shares: Array(12).fill(1 / 12), names: Array(12).fill('Exec-managerial')})"
            )
            beyond = (
                "[...document.querySelectorAll('#columns svg text')].filter(each => { "
                "const own = each.getBoundingClientRect(), all = each.closest('svg')"
                ".getBoundingClientRect(); return own.right > all.right + 3 || "
                "own.left < all.left - 3; }).map(each => each.textContent)"
            )
            assert driven.run(beyond) == []
        hosts = "performance.getEntriesByType('resource').map(e => new URL(e.name).hostname)"
        assert set(driven.run(hosts)) <= {"127.0.0.1"}


def test_ctrl_c_ends_the_command(fitted, tmp_path):
    fitted.save(tmp_path / "m.chainrule")
    towns().to_csv(tmp_path / "t.csv", index=False)
    words = [sys.executable, "-m", "chainrule.cli.main", "view", "m.chainrule", "t.csv"]
    served = subprocess.Popen(
        [*words, "--no-browser"], cwd=tmp_path, stderr=subprocess.PIPE, text=True, env=os.environ
    )
    address, advice = served.stderr.readline().rstrip("\n"), served.stderr.readline()
    with urllib.request.urlopen(address, timeout=30) as answer:  # as it is copied from the terminal
        assert "<h1>A row, cell by cell</h1>" in answer.read().decode()
    assert advice == "open this address in a browser; ctrl-C ends it\n"
    served.send_signal(signal.SIGINT)
    assert served.wait(60) == 0
    served.stderr.close()


def test_the_command_says_what_it_cannot_show(fitted, tmp_path):
    fitted.save(tmp_path / "m.chainrule")
    pd.DataFrame({"other": [1]}).to_csv(tmp_path / "other.csv", index=False)
    for words, said in (
        (("m.chainrule", "-o", "page.html"), "leave out -o"),
        (("m.chainrule", "other.csv"), "other"),
        (("m.chainrule", "absent.csv"), "absent.csv"),
    ):
        code, _, errors = run("view", *words, cwd=tmp_path)
        assert code == 2
        assert said in errors


def test_a_network_of_one_order_is_refused():
    bits = pd.DataFrame({"a": [0, 1] * 30, "b": [1, 0] * 30})
    density = cr.fit(bits, network="nade", seed=0, config=cr.FitConfig(epochs=1), verbose=False)
    with pytest.raises(EvidenceError, match="known"):
        Explorer(density.model)
