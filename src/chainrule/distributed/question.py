"""One question, as it travels to the workers of an engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chainrule.errors import SchemaError
from chainrule.scorer import Scorer

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Question:
    """A task, who answers it, and how; see ``tasks.answer_arrow``."""

    scorer: Scorer
    task: str
    keep: tuple[str, ...]
    key: str | None
    seed: int
    options: Mapping[str, Any]

    def columns_of(self, names: Sequence[str]) -> list[str]:
        """Returns the columns to read from a frame with these columns, in its order.

        Raises:
            SchemaError: a kept column or the key is not among them, or a name to read repeats.
        """
        for argument, asked in (("keep", self.keep), ("key", [self.key] if self.key else [])):
            for name in asked:
                if name not in names:
                    raise SchemaError(f"{argument} names {name!r}, which is no column of the frame")
        own = {column.name for column in self.scorer.schema.columns_without_flags}
        read = [name for name in names if name in own or name in self.keep or name == self.key]
        for name in read:
            if read.count(name) > 1:
                raise SchemaError(f"the frame has two columns {name!r}; rename one")
        return read

    def schema(self, asked: pa.Schema) -> pa.Schema:
        """Returns the schema of the answers, in which labels are text.

        Args:
            asked: the schema of the frame.

        Raises:
            SchemaError: see ``tasks.answer_schema``.
        """
        how = {"keep": self.keep, "options": self.options}
        return _plain(self.scorer.answer_schema(self.task, asked, **how))

    def answer(self, table: pa.Table) -> pa.Table:
        """Returns the answer to a part of the frame, which has the columns ``columns_of``."""
        how = {"keep": self.keep, "key": self.key, "seed": self.seed, "options": self.options}
        found = self.scorer.answer_arrow(table, self.task, **how)
        return found.cast(_plain(found.schema))


def _plain(schema: pa.Schema) -> pa.Schema:
    """Returns the schema without dictionaries, and with one type of text."""
    import pyarrow as pa

    def plain(kind: pa.DataType) -> pa.DataType:
        if pa.types.is_dictionary(kind):
            kind = kind.value_type
        is_text = pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
        return pa.string() if is_text else kind

    return pa.schema([pa.field(field.name, plain(field.type)) for field in schema])
