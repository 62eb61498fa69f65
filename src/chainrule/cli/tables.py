"""What commands read and write: tables by path or by the name of a data set, results to stdout or a
file.

What reads a table is imported when one is read, so that a command refuses a wrong argument at once.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer

from chainrule import datasets, fileformat
from chainrule.atomic import write_bytes
from chainrule.cli import shown
from chainrule.cli.checks import STDIN, cells_of, event_in, is_dataset, require_table
from chainrule.errors import ChainruleError, SchemaError, printable_lines, unknown_choice
from chainrule.plain_json import plain_json
from chainrule.table.files.pipes import copied, is_pipe, named_as
from chainrule.table.files.several import files_of

if TYPE_CHECKING:
    from chainrule.table import Reading, Schema, Table

TABLE_HELP = (
    "A .npy, .npz, .csv, .tsv, .txt, .data (also .gz) or .parquet file, the name of a data set, or "
    "- for standard input. For score, explain, impute and fit also a folder of such text files or "
    "of Parquet files."
)
OUTPUT_HELP = (
    "File to write (.csv, .npy, .npz or .parquet), or an empty folder for a file for each part; "
    "default: CSV on stdout."
)
FRAME_HELP = (
    "File to write (.csv or .parquet), or an empty folder for a file for each part; default: CSV "
    "on stdout."
)
WORKERS_HELP = "Processes that answer, each with one thread and a copy of the model."
GLOB_HELP = "Take the name of the table for a pattern of files, such as 'part-*.parquet'."
KIND_HELP = (
    "NAME=KIND (repeatable): binary, categorical, integer, real, datetime or 'leave out'. Its "
    "options follow after commas: a scale (linear, log, symlog, logit, quantile) and bounds, as "
    "real,log, integer,0..120 or datetime,2020-01-01.. (no last day)."
)
STRICT_HELP = (
    "Refuse cells whose values their columns cannot hold, such as a 2 among bits or text among "
    "numbers."
)
DECIMAL_HELP = "Decimal mark of numbers in text: . or , (repeatable as NAME=MARK, for one column)."
THOUSANDS_HELP = "Thousands separator in text, such as . or , (repeatable as NAME=MARK)."
DATE_FORMAT_HELP = "Format of dates, such as %d/%m/%Y (repeatable as NAME=FORMAT)."
NA_VALUES_HELP = (
    "Words, separated by commas, that also mean a missing cell; with '' only empty cells are "
    "missing, so that NA is a label (repeatable as NAME=WORDS)."
)
GROUPS_HELP = (
    "Column whose equal cells mark rows that belong together, as customer: a split divides no "
    "group, and the column is not modelled."
)
HEADER_HELP = (
    "Whether a text file begins with column names (default: yes, unless its first line could be a "
    "row)."
)

# Arguments and options of several commands.
ModelArgument = Annotated[Path, typer.Argument(help="A model file.")]
TableArgument = Annotated[str, typer.Argument(help=TABLE_HELP)]
SplitOption = Annotated[
    str | None, typer.Option(help="Split of a data set, or array of an .npz file (default: test).")
]
HeaderOption = Annotated[bool | None, typer.Option("--header/--no-header", help=HEADER_HELP)]
DecimalOption = Annotated[list[str] | None, typer.Option("--decimal", help=DECIMAL_HELP)]
ThousandsOption = Annotated[list[str] | None, typer.Option("--thousands", help=THOUSANDS_HELP)]
DateFormatOption = Annotated[list[str] | None, typer.Option("--date-format", help=DATE_FORMAT_HELP)]
NaValuesOption = Annotated[list[str] | None, typer.Option("--na-values", help=NA_VALUES_HELP)]
GroupsOption = Annotated[str | None, typer.Option(metavar="COLUMN", help=GROUPS_HELP)]
OutputOption = Annotated[Path | None, typer.Option("--output", "-o", help=OUTPUT_HELP)]
GlobOption = Annotated[bool, typer.Option("--glob", help=GLOB_HELP)]
WorkersOption = Annotated[int, typer.Option("--workers", help=WORKERS_HELP)]
StrictOption = Annotated[bool, typer.Option("--strict", help=STRICT_HELP)]
FrameOption = Annotated[Path | None, typer.Option("--output", "-o", help=FRAME_HELP)]

OUTPUT_TYPES = (".csv", ".npy", ".npz", ".parquet")
FRAME_TYPES = (".csv", ".parquet")  # for results with text
STDIN_NAME = "standard input"


def table_of(
    text: str,
    split: str | None,
    *,
    usual: str | None = None,
    header: bool | None = None,
    reading: Reading | None = None,
) -> Table:
    """Returns the table that a command line names: a file, an array of an .npz file, a split of a
    data set, or standard input.

    Args:
        text: a path, the name of a data set, or "-".
        split: the named array or split.
        usual: the default among several.
        header: whether a text file begins with names; None decides by its first line.
        reading: what the user specified about how it is written.
    """
    from chainrule.table import array_names, read_table

    require_table(text, split)
    if text == STDIN:
        with _standard_input() as path:
            return replace(read_table(path, header=header, reading=reading), source=STDIN_NAME)
    path = Path(text)
    if not path.exists():  # a data set
        split = split or usual or "test"
        loaded = datasets.load(text)
        table = read_table(getattr(loaded, split), source=f"{text} ({split})", reading=reading)
        return table if loaded.columns is None else replace(table, names=loaded.columns, named=True)
    if path.suffix.lower() == ".npz":
        return read_table(
            path, array=split or (usual if usual in array_names(path) else None), reading=reading
        )
    return read_table(path, header=header, reading=reading)


def chunks_of(
    text: str,
    split: str | None = None,
    *,
    usual: str = "test",
    header: bool | None = None,
    reading: Reading | None = None,
    glob: bool = False,
) -> Iterator[Table]:
    """Yields the table of ``table_of`` in chunks, one in memory at a time, if it is CSV or Parquet.

    Files of a folder, or of a pattern with ``glob``, follow one another. Other tables are one
    chunk.
    """
    from chainrule.table import read_chunks

    require_table(text, split, glob=glob)
    if text != STDIN and (paths := files_of(text, glob=glob)) is not None:
        yield from read_chunks(paths, header=header, reading=reading)
    elif text == STDIN:
        with _standard_input() as path:
            for chunk in read_chunks(path, header=header, reading=reading):
                yield replace(chunk, source=STDIN_NAME)
    elif Path(text).suffix.lower() == ".npz" or not Path(text).exists() or split is not None:
        yield table_of(text, split, usual=usual, header=header, reading=reading)
    else:
        yield from read_chunks(text, header=header, reading=reading)


@contextmanager
def _standard_input() -> Iterator[Path]:
    """Yields the path of a copy of standard input, with the ending of its type.

    Messages name standard input instead.
    """
    if sys.stdin.isatty():
        print("reading a table from the keyboard; ctrl-D ends it", file=sys.stderr)
    path, folder = copied(sys.stdin.buffer, "stdin")
    with named_as(str(path), STDIN_NAME):
        yield path
    del folder  # the copy exists until here


def training_tables(
    text: str, valid: str | None, header: bool | None = None, reading: Reading | None = None
) -> tuple[Table, Table | None]:
    """Returns training and validation rows.

    For a data set or an .npz file these are ``train`` and ``valid``, never the test rows.
    """
    from chainrule.table import array_names, read_table_lazily

    path = Path(text)
    is_file = text != STDIN and path.exists() and path.suffix.lower() != ".npz"
    if is_file:
        train = read_table_lazily(path, header=header, reading=reading)
    else:
        train = table_of(text, None, usual="train", header=header, reading=reading)
    if valid is not None:
        return train, table_of(valid, None, usual="valid", header=header, reading=reading)
    if text == STDIN:
        return train, None
    has_valid = not path.exists()  # a data set by name has validation rows
    if path.exists() and path.suffix.lower() == ".npz":
        has_valid = "valid" in array_names(path)
    return train, table_of(text, "valid", reading=reading) if has_valid else None


def kinds_of(options: list[str] | None) -> dict[str, dict[str, Any]]:
    """Returns the kinds that --kind NAME=KIND names, by column, with their options."""
    if not options:
        return {}
    from chainrule.table.inference.infer import checked_kind

    kinds: dict[str, dict[str, Any]] = {}
    for text in options:
        name, sign, kind = text.rpartition("=")
        if not sign:
            raise ChainruleError(f"--kind {text}: pass NAME=KIND, as zip=categorical")
        kinds[name] = checked_kind(_kind_with_options(text, kind), name)
    return kinds


def _kind_with_options(text: str, kind: str) -> dict[str, Any]:
    """Returns a kind and its options: a scale, and bounds written LEAST..MOST, either may lack."""
    from chainrule.table import Datetime

    found: dict[str, Any] = {}
    found["kind"], *options = kind.split(",")
    for option in options:
        if ".." not in option:
            found["scale"] = option
            continue
        ends = [end.strip() for end in option.split("..")]
        if len(ends) != 2 or not any(ends):
            raise ChainruleError(f"--kind {text}: write bounds as 0..1, 0.. or ..1")
        for bound, end in zip(("least", "most"), ends, strict=True):
            if end:
                found[bound] = end if found["kind"] == Datetime.kind else _number(text, end)
    return found


def _number(text: str, written: str) -> float | str:
    """Returns a bound as a number; or as text, such as 08:00, which the column's notation reads."""
    try:
        return int(written)
    except ValueError:
        pass
    try:
        return float(written)
    except ValueError as error:
        if any(map(str.isdecimal, written)):
            return written
        raise ChainruleError(f"--kind {text}: the bound {written!r} is no number") from error


def reading_of(
    decimal: list[str] | None,
    thousands: list[str] | None,
    date_format: list[str] | None,
    na_values: list[str] | None,
) -> Reading:
    """Returns what --decimal, --thousands, --date-format and --na-values specify."""
    from chainrule.table import Reading

    words = {name: text.split(",") for name, text in _by_column(na_values).items()}
    return Reading.from_options(
        decimal=_by_column(decimal),
        thousands=_by_column(thousands),
        date_format=_by_column(date_format),
        na_values=words,
    )


def completed(reading: Reading, schema: Schema) -> Reading:
    """Returns what the options specify, and the rest as a model's schema has it."""
    reading.require_names(schema.table_names, "the model")
    return reading.over(schema.reading)


def _by_column(options: list[str] | None) -> dict[str | None, str]:
    """Returns VALUE and NAME=VALUE by name; the name None stands for all other columns."""
    split = [text.rpartition("=") for text in options or []]
    return {
        name or None: f"{sign}{value}" if sign and not name else value
        for name, sign, value in split
    }


def split_table(
    text: str, header: bool | None = None, reading: Reading | None = None
) -> Table | datasets.Dataset:
    """Returns the table that a command line names, or a data set if that has splits of its own.

    These are a data set by name, or an .npz file with the arrays train, valid and test.
    """
    from chainrule.table import array_names, read_table

    path = Path(text)
    if not path.exists() and is_dataset(text):
        return datasets.load(text)
    is_npz = path.suffix.lower() == ".npz" and path.exists()
    if is_npz and set(datasets.SPLITS) <= set(array_names(path)):
        train, valid, test = (
            np.column_stack(read_table(path, array=split).columns) for split in datasets.SPLITS
        )
        return datasets.Dataset(path.name, train, valid, test)
    return table_of(text, None, usual="train", header=header, reading=reading)


def given_table(
    given: Sequence[str], header: bool | None = None, reading: Reading | None = None
) -> Table:
    """Returns the given cells that a command line names: one file, or NAME=VALUE once per cell."""
    from chainrule.table import Reading, Table

    if (cells := cells_of(given)) is None:
        return table_of(given[0], None, usual="test", header=header, reading=reading)
    names, values = zip(*cells, strict=True)
    columns = tuple(np.array([value], dtype=object) for value in values)
    return Table(names, columns, "--given", named=True, reading=reading or Reading())


def require_given_names(given: Sequence[str], model: Path) -> None:
    """Raises SchemaError if --given NAME=VALUE names a column that a model file has not.

    Only the file's header tells, so that no network is loaded for a misspelt name.
    """
    if not given or event_in(given) is not None or cells_of(given) is None or is_pipe(model):
        return
    from chainrule.table import Schema
    from chainrule.table.codes import checked_positions

    content = fileformat.read(model, kind="model").content
    try:
        schema = Schema.from_json(content["model"]["schema"])
    except (LookupError, TypeError, ValueError):
        return  # loading the model says what is wrong with the file
    checked_positions(given_table(given), schema, warn=False, fine=())


def require_named(table: Table, kinds: Mapping[str, Any], groups: str | None) -> None:
    """Raises SchemaError if --kind or --groups names a column that a table has not."""
    from chainrule.table.frames.column_index import find
    from chainrule.table.inference.infer import checked_kinds

    checked_kinds(kinds, table)
    if groups is not None and (name := find(groups, table.names, table.index)) not in table.names:
        raise SchemaError(f"{table.source}: groups: {unknown_choice('column', name, table.names)}")


def write_frames(frames: Iterator[Any], output: Path | None) -> None:
    """Writes polars frames as CSV to stdout, each when it is ready, or to a file of the type its
    name ends with.

    A terminal shows control characters by their escapes. The frames have the same columns. The file
    appears only when complete.
    """
    from chainrule.table import csv_chunks, write_chunks, write_parts
    from chainrule.table.files.numpy_files import write_npy

    if output is not None and output.is_dir():
        write_parts(output, frames)
    elif output is None:
        is_seen = shown.terminal_width() is not None  # programs get every character as it is
        for text in csv_chunks(frames):
            sys.stdout.write(printable_lines(text) if is_seen else text)
            sys.stdout.flush()
    elif output.suffix in (".csv", ".parquet"):
        write_chunks(output, frames)
    else:
        parts = (_numbers(frame, output) for frame in frames)
        if output.suffix == ".npy":
            write_npy(output, parts)
            return
        buffer = io.BytesIO()
        np.savez_compressed(buffer, rows=np.concatenate(list(parts)))
        write_bytes(output, buffer.getvalue())


def _numbers(frame: Any, output: Path) -> np.ndarray:
    """Returns a polars frame as an array of numbers, since .npy and .npz hold nothing else."""
    for name, dtype in frame.schema.items():
        if not (dtype.is_numeric() or str(dtype) == "Boolean"):
            raise ChainruleError(
                f"{output}: column {name!r} holds {dtype}, no numbers; end the name with .csv or "
                ".parquet"
            )
    return frame.to_numpy()


def give_frames(frames: Iterator[Any], output: Path | None, as_json: bool) -> None:
    """Writes frames with ``write_frames``.

    With --json it prints one JSON object, and writes only to a file that is named.
    """
    if as_json:
        whole = joined(frames)
        print_json(as_lists(whole))
        frames = iter([whole])
    if output is not None or not as_json:
        write_frames(frames, output)


def give_cells(cells: Any, output: Path | None, as_json: bool, show: Callable[[Any], None]) -> None:
    """Writes a frame of cells: as a list of JSON objects, to a file, or as a table.

    A terminal gets the table that ``show`` prints, if no file is named. Otherwise CSV is printed.
    """
    if as_json:
        print_json(cells.to_dicts())
    if output is None and not as_json and shown.terminal_width() is not None:
        show(cells)
    elif output is not None or not as_json:
        write_frames(iter([cells]), output)


def joined(frames: Iterator[Any]) -> Any:
    """Concatenates polars frames."""
    import polars as pl

    return pl.concat(list(frames), how="vertical_relaxed")


def as_lists(frame: Any) -> dict[str, list[Any]]:
    """Returns the columns of a polars frame as lists, for ``print_json``."""
    return frame.to_dict(as_series=False)


def print_json(value: Any) -> None:
    """Prints one JSON value on stdout; numbers that are not finite become null."""
    print(plain_json(value), flush=True)
