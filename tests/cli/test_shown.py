"""Tables of the command line have whole numbers and names, at any width and in a pipe."""

import os
import re
import subprocess
from collections import Counter
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from helpers.command_line import PROGRAM, chainrule, on_terminal

import chainrule as cr
from chainrule import datasets
from chainrule.cli import compare, demo, shown
from chainrule.report import lecture
from chainrule.report.lecture import FormTiming

WIDTHS = [40, 60, 80, 120]
BORDERS = "─━│┃┏┓┗┛┡┩┳┻╇╈┬┴┼└┘├┤┌┐"
LONG = "the_number_of_days_since_the_last_visit"  # longer than what is never broken


def words(text):
    return Counter(
        word.rstrip(":")
        for word in text.translate(str.maketrans(BORDERS, " " * len(BORDERS))).split()
    )


@pytest.fixture
def at(monkeypatch):
    """Sets how wide the terminal is; None is a pipe."""

    def resize(width):
        monkeypatch.setattr(shown, "terminal_width", lambda: width)
        for module in (compare, demo):
            if hasattr(module, "terminal_width"):
                monkeypatch.setattr(module, "terminal_width", lambda: width)

    return resize


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Models of columns with large and small numbers and long names, and the table they are of."""
    path, rng = tmp_path_factory.mktemp("shown"), np.random.default_rng(0)
    n = 120
    table = pd.DataFrame({
        "id": [f"k{k}" for k in range(n)],
        "income": rng.normal(1e9, 1e8, n),
        LONG: rng.integers(0, 900, n),
        "ratio of one to the other": rng.normal(0, 1e-7, n),
        "city": rng.choice(["St. Petersburg on the Neva", "Ürümqi"], n),
        "kept": rng.random(n) < 0.3,
    })  # fmt: skip
    table.to_csv(path / "t.csv", index=False)
    table.drop(columns="id").head(4).to_csv(path / "few.csv", index=False)
    tiny = ["--hidden-size", "4", "--components", "2", "--epochs", "2", "--seed", "0", "--quiet"]
    assert chainrule("fit", "t.csv", "-o", "m.chainrule", *tiny, cwd=path)[0] == 0
    return path


COMMANDS = {
    "show": ["show", "m.chainrule"],
    "check": ["check", "m.chainrule"],
    "datasets": ["datasets"],
    "explain": ["explain", "m.chainrule", "t.csv", "--top", "5"],
    "explain rows": ["explain", "m.chainrule", "t.csv", "--rows", "--fdr", "1"],
    "sample": ["sample", "m.chainrule", "-n", "3", "--seed", "0"],
    "conditional": ["conditional", "m.chainrule", "few.csv", "income"],
    "conditional of labels": ["conditional", "m.chainrule", "few.csv", "city"],
}


@pytest.mark.parametrize("name", COMMANDS)
def test_what_a_command_prints_has_the_same_words_at_any_width(name, folder, at):
    at(10_000)
    _, wide, _ = chainrule(*COMMANDS[name], cwd=folder)
    expected = words(wide)
    assert any(re.fullmatch(r"[-+]?[\d.,]+", word) for word in expected)
    broken = {word for word in expected if len(word) > shown.LONGEST}
    for width in WIDTHS:
        at(width)
        _, text, _ = chainrule(*COMMANDS[name], cwd=folder)
        assert max(map(len, text.splitlines())) <= width
        found = words(text)
        for word, times in expected.items():
            if word not in broken:
                assert found[word] >= times, (width, word)
        assert text.count("…") == wide.count("…")


def test_piped_tables_are_as_wide_as_they_ask_for(folder):
    """Also where the environment says otherwise: COLUMNS is of terminals."""
    _, text, _ = chainrule("show", "m.chainrule", cwd=folder)
    assert re.search(
        rf"│ columns +│ 2 real, .*: income, {LONG}, ratio of one to the other, city, kept +│\n",
        text,
    )
    _, text, _ = chainrule("datasets", cwd=folder)
    for info in datasets.list():
        assert " / ".join(f"{rows:,}" for rows in info.rows) in text
        assert f"│ source: {info.source} " in text


def test_rows_are_a_table_on_a_terminal_and_csv_elsewhere(folder, at):
    for words in (
        COMMANDS["sample"],
        COMMANDS["conditional"],
        [*COMMANDS["sample"][:3], "60", "--seed", "0"],
    ):
        at(None)
        _, piped, _ = chainrule(*words, cwd=folder)
        at(200)
        _, text, _ = chainrule(*words, cwd=folder)
        many = "60" in words
        assert (text == piped) == many  # what no eye reads stays CSV
        lines = piped.splitlines()
        assert "│" not in piped
        if not many:
            assert "┃ row ┃" in text
            cells = [
                re.split(" *│ *", line.strip())[1:-1]
                for line in text.splitlines()
                if line.startswith("│")
            ]
            assert [cell[0] for cell in cells] == [str(k) for k in range(len(lines) - 1)]
            expected = [line.lower().split(",") for line in lines[1:]]
            for row, wanted in zip(cells, expected, strict=True):
                for cell, full in zip(row[1:], wanted, strict=True):
                    number = re.match(r"-?\d", full) is not None
                    assert (
                        float(cell) == pytest.approx(float(full), rel=1e-5)
                        if number
                        else cell.lower() == full
                    )
        assert chainrule(*words, "--json", cwd=folder)[1].startswith("{")


def entry(name, nats, error, seconds, accuracy=None):
    probes = (
        [] if accuracy is None else [SimpleNamespace(valid_accuracy=accuracy, accuracy=accuracy)]
    )
    likelihood = SimpleNamespace(mark="≈", nats=nats, standard_error=error)
    return SimpleNamespace(
        family=SimpleNamespace(name=name),
        likelihood=likelihood,
        train_s=seconds,
        score_s=seconds,
        once_s=0.0,
        draw_s=seconds / 1000,
        probes=probes,
    )


@pytest.mark.parametrize("width", [*WIDTHS, None])
def test_the_summary_of_compare_has_whole_numbers(width, at, capsys):
    at(width)
    entries = [
        entry("nade", -16.71, 0.26, 12.345, 0.95),
        entry("gaussians", -1234567.89, 12345.67, 12345.6),
        entry("vae", 0.0, 0.1, 0.0123, 0.5),
    ]
    why = "row 0: given column 23 is step 63 of the order, but column 5 at step 0 is not known"
    found = SimpleNamespace(
        data=SimpleNamespace(name="digits"),
        entries=entries,
        pixels=SimpleNamespace(accuracy=0.917),
        refused={"tree": why},
    )
    compare._print_results(found)
    text = capsys.readouterr().out
    for number in (
        "-16.71",
        "0.26",
        "12 s",
        "0.012 s",
        "95.0 %",
        "-1234567.89",
        "12345.67",
        "12346 s",
        "50.0 %",
        "1.2e-05 s",
        "91.7",
    ):
        assert number in text, (width, number)
    assert "…" not in text
    for name in ("nade", "gaussians", "vae"):
        assert re.search(rf"\b{name}\b", text)
    if width is None:
        assert f"left out: tree {why}\n" in text
        assert re.search(
            r"│ gaussians │ +≈ -1234567\.89 │ 12345\.67 │ +12346 s │ +12346 s │ +12 s │", text
        )
    else:
        assert max(map(len, text.splitlines())) <= width


@pytest.mark.parametrize("width", [*WIDTHS, None])
def test_the_demo_has_whole_numbers(width, at, capsys, monkeypatch):
    at(width)
    digits = cr.datasets.load("digits")
    config = cr.FitConfig(hidden_size=3, epochs=1)
    density = cr.fit(
        digits.train[:200], digits.valid, network="nade", seed=0, config=config, verbose=False
    )
    monkeypatch.setattr(
        lecture,
        "time_forms",
        lambda: [FormTiming(64, 0.0123, 0.0045), FormTiming(1024, 12.5, 0.25)],
    )
    demo._print_results(density, digits)
    demo._print_forms()
    text = capsys.readouterr().out
    nats = -density.score(digits.test)
    for number in (
        f"{nats:.2f} ±",
        "44.36",
        "64.0",
        "2^64 − 1",
        "12.3 ms",
        "4.5 ms",
        "12500.0 ms",
        "250.0 ms",
        "50.0",
    ):
        assert number in text, (width, number)
    assert width is None or max(map(len, text.splitlines())) <= width


def test_a_real_terminal_of_60_columns_and_a_pipe():
    """Without anything replaced: what a person sees, and what a file gets."""
    environment = {
        name: value for name, value in os.environ.items() if name not in ("COLUMNS", "FORCE_COLOR")
    }
    printed = on_terminal([*PROGRAM, "datasets"], columns=60)
    text = re.sub(r"\x1b\[[0-9;]*m", "", printed)
    piped = subprocess.run(
        [*PROGRAM, "datasets"], env={**environment, "COLUMNS": "60"}, capture_output=True, text=True
    ).stdout
    for info in datasets.list():
        rows = " / ".join(f"{rows:,}" for rows in info.rows)
        assert rows in text
        assert rows in piped
        assert f"source: {info.source}" in piped
    assert max(len(line.rstrip("\r")) for line in text.splitlines()) <= 60


def test_tables_fall_back_to_lines_of_names_and_values(at, capsys):
    at(30)
    rows = [("a long name of a thing", -123456.789, 1e-300), ("b", 0.5, 2.0)]
    shown.print_table(
        ("name", "nats per row", "p"), rows, title="three columns", numbers=("nats per row", "p")
    )
    assert capsys.readouterr().out == (
        "three columns\nname: a long name of a thing\nnats per row: -123456.789\np: 1e-300\n"
        "\nname: b\nnats per row: 0.5\np: 2.0\n"
    )
    shown.print_table(("name", "p"), [], title="nothing")
    assert "name" in capsys.readouterr().out
    at(60)
    shown.print_table(("name", "nats per row", "p"), rows, numbers=("nats per row", "p"))
    text = capsys.readouterr().out
    assert "│ -123456.789 │ 1e-300 │" in re.sub(" +", " ", text)
    shown.print_table(("[b]name[/b]", "p"), [("[red]x[/red]", 1)])
    assert "[red]x[/red]" in capsys.readouterr().out


def test_probabilities_of_labels_are_percentages_on_a_terminal(folder, at):
    at(80)
    _, text, _ = chainrule(*COMMANDS["conditional of labels"], cwd=folder)
    rows = [line for line in text.splitlines() if line.startswith("│")]
    assert len(rows) == 4
    for row in rows:
        assert sum(map(float, re.findall(r"([\d.]+) %", row))) == pytest.approx(100, abs=0.2)
    assert shown._percentage(0.00001) == "< 0.1 %"
    assert shown._percentage(0.0) == "0.0 %"
