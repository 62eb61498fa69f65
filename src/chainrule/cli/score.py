"""``chainrule score``: the log-likelihood of each row of a table."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from functools import partial
from typing import Annotated, Any

import numpy as np
import typer

from chainrule.cli.checks import (
    require_model,
    require_table,
    require_workers,
    require_writable,
)
from chainrule.cli.shown import say
from chainrule.cli.tables import (
    OUTPUT_TYPES,
    DateFormatOption,
    DecimalOption,
    GlobOption,
    HeaderOption,
    ModelArgument,
    NaValuesOption,
    OutputOption,
    SplitOption,
    StrictOption,
    TableArgument,
    ThousandsOption,
    WorkersOption,
    chunks_of,
    completed,
    print_json,
    reading_of,
    write_frames,
)

NAME = "score"
EXAMPLES = """\b
Examples:
  chainrule score m.chainrule test.csv -o nats.csv
  chainrule score m.chainrule digits --split test --json
  zcat rows.csv.gz | chainrule score m.chainrule - > nats.csv
"""


def run(
    model: ModelArgument,
    table: TableArgument,
    split: SplitOption = None,
    glob: GlobOption = False,
    workers: WorkersOption = 1,
    header: HeaderOption = None,
    strict: StrictOption = False,
    decimal: DecimalOption = None,
    thousands: ThousandsOption = None,
    date_format: DateFormatOption = None,
    na_values: NaValuesOption = None,
    output: OutputOption = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print mean, standard error and rows as JSON.")
    ] = False,
) -> None:
    """Print log p of each row, in nats. Empty cells are unknown, and the score is the marginal of
    the known cells.

    CSV and Parquet are read, scored and written in chunks, so that a table of any length fits in
    memory.
    """
    if output is not None:
        require_writable(output, OUTPUT_TYPES, inputs=(model, table), parts=True)
    require_workers(workers)
    require_model(model)
    require_table(table, split, glob=glob)
    reading = reading_of(decimal, thousands, date_format, na_values)

    import polars as pl

    from chainrule.cli.models import scorer_for
    from chainrule.cli.workers import ask
    from chainrule.table import Sink

    load = partial(scorer_for, model, table, glob=glob)
    scorer, mean, scored = load(), _Mean(), []
    chunks = chunks_of(
        table,
        split,
        header=header,
        reading=completed(reading, scorer.schema),
        glob=glob,
    )

    def numbered(frames: Iterator[Any]) -> Iterator[Any]:
        start = 0
        for frame in frames:
            nats = frame["log_prob"].to_numpy()
            mean.add(nats)
            if as_json:
                scored.append(nats)
            yield pl.DataFrame({"row": np.arange(start, start + len(frame)), "log_prob": nats})
            start += len(frame)

    def write(frames: Iterator[Any]) -> None:
        if as_json and output is None:
            deque(numbered(frames), maxlen=0)
        else:
            write_frames(numbered(frames), output)

    ask(
        scorer, "score", chunks, Sink(write, as_text=False), workers=workers, load=load,
        strict=strict,
    )  # fmt: skip
    if as_json:
        figures = {"rows": mean.rows, "mean": mean.value, "standard_error": mean.error}
        print_json(figures | {"log_prob": np.concatenate(scored).tolist()})
    if mean.rows:
        spread = "" if mean.error is None else f" ± {mean.error:.4f}"
        say(f"{mean.rows} rows, mean log-likelihood {mean.value:.4f}{spread} nats")


class _Mean:
    """The mean of numbers that come in parts, and its standard error."""

    def __init__(self) -> None:
        self.rows, self._sum, self._squares = 0, 0.0, 0.0

    def add(self, numbers: np.ndarray) -> None:
        """Adds numbers (n,)."""
        if not len(numbers):
            return
        rows = self.rows + len(numbers)
        with np.errstate(invalid="ignore"):  # a row that is impossible has −∞
            mean = float(numbers.mean())
            self._squares += float(((numbers - mean) ** 2).sum())
            if self.rows:
                apart = mean - self._sum / self.rows
                self._squares += apart**2 * self.rows * len(numbers) / rows
            self._sum += float(numbers.sum())
        self.rows = rows

    @property
    def value(self) -> float | None:
        """The mean; None of no numbers."""
        return self._sum / self.rows if self.rows else None

    @property
    def error(self) -> float | None:
        """Its standard error; None of fewer than two numbers."""
        rows = self.rows
        return (self._squares / (rows - 1) / rows) ** 0.5 if rows > 1 else None
