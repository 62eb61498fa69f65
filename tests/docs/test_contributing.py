"""CONTRIBUTING.md and the page on adding one: examples run, files exist, lines are short."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ADD_ONE = ROOT / "docs/add-one.md"
PAGES = [ROOT / "CONTRIBUTING.md", ADD_ONE]
NAMED = re.compile(r"`((?:src|tests|scripts|docs|benchmarks)/[\w./-]+)`")
NEW = re.compile(r"^\| New file \| `(.*?)` \|$", flags=re.MULTILINE)

# Around an example: no number may come from the system's entropy or from torch's own generator.
SEEDED = """
import sys, torch
from chainrule import rng
rng.secrets, state = None, torch.get_rng_state()
exec(compile(sys.stdin.read(), "example", "exec"), {"__name__": "__main__"})
assert torch.equal(torch.get_rng_state(), state), "numbers of torch's own generator"
"""


def sections(page):
    """The examples by their headings: all Python blocks below each."""
    text = page.read_text(encoding="utf-8")
    found = dict(part.split("\n", 1) for part in re.split(r"^## ", text, flags=re.MULTILINE)[1:])
    blocks = re.compile(r"^```python\n(.*?)^```", flags=re.DOTALL | re.MULTILINE)
    return {title: "\n".join(blocks.findall(body)) for title, body in found.items()}


@pytest.mark.parametrize("title", ["A conditional", "A kind of column", "A network", "A question"])
def test_an_example_runs_by_itself(title, tmp_path):
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    command = [sys.executable, "-W", "error", "-c", SEEDED]
    code = sections(ADD_ONE)[title]
    assert "assert" in code
    subprocess.run(command, cwd=tmp_path, env=environment, input=code, text=True, check=True)


def test_every_example_is_run():
    assert list(sections(ADD_ONE)) == [
        "A conditional",
        "A kind of column",
        "A network",
        "A question",
    ]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_files_that_are_named_exist(page):
    """A new file is absent, and its folder is there."""
    text = page.read_text(encoding="utf-8")
    new, named = set(NEW.findall(text)), set(NAMED.findall(text))
    assert named
    assert not [name for name in named - new if not (ROOT / name).exists()]
    assert all((ROOT / name).parent.is_dir() and not (ROOT / name).exists() for name in new)


def test_the_files_of_the_guide_exist():
    """Each row of "Find your way" names a source file or folder, and a test."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    table = text.split("| To change | Open | Test |")[1].split("\n\n")[0]
    rows = [re.findall(r"`([\w./]+/[\w./]*)`", row) for row in table.splitlines()[2:]]
    assert len(rows) > 20
    for source, test in rows:
        assert re.search("[A-Z]{4}", source) or (ROOT / "src/chainrule" / source).exists(), source
        assert (ROOT / "tests" / test).is_file(), test


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_lines_are_short(page):
    lines = page.read_text(encoding="utf-8").splitlines()
    assert not [line for line in lines if len(line) > 100 and not line.startswith("|")]
