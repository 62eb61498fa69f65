"""The notebooks are those of the examples, and run; progress is one line of a saved notebook."""

import copy
import sys
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).parents[2]
MOST_BYTES = 400_000


@pytest.fixture(scope="module")
def notebooks():
    sys.path.insert(0, str(ROOT / "scripts"))
    import notebooks

    return notebooks


def saved(notebooks, name):
    found = nbformat.read(notebooks.path_of(name), as_version=4)
    nbformat.validate(found)
    return found


def test_each_example_has_its_notebook_with_its_present_code(notebooks):
    assert {path.stem for path in notebooks.NOTEBOOKS.glob("*.ipynb")} == set(notebooks.examples())
    page = (notebooks.NOTEBOOKS / "index.md").read_text(encoding="utf-8")
    for name in notebooks.examples():
        found = saved(notebooks, name)
        cells = [(cell.cell_type, cell.source) for cell in found.cells]
        assert cells == [(c.cell_type, c.source) for c in notebooks.notebook_of(name).cells], name
        assert any(cell.get("outputs") for cell in found.cells), name
        assert "error" not in {o.output_type for c in found.cells for o in c.get("outputs", [])}
        assert notebooks.path_of(name).stat().st_size < MOST_BYTES
        assert f"({name}.ipynb)" in page
    drawn = saved(notebooks, "pictures_of_tables").cells[2].outputs
    assert sum("image/png" in output.get("data", {}) for output in drawn) == 6


def test_a_notebook_runs_and_shows_what_is_saved(notebooks):
    """One of them; the code of all examples runs in tests/docs."""
    new = notebooks.executed(notebooks.notebook_of("mixed_table"))
    assert notebooks.differences(saved(notebooks, "mixed_table"), new) == []


def test_a_notebook_that_shows_something_else_would_be_caught(notebooks):
    old = saved(notebooks, "mixed_table")
    assert notebooks.differences(old, copy.deepcopy(old)) == []
    new = copy.deepcopy(old)
    new.cells[2].source += "  # more"
    new.cells[3].outputs = []
    said, table = new.cells[6].outputs[0], new.cells[7].outputs[0]
    said.text = said.text.replace("30 hidden", "60 filled")
    table.data["text/html"] = table.data["text/html"].replace("<tr>", "", 1)
    assert [each.split(":")[0] for each in notebooks.differences(old, new)] == [
        "cell 2",
        "cell 3",
        "cell 6",
        "cell 7",
    ]
    assert notebooks.differences(old, notebooks.notebook_of("odd_cells")) == ["8 cells became 3"]


def test_what_is_printed_is_shown_and_what_is_not_used_is_left_out(notebooks):
    source = '''"""Says what it does.

Run: python it.py
"""

from __future__ import annotations

import sys

import numpy as np

from chainrule.report import pictures

# How many.
COUNT = 3


def main(folder: list) -> None:
    """Makes rows."""
    rows = np.arange(COUNT)
    print(rows.sum())

    print(f"{COUNT} rows")
    pictures.save(
        pictures.completions(
            rows, rows, rows, (1, 3)
        ), "a.png"
    )
    folder.append(1)


if __name__ == "__main__":
    main(sys.argv)
'''
    (_, said), *code = notebooks.cells_of("an_example", source)
    assert said.split("\n\n") == [
        "# An example",
        "Says what it does.",
        "Makes rows.",
        "This notebook is written from `examples/an_example.py`.",
    ]
    imports = "import numpy as np\n\nfrom chainrule.report import pictures"
    assert [text for _, text in code] == [
        f"%matplotlib inline\n\n{imports}\n\n# How many.\nCOUNT = 3\nfolder = list()",
        "rows = np.arange(COUNT)\nrows.sum()",
        'print(f"{COUNT} rows")',
        "(pictures.completions(rows, rows, rows, (1, 3)))",
        "folder.append(1)",
    ]


def test_progress_is_one_line_of_a_saved_notebook(notebooks):
    """In a real kernel, with a clock that is ahead; two pieces of work have a line each."""
    code = """
import itertools
from chainrule import progress

ticks = itertools.count(0, 0.25)
progress.clock = lambda: next(ticks)
for name in ("training", "scoring"):
    with progress.progress_bar(name, 50) as advance:
        for _ in range(50):
            advance(1)
"""
    cells = [nbformat.v4.new_code_cell(code)]
    done = notebooks.executed(nbformat.v4.new_notebook(cells=cells))
    shown = [output.data["text/plain"] for output in done.cells[0].outputs]
    assert [line.split()[0] for line in shown] == ["training", "scoring"]
    assert all(" 100% " in line for line in shown)
