"""A page on which findings are accepted, dismissed or edited; it loads nothing from elsewhere."""

from __future__ import annotations

import hashlib
import math
import os
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chainrule.atomic import write_bytes
from chainrule.errors import SchemaError, unknown_choice
from chainrule.html_pages import page_of, within_html
from chainrule.review.cells import as_text, polars_frame
from chainrule.review.patch import text_of
from chainrule.table import read_table
from chainrule.table.files.endings import TEXT_ENDINGS, file_type
from chainrule.table.files.fields import Field, FieldText, field_text
from chainrule.table.files.pipes import is_pipe

NEEDED = ("row", "column", "suggested")
NUMBERS = ("probability", "bits", "q")
TEXTS = ("low", "high", "kind")
MOST_FINDINGS = 5_000  # on a page, the surest
MOST_CHARACTERS = 20_000_000  # of a table that a page holds; larger ones are cleaned by a patch


@dataclass(frozen=True)
class _Names:
    """The names of the table, of the files that the page saves, and what applies the patch."""

    table: str
    clean: str
    patch: str
    command: str

    @classmethod
    def of(cls, name: str, is_file: bool) -> _Names:
        stem = re.sub(r"\.\w+(\.gz)?$", "", name)
        if not is_file:
            stem = re.sub(r"\W+", "-", name).strip("-")
        clean, patch = f"{stem or 'table'}-clean", f"{stem or 'table'}-patch.csv"
        if not is_file:
            return cls(name, f"{clean}.csv", patch, f'chainrule.apply_patch(table, "{patch}")')
        kind = file_type(Path(name))
        ending = ".csv" if kind in TEXT_ENDINGS else kind
        words = ["chainrule", "apply", patch, name, "-o", clean + ending]
        return cls(name, f"{clean}.csv", patch, shlex.join(words))


def write_review(
    findings: Any,
    table: Any,
    path: str | os.PathLike[str],
    *,
    header: bool | None = None,
) -> Path:
    """Writes the page of ``review_page`` to a file, and returns its path."""
    target = Path(path)
    write_bytes(target, review_page(findings, table, header=header).encode())
    return target


def review_page(findings: Any, table: Any, *, header: bool | None = None) -> str:
    """Returns an HTML page on which findings are accepted, dismissed or edited.

    Each finding stands in its row. The page saves the cleaned table as CSV, and a patch for
    ``apply_patch``. Cells that were not accepted stay as they are, to the byte. A table that is no
    text file is saved as the CSV that chainrule writes. If the table has more than 20 million
    characters, the page has only the rows with findings, and saves only the patch.

    Args:
        findings: a polars, pandas or Arrow frame, the surest finding first, with the columns row
            (from 0), column and suggested; also found, probability, low, high, bits, kind and q, if
            it has them. Of several findings in one cell the first counts.
        table: the table that was read: a frame, an array, a ``Table``, or a path.
        header: whether the first line of a text file names the columns.

    Raises:
        SchemaError: a column of the findings is missing, or a finding is in no cell of the table.
    """
    text, name, is_file = _text_of(table, header)
    data, left_off = _data(_listed(findings), text, _Names.of(name, is_file))
    return page_of(
        "chainrule.review",
        scripts=("splice.js", "page.js"),
        data=data,
        left_off=left_off,
        summary=_summary(data, text),
        json=within_html(data),
    )


def _text_of(table: Any, header: bool | None) -> tuple[FieldText, str, bool]:
    """A table as text with fields, its name, and whether that is the name of a file."""
    is_file = isinstance(table, str | os.PathLike)
    if is_file:
        path = Path(table)
        if not is_pipe(path) and file_type(path) in TEXT_ENDINGS:
            return field_text(path, header), path.name, True
    read = read_table(table)
    name = Path(read.source).name if is_file else read.source
    return as_text(polars_frame(read), read.source), name, is_file


def _listed(findings: Any) -> list[dict[str, Any]]:
    """The findings as dictionaries, one for each cell."""
    import narwhals as nw

    frame = nw.from_native(findings, eager_only=True)
    for name in NEEDED:
        if name not in frame.columns:
            raise SchemaError(
                f"the findings: column {name!r} is missing; pass what `proofread` returns"
            )
    once: dict[tuple[int, str], dict[str, Any]] = {}
    for finding in frame.iter_rows(named=True):
        once.setdefault((int(finding["row"]), str(finding["column"])), finding)
    return list(once.values())


def _data(
    findings: Sequence[Mapping[str, Any]], text: FieldText, called: _Names
) -> tuple[dict[str, Any], int]:
    """What the page holds, and how many findings it leaves off."""
    names, shown = text.layout.names, findings[:MOST_FINDINGS]
    is_small = len(text.text) <= MOST_CHARACTERS
    rows = dict(text.rows({int(finding["row"]) for finding in shown}))
    fields = [_field_of(finding, rows, text) for finding in shown]
    data: dict[str, Any] = {
        "name": called.table,
        "table_name": called.clean,
        "patch_name": called.patch,
        "command": called.command,
        "columns": names,
        "separator": text.layout.separator,
        "bom": text.bom,
        "text": text.text if is_small else None,
        "rows": {row: [field.text for field in rows[row]] for row in rows},
        "findings": [
            _finding(finding, names, field.text) | {"field": place}
            for finding, field, place in zip(shown, fields, _places(fields, text.text), strict=True)
        ],
    }
    data["id"] = hashlib.sha256(within_html(data).encode()).hexdigest()[:16]
    return data, len(findings) - len(shown)


def _field_of(
    finding: Mapping[str, Any], rows: Mapping[int, list[Field]], text: FieldText
) -> Field:
    names, row, column = text.layout.names, int(finding["row"]), str(finding["column"])
    if column not in names:
        raise SchemaError(
            f"the findings: {text.source} has no such column; "
            f"{unknown_choice('column', column, names)}"
        )
    if row not in rows:
        raise SchemaError(
            f"the findings: row {row} is not in {text.source}, whose last row is "
            f"{text.count() - 1}; pass the table that was proofread"
        )
    return rows[row][names.index(column)]


def _finding(finding: Mapping[str, Any], names: Sequence[str], old: str) -> dict[str, Any]:
    return {
        "row": int(finding["row"]),
        "column": names.index(str(finding["column"])),
        "old": old,
        "suggested": None if finding["suggested"] is None else text_of(finding["suggested"]),
        **{name: _number(finding.get(name)) for name in NUMBERS},
        **{name: _shown(finding.get(name)) for name in TEXTS},
    }


def _places(fields: Sequence[Field], text: str) -> Iterator[dict[str, Any]]:
    """Where fields stand in the page's text, whose characters have one or two units of 16 bits."""
    offsets = sorted({at for each in fields for at in _ends(each)})
    units, done, at = {}, 0, 0
    for offset in offsets:
        at += len(text[done:offset].encode("utf-16-le")) // 2
        units[offset], done = at, offset
    for each in fields:
        start, first, last, end = (units[offset] for offset in _ends(each))
        yield {"start": start, "first": first, "last": last, "end": end, "quoted": each.quoted}


def _ends(field: Field) -> tuple[int, int, int, int]:
    return field.start, field.first, field.last, field.end


def _shown(value: Any) -> str | None:
    """A value as the page shows it: text as it is, floats with six digits."""
    if isinstance(value, float):
        return f"{value:.6g}" if math.isfinite(value) else None
    return None if value is None else str(value)


def _number(value: Any) -> float | None:
    if isinstance(value, int | float) and math.isfinite(value):
        return float(value)
    return None


def _summary(data: Mapping[str, Any], text: FieldText) -> str:
    found, rows, total = len(data["findings"]), len(data["rows"]), text.count()
    return f"{found:,} finding{'s' * (found != 1)} in {rows:,} of {total:,} rows."
