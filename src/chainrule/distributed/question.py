"""One question, as it travels to the workers of an engine."""

from __future__ import annotations

import pickle
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
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
        import pyarrow as pa

        found = self.scorer.answer_schema(self.task, asked, keep=self.keep, options=self.options)
        return pa.schema([_plain(field) for field in found])

    def answer(self, table: pa.Table, schema: pa.Schema | None = None) -> pa.Table:
        """Returns the answer to a part of the frame, in the types of ``schema``.

        Args:
            table: rows with the columns ``columns_of``.
            schema: by default ``self.schema(table.schema)``.
        """
        found = self.scorer.answer_arrow(
            table,
            self.task,
            keep=self.keep,
            key=self.key,
            seed=self.seed,
            options=self.options,
        )
        return found.cast(self.schema(table.schema) if schema is None else schema)

    def packed(self) -> bytes:
        """Returns the question as bytes, from which ``unpacked`` makes it once a process."""
        return pickle.dumps(self)


@lru_cache(maxsize=4)
def unpacked(content: bytes) -> Question:
    """Returns the question that ``Question.packed`` packed."""
    return pickle.loads(content)


def _plain(field: pa.Field) -> pa.Field:
    import pyarrow as pa

    kind = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
    if pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        kind = pa.string()
    return pa.field(field.name, kind)
