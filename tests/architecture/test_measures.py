"""Measures of the source: the length of functions, and the tests for a network's name or class."""

import ast
from collections.abc import Iterator
from pathlib import Path

SOURCE = Path(__file__).parents[2] / "src" / "chainrule"

# Lines of a function's body, without signature and docstring. A kernel is one loop nest that a
# compiler reads whole; dividing it would hide it.
LONGEST_BODY = 60
KERNELS = {"ops/cells/cpu_kernels.py", "ops/nade/cpu_kernels.py", "ops/nade/triton_gpu.py"}

# What a user may call a network. Recipes are found by these names; the command line offers them,
# and the report labels its rows with them. Nothing else depends on a name.
NETWORK_NAMES = {"nade", "made", "orderless", "orderlessnade", "committee", "ensemble"}
NETWORK_NAMES |= {
    "independent",
    "independentcolumns",
    "fvsbn",
    "rbm",
    "vae",
    "chowliutree",
    "chaintable",
}
NAMES_ARE_CHOICES = ("training/recipes/", "report/", "cli/")

# Questions about the class of a network, outside the report. A capability of the contract serves
# better: it also holds for a network that somebody else writes.
MOST_CLASS_TESTS = 5
ROOTS = {
    "AbstractTrainable",
    "AbstractNetwork",
}  # every network: asking for these tells no kinds apart


def sources() -> dict[str, ast.Module]:
    """The source files by their path in the package."""
    paths = sorted(SOURCE.rglob("*.py"))
    return {
        path.relative_to(SOURCE).as_posix(): ast.parse(path.read_text(encoding="utf-8"))
        for path in paths
    }


def bodies(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """The name of each function, also nested, and the lines of its body without the docstring."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[ast.get_docstring(node) is not None :]
            yield node.name, (body[-1].end_lineno - body[0].lineno + 1) if body else 0


def names_compared(tree: ast.AST) -> list[str]:
    """The names of networks that code compares with something, by an operator or in a match."""
    found = []
    for node in ast.walk(tree):
        asked = []
        if isinstance(node, ast.Compare):
            asked = [node.left, *node.comparators]
        elif isinstance(node, ast.MatchValue):
            asked = [node.value]
        for part in asked:
            found += [
                each.value for each in literals(part) if str(each.value).lower() in NETWORK_NAMES
            ]
    return found


def literals(node: ast.expr) -> list[ast.Constant]:
    """A constant itself, or those that a tuple, list, set or frozenset(...) lists."""
    if isinstance(node, ast.Constant):
        return [node]
    if isinstance(node, ast.Call):
        return [each for argument in node.args for each in literals(argument)]
    return [each for part in getattr(node, "elts", []) for each in literals(part)]


def kinds_of_network(trees: list[ast.Module]) -> set[str]:
    """The classes of the package that inherit from the contract of a network, by name."""
    classes = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    bases = {
        each.name: {base.id for base in each.bases if isinstance(base, ast.Name)}
        for each in classes
    }
    found = set(ROOTS)
    while more := {name for name, above in bases.items() if above & found} - found:
        found |= more
    return found - ROOTS


def class_tests(tree: ast.AST, kinds: set[str]) -> int:
    """How often code asks whether something is of one of these classes."""
    count = 0
    for node in ast.walk(tree):
        asked: list[ast.AST] = []
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            asked = node.args[1:] if node.func.id in ("isinstance", "issubclass") else []
        elif isinstance(node, ast.Compare):
            asked = [node.left, *node.comparators]
        elif isinstance(node, ast.MatchClass):
            asked = [node.cls]
        named = {each for part in asked for each in (ast.unparse(leaf) for leaf in ast.walk(part))}
        count += bool({name.rsplit(".")[-1] for name in named} & kinds)
    return count


def test_functions_are_short():
    long = [
        f"{path}: {name} has {lines} lines"
        for path, tree in sources().items()
        if path not in KERNELS
        for name, lines in bodies(tree)
        if lines > LONGEST_BODY
    ]
    assert not long


def test_fit_is_a_page():
    (lines,) = [lines for name, lines in bodies(sources()["training/fitting.py"]) if name == "fit"]
    assert 10 < lines <= LONGEST_BODY


def test_nothing_depends_on_the_name_of_a_network():
    trees = {
        path: tree for path, tree in sources().items() if not path.startswith(NAMES_ARE_CHOICES)
    }
    assert {path: found for path, tree in trees.items() if (found := names_compared(tree))} == {}


def test_few_places_ask_for_the_class_of_a_network():
    trees = sources()
    kinds = kinds_of_network(list(trees.values()))
    assert {"NADE", "MADE", "OrderlessNADE", "Committee", "Ensemble", "RBM"} <= kinds
    counts = {
        path: class_tests(tree, kinds)
        for path, tree in trees.items()
        if not path.startswith("report/")
    }
    asking = {path: count for path, count in counts.items() if count}
    assert sum(asking.values()) <= MOST_CLASS_TESTS, asking


def test_the_measures_would_catch_a_breach():
    long = 'def f(\n    a,\n    b,\n):\n    """Two\n    lines."""\n' + "    a = b\n" * 61
    assert list(bodies(ast.parse(long))) == [("f", 61)]
    assert list(bodies(ast.parse("def f():\n    def g():\n        return 1\n    return g"))) == [
        ("f", 3),
        ("g", 1),
    ]
    for code in (
        "n == 'nade'",
        "'MADE' != n",
        "n in ('any', 'committee')",
        "n in frozenset({'orderless'})",
    ):
        assert len(names_compared(ast.parse(code))) == 1, code
    assert names_compared(ast.parse("match n:\n    case 'made':\n        pass")) == ["made"]
    assert not names_compared(
        ast.parse("kinds = {'nade': NADE}; fit(network='nade'); n == 'other'")
    )
    tree = ast.parse("class Net(AbstractNetwork): ...\nclass Leaf(Net): ...\nclass Other: ...")
    assert kinds_of_network([tree]) == {"Net", "Leaf"}
    for code in (
        "isinstance(n, Leaf)",
        "isinstance(n, Other | Net)",
        "issubclass(n, (Net, Leaf))",
        "type(n) is Leaf",
    ):
        assert class_tests(ast.parse(code), {"Net", "Leaf"}) == 1, code
    assert class_tests(ast.parse("isinstance(n, networks.Leaf)"), {"Leaf"}) == 1
    assert class_tests(ast.parse("match n:\n    case Leaf():\n        pass"), {"Leaf"}) == 1
    assert class_tests(ast.parse("isinstance(n, Other); Leaf(n); n: Leaf"), {"Leaf"}) == 0
