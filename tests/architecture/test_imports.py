"""The levels: a module imports from its own folder and from lower levels, nothing else."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src" / "chainrule"

# Level of each room; a room is a module of the package, a folder, or a folder of ops.
LEVELS = {
    "errors": 0,
    "version": 0,
    "first_use": 0,
    "arguments": 1,
    "philox": 0,
    "rng": 1,
    "progress": 0,
    "headline": 0,
    "scratch": 0,
    "atomic": 0,
    "claims": 1,
    "ranks": 1,
    "machine": 0,
    "plain_json": 0,
    "plain_html": 0,
    "html_pages": 1,
    "datasets": 1,
    "fileformat": 1,
    "leaves": 1,
    "tensors": 1,
    "without_torch": 1,
    "table": 2,
    "mistakes": 1,
    "events": 3,
    "synthetic": 3,
    "review": 3,
    "conditionals": 3,
    "ops.activations": 1,
    "ops.autocast": 1,
    "ops.cells": 2,
    "ops.compiled": 1,
    "ops.nade": 3,
    "networks": 4,
    "baselines": 5,
    "missing": 5,
    "rows_or_codes": 5,
    "model": 6,
    "tasks": 7,
    "plots": 8,
    "view": 8,
    "table_report": 9,
    "explorer": 9,
    "scorer": 9,
    "distributed": 10,
    "duckdb": 10,
    "widget": 10,
    "density": 11,
    "training": 12,
    "testing": 13,
    "sklearn": 13,
    "report": 13,
    "cli": 14,
    "__main__": 15,
}
# The rooms of table, from the lowest level to the highest.
TABLE_LEVELS = (
    {"values"},
    {"frames"},
    {"text"},
    {"columns", "table", "ties"},
    {"na_values", "schema"},
    {"containers", "files"},
    {"read", "statistics"},
    {"inference", "lazy"},
    {"codes"},
    {"blanked", "fills", "outside", "tied", "unlike_training"},
    {"infer"},
)
NO_TORCH = {
    "errors",
    "philox",
    "arguments",
    "plain_json",
    "plain_html",
    "html_pages",
    "atomic",
    "claims",
    "machine",
    "scratch",
    "version",
    "first_use",
    "progress",
    "headline",
    "datasets",
    "fileformat",
    "leaves",
    "tensors",
    "without_torch",
    "scorer",
    "distributed",
    "duckdb",
    "events",
    "mistakes",
    "synthetic",
    "review",
    "table",
}


def room_of(module: str) -> str | None:
    """The room of a dotted module name inside chainrule; None for the package itself."""
    parts = module.split(".")[1:]
    if not parts:
        return None
    return ".".join(parts[:2]) if parts[0] == "ops" and len(parts) > 1 else parts[0]


def modules():
    for path in sorted(SOURCE.rglob("*.py")):
        dotted = ".".join(("chainrule", *path.relative_to(SOURCE).with_suffix("").parts))
        yield dotted.removesuffix(".__init__"), path


def imports_of(path: Path) -> list[str]:
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import; write the full name"
            found += [f"{node.module}.{alias.name}" for alias in node.names]
    return found


def violations(module: str, imported: list[str]) -> list[str]:
    """Imports of ``module`` that break the rule."""
    own = room_of(module)
    bad = []
    for name in imported:
        if name.split(".")[0] != "chainrule":
            continue
        room = room_of(name)
        assert room in LEVELS, (
            f"{module} imports {name}: room {room} has no level; give it one in LEVELS"
        )
        if room != own and LEVELS[room] >= LEVELS[own]:
            bad.append(f"{module} (level {LEVELS[own]}) imports {name} (level {LEVELS[room]})")
    return bad


@pytest.mark.parametrize(
    ("module", "path"), list(modules()), ids=lambda value: value if isinstance(value, str) else ""
)
def test_imports_go_one_way(module, path):
    if room_of(module) in (None, "ops"):
        return  # the package's own __init__ may name anything
    assert not violations(module, imports_of(path))


def test_the_rule_would_catch_a_breach():
    assert violations("chainrule.table.read", ["chainrule.networks.nade"])
    assert violations("chainrule.conditionals.base", ["chainrule.ops.nade.eager"])
    assert violations("chainrule.tasks.score", ["chainrule.density"])
    assert not violations("chainrule.tasks.score", ["chainrule.model", "chainrule.tasks.sample"])


def table_breaches(module: str, imported: list[str]) -> list[str]:
    """Imports between rooms of table that do not go to a lower level."""
    level = {room: number for number, rooms in enumerate(TABLE_LEVELS) for room in rooms}
    room = module.split(".")[2]
    others = {name.split(".")[2]: name for name in imported if name.startswith("chainrule.table.")}
    return [
        f"{module} imports {name}"
        for other, name in others.items()
        if other != room and level[other] >= level[room]
    ]


def test_imports_within_table_go_one_way():
    breaches = [
        breach
        for module, path in modules()
        if module.startswith("chainrule.table.")
        for breach in table_breaches(module, imports_of(path))
    ]
    assert not breaches
    assert table_breaches("chainrule.table.text.notation", ["chainrule.table.columns.base"])
    assert table_breaches("chainrule.table.schema", ["chainrule.table.na_values"])


@pytest.mark.parametrize(
    ("module", "path"), list(modules()), ids=lambda value: value if isinstance(value, str) else ""
)
def test_rooms_of_tables_and_files_know_no_torch(module, path):
    if room_of(module) in NO_TORCH:
        assert not [name for name in imports_of(path) if name.split(".")[0] == "torch"]


def test_the_guide_lists_every_room_at_its_level():
    """CONTRIBUTING.md has a table of the house: level, rooms, what they hold."""
    guide = (SOURCE.parents[1] / "CONTRIBUTING.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d+) \| (.*?) \|", guide, flags=re.MULTILINE)
    assert {
        room: int(level) for level, rooms in rows for room in re.findall(r"`(.*?)`", rooms)
    } == LEVELS


def seeds(source: str) -> bool:
    """Whether code (not a docstring) calls a seeding function."""
    calls = (node.func for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call))
    return any(
        isinstance(called, ast.Attribute) and called.attr in ("manual_seed", "seed")
        for called in calls
    )


def test_only_rng_seeds():
    assert seeds("torch.Generator().manual_seed(0)")
    assert seeds("numpy.random.seed(0)")
    assert not seeds('"""torch.manual_seed(0)"""')
    assert not seeds("fit(rows, seed=config.seed)")
    guilty = [module for module, path in modules() if seeds(path.read_text(encoding="utf-8"))]
    assert guilty == ["chainrule.rng"]


def test_flags_of_missing_cells_are_known_in_one_place():
    """Above the rooms of tables only ``missing.py`` reads which columns are flags."""
    knows = {
        room_of(module)
        for module, path in modules()
        if re.search("flag_of|flag_code", path.read_text(encoding="utf-8"))
    }
    assert knows == {"missing", "table"}


def test_import_is_light_and_names_are_listed():
    """chainrule loads without heavy libraries; __all__ is sorted, importable and complete."""
    code = (
        "import sys, chainrule\n"
        "heavy = {'numba', 'triton', 'sklearn', 'polars', 'narwhals'}\n"
        "heavy |= {'matplotlib', 'typer', 'rich', 'safetensors', 'pandas'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
        "names = chainrule.__all__\n"
        "constants_first = lambda n: (not n.isupper(), not n[0].isupper(), n)\n"
        "assert names == sorted(names, key=constants_first), names\n"
        "assert set(names) == set(chainrule._HOMES)\n"
        "values = [getattr(chainrule, name) for name in names]\n"
        "assert None not in values\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_questions_import_what_they_need_when_they_are_asked():
    """A command that loads a model pays for torch alone."""
    code = (
        "import sys, chainrule.density\n"
        "heavy = {'scipy', 'sklearn', 'matplotlib', 'jinja2', 'polars', 'pandas', 'numba'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_scorer_pays_for_numpy_alone():
    code = (
        "import sys, chainrule\n"
        "import chainrule.scorer, chainrule.without_torch.density\n"
        "heavy = {'torch', 'scipy', 'sklearn', 'matplotlib', 'jinja2', 'polars', 'pandas'}\n"
        "heavy |= {'numba', 'llvmlite', 'typer', 'rich'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_command_line_says_its_options_without_torch():
    code = (
        "import sys, chainrule.cli.main\nassert not {'torch', 'numba', 'polars'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
