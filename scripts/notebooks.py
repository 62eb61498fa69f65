"""Writes the examples as executed notebooks into docs/notebooks.

Usage: python scripts/notebooks.py [EXAMPLE ...]         writes the notebooks of these, or of all
       python scripts/notebooks.py check [EXAMPLE ...]   writes nothing; exits with 1 on a change

A cell ends where the example prints. What it prints or saves as a picture, the notebook shows.
"""

from __future__ import annotations

import ast
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from run_chapters import NUMBER

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES, NOTEBOOKS = ROOT / "examples", ROOT / "docs" / "notebooks"
KERNEL = {"name": "python3", "display_name": "Python 3", "language": "python"}
LONGEST_S = 600  # of a cell


def examples() -> list[str]:
    """The names of the examples."""
    return sorted(path.stem for path in EXAMPLES.glob("*.py"))


def path_of(name: str) -> Path:
    """Where the notebook of an example is."""
    return NOTEBOOKS / f"{name}.ipynb"


def notebook_of(name: str) -> Any:
    """The notebook of an example, not yet run."""
    source = (EXAMPLES / f"{name}.py").read_text(encoding="utf-8")
    cells = [
        (nbformat.v4.new_markdown_cell if kind == "text" else nbformat.v4.new_code_cell)(text)
        for kind, text in cells_of(name, source)
    ]
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number}"
    return nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": KERNEL})


def cells_of(name: str, source: str) -> list[tuple[str, str]]:
    """The cells of an example, "text" or "code": its words, imports, functions, and ``main``."""
    tree = ast.parse(source)
    functions = [each for each in tree.body if isinstance(each, ast.FunctionDef)]
    (main,) = (each for each in functions if each.name == "main")
    helpers = [each for each in functions if each is not main]
    said = [part for part in _docstring(tree).split("\n\n") if not part.startswith("Run: ")]
    title = f"# {name.replace('_', ' ').capitalize()}"
    origin = f"This notebook is written from `examples/{name}.py`."
    code = [_text(source, helpers[0], helpers[-1])] if helpers else []
    code += _parts(source, main)
    constants = [each for each in tree.body if isinstance(each, ast.Assign)]
    begun = [_text(source, each) for each in constants] + _parameters(main)
    used = _names("\n".join(begun + code))
    imports = _imports(source, tree, used)
    first, *rest = (_formatted(text) for text in ["\n".join(imports + begun), *code])
    # The pictures that a cell makes are among its outputs.
    magic = "%matplotlib inline\n\n" if "pictures" in used else ""
    return [
        ("text", "\n\n".join([title, *said, _docstring(main), origin])),
        *(("code", text) for text in [magic + first, *rest]),
    ]


def executed(notebook: Any) -> Any:
    """The notebook with its outputs, run in a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        client = NotebookClient(
            notebook,
            timeout=LONGEST_S,
            kernel_name=KERNEL["name"],
            record_timing=False,
            coalesce_streams=True,  # how output is divided depends on the time
            extra_arguments=["--log-level=ERROR"],
            resources={"metadata": {"path": folder}},
        )
        client.execute()
    notebook.metadata.pop("language_info", None)  # the version of this machine's Python
    return notebook


def differences(old: Any, new: Any) -> list[str]:
    """What differs between two notebooks: their code and text, and the form of their outputs.

    Numbers do not count, nor what is in the cells of a table: fits differ between machines.
    """
    if len(old.cells) != len(new.cells):
        return [f"{len(old.cells)} cells became {len(new.cells)}"]
    found = []
    for number, (before, after) in enumerate(zip(old.cells, new.cells, strict=True)):
        if (before.cell_type, before.source) != (after.cell_type, after.source):
            found.append(f"cell {number}: the source has changed")
        was, became = (
            [_form(each) for each in cell.get("outputs", [])] for cell in (before, after)
        )
        if was != became:
            found.append(f"cell {number}: {was} became {became}")
    return found


def _form(output: Any) -> tuple[str, ...]:
    """The kinds of an output, and its words or the size of its table."""
    data = output.get("data", {})
    if html := data.get("text/html"):
        return (*sorted(data), *(f"{html.count(f'<{tag}')} {tag}" for tag in ("tr", "th")))
    text = "" if "image/png" in data else output.get("text", data.get("text/plain", ""))
    return (*sorted(data), NUMBER.sub("0", text))


def _parts(source: str, main: ast.FunctionDef) -> list[str]:
    """The body of ``main`` in parts, each of which ends with something that is shown."""
    lines, begun, parts = source.splitlines(), main.body[0].end_lineno, []
    for statement in main.body[1:]:  # after the docstring
        shown = _shown(source, statement)
        if shown is None and not _prints(statement) and statement is not main.body[-1]:
            continue
        ends = statement.end_lineno if shown is None else statement.lineno - 1
        parts.append(textwrap.dedent("\n".join(lines[begun:ends])) + "\n" + (shown or ""))
        begun = statement.end_lineno
    return parts


def _shown(source: str, statement: ast.stmt) -> str | None:
    """The value that a statement prints or saves as a picture, as code; None for other ones."""
    if not (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call)):
        return None
    called, values = ast.unparse(statement.value.func), statement.value.args
    if called not in ("print", "pictures.save") or isinstance(values[0], ast.JoinedStr):
        return None
    if called == "print" and len(values) > 1:
        return None
    value = values[0]
    if isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute):
        value = value.func.value if value.func.attr == "to_string" else value
    text = ast.get_source_segment(source, value) or ""
    return f"({text})" if "\n" in text else text


def _prints(statement: ast.stmt) -> bool:
    return "print" in {each.id for each in ast.walk(statement) if isinstance(each, ast.Name)}


def _parameters(main: ast.FunctionDef) -> list[str]:
    """Values for the parameters of ``main``: what their types make of nothing."""
    return [f"{each.arg} = {ast.unparse(each.annotation)}()" for each in main.args.args
            if each.annotation is not None]  # fmt: skip


def _names(code: str) -> set[str]:
    return {each.id for each in ast.walk(ast.parse(code)) if isinstance(each, ast.Name)}


def _imports(source: str, tree: ast.Module, used: set[str]) -> list[str]:
    """The imports of names that are used, in the groups in which they are written."""
    found, begins_group = [], False
    for each in tree.body:
        if isinstance(each, ast.Import | ast.ImportFrom):
            begins_group |= not source.splitlines()[each.lineno - 2].strip()
            if any((name.asname or name.name).split(".")[0] in used for name in each.names):
                found.append("\n" * begins_group + _text(source, each))
                begins_group = False
    return found


def _docstring(node: ast.Module | ast.FunctionDef) -> str:
    return ast.get_docstring(node) or ""


def _text(source: str, first: ast.stmt, last: ast.stmt | None = None) -> str:
    """The lines of some statements, with the comments before them."""
    lines, begins = source.splitlines(), first.lineno - 1
    while begins and lines[begins - 1].startswith("#"):
        begins -= 1
    return "\n".join(lines[begins : (last or first).end_lineno])


def _formatted(code: str) -> str:
    words = [sys.executable, "-m", "ruff", "format", "--stdin-filename", "cell.py", "-"]
    done = subprocess.run(words, input=code, capture_output=True, text=True, check=True, cwd=ROOT)
    return done.stdout.strip("\n")


def main(words: list[str]) -> int:
    """Writes or checks notebooks; returns 1 if a check found a change, 2 for an unknown name."""
    checks = words[:1] == ["check"]
    names = words[checks:] or examples()
    if unknown := sorted(set(names) - set(examples())):
        print(f"{unknown[0]}: no example; there are {', '.join(examples())}", file=sys.stderr)
        return 2
    failed = 0
    for name in names:
        new = executed(notebook_of(name))
        if not checks:
            NOTEBOOKS.mkdir(exist_ok=True)
            nbformat.write(new, path_of(name))
        elif found := differences(nbformat.read(path_of(name), as_version=4), new):
            failed = 1
            print(f"{name}: " + "; ".join(found), file=sys.stderr)
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
