"""Events in words, such as "age > 60 and sex == 'Female'": Python's syntax, read and not run.

Python parses the words; each node of its syntax tree must be one of those that this module knows.
"""

from __future__ import annotations

import ast
import re
from fractions import Fraction
from typing import Any

from chainrule.errors import SchemaError, printable
from chainrule.events.tree import (
    Among,
    Combined,
    Compared,
    IsNull,
    IsTrue,
    Negated,
    Side,
    Sum,
    Tree,
    Value,
    together,
)

LONGEST = 100_000  # characters of a question
# Text in quotes, a name in backquotes, or a word that Python reserves otherwise.
PIECES = re.compile(r"""'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|`([^`]*)`""")
SIGNS = {
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Eq: "==",
    ast.NotEq: "!=",
}
NULLS = ("null", "None", "NULL", "Null")
GRAMMAR = (
    "write comparisons such as age > 60, 30 <= age < 40, sex in ['Female', 'Male'] or "
    "income is null, joined by and, or, not"
)


def tree_of(words: str) -> Tree:
    """Returns the tree of an event in words.

    Raises:
        SchemaError: something that is not in the grammar; the message quotes it.

    Examples:
        >>> tree_of("`hours per week` > 40").left.name
        'hours per week'
    """
    return _Reader(words).read()


class _Reader:
    """Reads one question: its names in backquotes become plain ones before Python parses it."""

    def __init__(self, words: str) -> None:
        self.words, self.names = words, {}

    def read(self) -> Tree:
        if not self.words.strip():
            raise SchemaError(f"an event without a word; {GRAMMAR}")
        if len(self.words) > LONGEST:
            raise SchemaError(
                f"an event of {len(self.words):,} characters; at most {LONGEST:,} are read, so ask "
                "several questions"
            )
        plain = PIECES.sub(self._plain, self.words)
        try:
            parsed = ast.parse(plain.strip().replace("\n", " "), mode="eval")
            return self._event(parsed.body)
        except (SyntaxError, ValueError) as error:
            if isinstance(error, SchemaError):
                raise
            raise SchemaError(self._wrong_syntax(error)) from error
        except (RecursionError, MemoryError) as error:
            raise SchemaError("an event nested too deeply to be read; ask for its parts") from error

    def _plain(self, found: re.Match[str]) -> str:
        """Returns text in quotes as it is, and a name in backquotes as one that Python reads."""
        if found[1] is None:
            return found[0]
        plain = f"_name_{len(self.names)}_"
        while plain in self.words:
            plain += "_"
        self.names[plain] = found[1]
        return f" {plain} "

    def _wrong_syntax(self, error: Exception) -> str:
        hint = GRAMMAR
        if re.search(r"(?<![<>=!])=(?!=)", PIECES.sub("", self.words)):
            hint = "write == for equality"
        elif re.search(r"\b(AND|OR|NOT|IN|IS)\b", PIECES.sub("", self.words)):
            hint = "write and, or, not, in, is in small letters"
        elif "&&" in self.words or "||" in self.words or re.search(r"!(?!=)", self.words):
            hint = "write and, or, not instead of &&, ||, !"
        elif re.search(r"\w-?\s+\w", self.words) and "`" not in self.words:
            hint = f"{GRAMMAR}; write names with spaces or other characters in backquotes"
        return f"event {self._shown(self.words)} cannot be read ({printable(str(error))}): {hint}"

    def _shown(self, text: str) -> str:
        for plain, name in self.names.items():
            text = text.replace(plain, f"`{name}`")
        text = printable(text)
        return repr(text if len(text) <= 60 else f"{text[:57]}…")

    def _refused(self, node: ast.AST, remedy: str = GRAMMAR) -> SchemaError:
        return SchemaError(f"event: {self._shown(ast.unparse(node))} is not understood: {remedy}")

    def _event(self, node: ast.expr) -> Tree:
        if isinstance(node, ast.BoolOp):
            parts = tuple(map(self._event, node.values))
            return Combined(parts, is_all=isinstance(node.op, ast.And))
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not | ast.Invert):
            return Negated(self._event(node.operand))
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitAnd | ast.BitOr):
            parts = (self._event(node.left), self._event(node.right))
            return Combined(parts, is_all=isinstance(node.op, ast.BitAnd))
        if isinstance(node, ast.Compare):
            return self._compared(node)
        if isinstance(node, ast.Name):
            return IsTrue(self._name(node))
        raise self._refused(node)

    def _compared(self, node: ast.Compare) -> Tree:
        sides = [node.left, *node.comparators]
        each = zip(sides, node.ops, sides[1:], strict=False)
        return together(*(self._pair(node, *pair) for pair in each))

    def _pair(self, node: ast.Compare, left: ast.expr, sign: ast.cmpop, right: ast.expr) -> Tree:
        if isinstance(sign, ast.Is | ast.IsNot):
            name = self._side(left)
            if not self._is_null(right) or not isinstance(name, Sum) or name.name is None:
                raise self._refused(node, "write NAME is null, or NAME is not null")
            return IsNull(name.name, isinstance(sign, ast.IsNot))
        if isinstance(sign, ast.In | ast.NotIn):
            name = self._side(left)
            if not isinstance(name, Sum) or name.name is None:
                raise self._refused(node, "a column's name stands before in")
            return Among(name.name, self._values(right), isinstance(sign, ast.NotIn))
        if any(isinstance(side, ast.BinOp) and _is_of_bits(side) for side in (left, right)):
            raise self._refused(node, "put each comparison in parentheses, or write and, or")
        if self._is_null(left) or self._is_null(right):
            raise self._refused(node, "write NAME is null, or NAME is not null")
        return Compared(self._side(left), SIGNS[type(sign)], self._side(right))

    def _is_null(self, node: ast.expr) -> bool:
        if isinstance(node, ast.Constant):
            return node.value is None
        return isinstance(node, ast.Name) and node.id in NULLS

    def _name(self, node: ast.Name) -> str:
        return self.names.get(node.id, node.id)

    def _values(self, node: ast.expr) -> tuple[Any, ...]:
        if not isinstance(node, ast.List | ast.Tuple | ast.Set):
            raise self._refused(node, "write a list after in, such as ['Female', 'Male']")
        found = [self._side(each) for each in node.elts]
        if any(isinstance(each, Sum) and each.factors for each in found) or not found:
            raise self._refused(node, "write a list of constants, labels in quotes")
        return tuple(_constant(each) for each in found)

    def _side(self, node: ast.expr) -> Side:
        """Returns a constant, or a sum of columns and numbers."""
        if isinstance(node, ast.Name):
            return Sum(((self._name(node), Fraction(1)),))
        if isinstance(node, ast.Constant):
            return self._constant_side(node)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
            return self._sum(node.operand).times(
                Fraction(-1 if isinstance(node.op, ast.USub) else 1)
            )
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub):
            sign = 1 if isinstance(node.op, ast.Add) else -1
            return self._sum(node.left).plus(self._sum(node.right), sign)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult | ast.Div):
            return self._product(node)
        raise self._refused(node, "compare columns, numbers, labels in quotes, and sums of them")

    def _constant_side(self, node: ast.Constant) -> Side:
        value = node.value
        if isinstance(value, (bool, str)):
            return Value(value)
        if isinstance(value, int):
            return Sum((), Fraction(value))
        if isinstance(value, float):
            if value in (float("inf"), float("-inf")):
                raise self._refused(node, "write finite numbers")
            return Sum((), Fraction(ast.unparse(node)))
        raise self._refused(node, "compare with numbers, labels in quotes, or True and False")

    def _sum(self, node: ast.expr) -> Sum:
        side = self._side(node)
        if isinstance(side, Sum):
            return side
        raise self._refused(node, "only columns and numbers can be added or multiplied")

    def _product(self, node: ast.BinOp) -> Sum:
        left, right = self._sum(node.left), self._sum(node.right)
        if isinstance(node.op, ast.Div):
            if right.factors or not right.constant:
                raise self._refused(node, "divide by a number other than 0")
            return left.times(1 / right.constant)
        if left.factors and right.factors:
            raise self._refused(node, "multiply columns by numbers only")
        return left.times(right.constant) if left.factors else right.times(left.constant)


def _is_of_bits(node: ast.BinOp) -> bool:
    return isinstance(node.op, ast.BitAnd | ast.BitOr | ast.BitXor)


def _constant(side: Side) -> Any:
    """Returns the constant of a side without columns."""
    return side.value if isinstance(side, Value) else side.constant
