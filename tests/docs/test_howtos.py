"""The code of the how-tos runs as a reader runs it: block by block, page by page."""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from helpers.command_line import chainrule as run

from benchmarks.events.ask import QUESTIONS, as_table
from chainrule import rng

ROOT = Path(__file__).parents[2]
PAGES = ROOT / "docs/howto"
WIDEST = 88  # columns of code that a desktop shows


def blocks(language, text):
    return re.findall(rf"^```{language}\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE)


def read(name):
    return (PAGES / f"{name}.md").read_text(encoding="utf-8")


@pytest.fixture
def names_after(tmp_path, monkeypatch):
    """Runs the Python of a page in an empty folder, and returns what it defines.

    No number may come from the system's entropy or from torch's generator.
    """
    monkeypatch.chdir(tmp_path)

    def names(page):
        found = {"__name__": "__main__"}
        with monkeypatch.context() as seeded:
            seeded.setattr(rng, "secrets", None)
            before = torch.get_rng_state()
            for code in blocks("python", read(page)):
                exec(compile(code, page, "exec"), found)
            assert torch.equal(torch.get_rng_state(), before)
        return found

    return names


def run_shell(name, density, folder):
    """Runs the commands of a page, with the density of its Python instead of a second fit."""
    density.save(folder / "m.chainrule")
    for line in "".join(blocks("shell", read(name))).splitlines():
        program, *words = shlex.split(line)
        assert program == "chainrule"
        if words[0] == "fit":
            assert words[2:4] == ["-o", "m.chainrule"]
            continue
        code, _, errors = run(*words, cwd=folder)
        assert code == 0, errors


def test_filling_missing_cells(names_after, tmp_path, capsys):
    names = names_after("fill-missing-cells")
    right, inside = re.findall(r"(\d+)% of the removed", capsys.readouterr().out)
    assert int(right) >= 80
    assert int(inside) >= 70
    table, best = names["table"], names["best"]
    assert best.null_count().sum_horizontal().item() == 0
    known = table["alcohol"].is_not_null()
    assert best["alcohol"].filter(known).equals(table["alcohol"].filter(known))
    assert 0.03 < names["error"] < 0.2
    table.write_csv("table.csv")
    run_shell("fill-missing-cells", names["density"], tmp_path)


def test_drawing_rows(names_after, tmp_path):
    names = names_after("draw-rows")
    assert names["drawn"].shape == names["real"].shape
    assert names["rich"]["alcohol"].to_list() == [14.5] * 5
    assert "told apart by trees, AUC" in str(names["found"])
    names["real"].write_csv("real.csv")
    names["holdout"].write_csv("holdout.csv")
    run_shell("draw-rows", names["density"], tmp_path)


def test_scikit_learn(names_after, capsys):
    names = names_after("scikit-learn")
    printed = capsys.readouterr().out
    assert float(re.search(r"accuracy ([\d.]+)", printed)[1]) > 0.85
    assert "[ 1 -1  1]" in printed
    assert names["hidden"].shape[0] == 178


def test_a_training_loop(names_after, capsys):
    names_after("training-loop")
    printed = capsys.readouterr().out
    assert float(re.search(r"([\d.]+) nats per held-out image", printed)[1]) < 20
    assert printed.rstrip().endswith("True")


def test_larger_than_memory(names_after):
    import polars as pl

    names = names_after("larger-than-memory")
    assert pl.read_csv("filled.csv")["minutes"].null_count() == 0
    assert len(pl.read_parquet("drawn.parquet")) == 12_000
    assert names["nats"].shape == (1200,)


def test_several_processes(tmp_path):
    """The two programs of the page, in processes of their own."""
    programs = blocks("python", read("several-machines"))
    files = [re.match(r"# (\w+\.py)\n", code)[1] for code in programs]
    assert files == ["score.py", "train.py"]
    for file, code in zip(files, programs, strict=True):
        (tmp_path / file).write_text(code)
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    (start,) = blocks("shell", read("several-machines"))
    program, *words = shlex.split(start)
    assert program == "torchrun"
    torchrun = [sys.executable, "-m", "torch.distributed.run", *words]
    printed = [
        subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
        ).stdout
        for command in ([sys.executable, "score.py"], torchrun)
    ]
    assert printed[0] == "True\n"
    assert float(re.search(r"([\d.]+) nats per image", printed[1])[1]) < 25


def test_asking_a_table(names_after, tmp_path):
    found = names_after("ask-a-table")
    assert found["strong"].value > 0.2
    first, second, _ = found["found"]
    assert first.value == second.value
    assert (found["drawn"]["alcohol"] > 13).all()
    assert "class_0" not in set(found["drawn"]["cultivar"])
    run_shell("ask-a-table", found["density"], tmp_path)


def test_the_answers_about_two_tables_are_those_of_their_command():
    text = read("ask-a-table")
    written = json.loads((ROOT / "benchmarks/results/events.json").read_text(encoding="utf-8"))
    for name in QUESTIONS:
        rows = written[name]["rows"]
        assert [row["event"] for row in rows] == [words for words, *_ in QUESTIONS[name]]
        assert as_table(rows) in text


def test_training_on_several_processes(tmp_path):
    """The programs and commands of the page, in turn."""
    page = "train-on-several-processes"
    for code in blocks("python", read(page)):
        (tmp_path / re.match(r"# (\w+\.py)\n", code)[1]).write_text(code)
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    subprocess.run([sys.executable, "rows.py"], cwd=tmp_path, env=environment, check=True)
    commands = [
        shlex.split(line)
        for code in blocks("shell", read(page))
        for line in code.replace("\\\n", "").splitlines()
        if not line.startswith("export ")
    ]
    assert [words[0] for words in commands] == ["torchrun"] * 3
    commands.pop(1)  # nothing was interrupted
    commands[0] += ["--epochs", "3"]
    printed = [
        subprocess.run(
            [sys.executable, "-m", "torch.distributed.run", *words],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        for _, *words in commands
    ]
    assert printed[0].stderr.count("m.chainrule: 3 epochs") == 1
    assert printed[1].stdout == "2\n"


def test_every_how_to_is_run():
    tested = {
        "ask-a-table",
        "fill-missing-cells",
        "draw-rows",
        "scikit-learn",
        "training-loop",
        "larger-than-memory",
        "several-machines",
        "train-on-several-processes",
        "gate-a-pipeline",  # in test_documents
    }
    assert {path.stem for path in PAGES.glob("*.md")} == tested


def test_code_fits_the_page():
    """Lines of code outside the lecture are read without scrolling."""
    pages = [path for path in (ROOT / "docs").rglob("*.md") if "lecture" not in path.parts]
    for path in pages:
        text = path.read_text(encoding="utf-8")
        for language in ("python", "shell", "sh"):
            for line in "".join(blocks(language, text)).splitlines():
                assert len(line) <= WIDEST, f"{path.name}: {line}"


def test_the_front_page_has_the_code_of_the_readme():
    """That code is run; see test_documents."""
    readme, front = (
        (ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "docs/index.md")
    )
    assert blocks("python", readme) == blocks("python", front)
    rows = re.findall(r"^\| \d+ \| .*decimal point.*\|$", readme, flags=re.MULTILINE)
    assert len(rows) == 2
    assert all(row in front for row in rows)
