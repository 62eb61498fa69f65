"""The fitted density of a table: it answers questions, saves and loads."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, overload

import numpy as np
import torch
from typing_extensions import override

from chainrule import fileformat, plain_html, tasks
from chainrule.arguments import NO_OPTIONS, POOL_ROWS
from chainrule.errors import ChainruleError, FormatError, printable
from chainrule.headline import headline
from chainrule.model import Model
from chainrule.rows_or_codes import RowsOrCodes
from chainrule.table import Schema
from chainrule.version import version

if TYPE_CHECKING:
    from anywidget import AnyWidget

    from chainrule.plots import Plots
    from chainrule.scorer import Scorer


OF_GROUPS = (
    "the fit had groups of rows, but p-values take rows as independent: compare one row of each "
    "group, or drift is found too often"
)


@dataclass(frozen=True, repr=False)
class Density:
    """The joint density of a table.

    It takes frames, arrays and paths, and answers in the table's own terms.

    Attributes:
        model: schema and network. The network reads codes; ``codes`` encodes a table and ``table``
            decodes.
        training: the training record, as JSON: configuration, seed, rows, history per epoch, and
            the calibration of rows' probabilities, and the figures of held-out rows.
        seconds: the duration of the fit; not saved, so that the same seed gives the same file to
            the byte.

    Examples:
        >>> import chainrule as cr
        >>> rows = np.array([[0, 0], [0, 0], [1, 1], [1, 1], [1, 0]] * 40)
        >>> config = cr.FitConfig(hidden_size=4, epochs=20)
        >>> density = cr.fit(rows, network="nade", seed=0, verbose=False, config=config)
        >>> every = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
        >>> round(float(np.exp(density.log_prob(every, strict=True)).sum()), 6)
        1.0
        >>> density.sample(3, given={"x0": 0}, seed=0).tolist()
        [[0, 0], [0, 0], [0, 0]]
        >>> density.conditional(every, "x1").shape  # the probabilities of 0 and 1, of each row
        (4, 2)
    """

    model: Model
    training: Mapping[str, Any] = field(default_factory=dict)
    seconds: float | None = None

    def __post_init__(self) -> None:
        # Warns if rows of the table are passed to the network instead of codes.
        self.model.network.look = RowsOrCodes(self.model.schema)

    @property
    def schema(self) -> Schema:
        """The columns and what is assumed of them; ``print`` shows one line per column."""
        return self.model.schema

    @overload
    def log_prob(
        self, table: Any, parts: Literal[False] = False, *, strict: bool = False
    ) -> np.ndarray: ...

    @overload
    def log_prob(
        self, table: Any, parts: Literal[True], *, strict: bool = False
    ) -> tasks.Parts: ...

    def log_prob(
        self, table: Any, parts: bool = False, *, strict: bool = False
    ) -> np.ndarray | tasks.Parts:
        """Returns log p of the known cells of each row, (N,) float64, nats.

        Args:
            table: frame, array or path with the columns that were fitted. NaN, None, pd.NA and NaT
                are unknown cells. An absent column is unknown, with a warning.
            parts: return two arrays, ``mass`` and ``density``, whose sum is log p. They are the
                terms of cells with a probability, and of those with a density in the table's units.
            strict: refuse cells whose values their columns cannot hold (a 2 among bits, text among
                numbers), and reserve no probability for them. Otherwise such a cell has a small
                one, ε = 1 / (rows of the column + 1); see ``tasks.score``.
        """
        if parts:
            return tasks.score_parts(self.model, table, strict=strict)
        return tasks.score(self.model, table, strict=strict)

    def score(self, table: Any, *, strict: bool = False) -> float:
        """Returns the mean of ``log_prob``: nats per row, higher is better."""
        return float(self.log_prob(table, strict=strict).mean())

    def explain(
        self, table: Any, relative: bool = True, *, strict: bool = False, to: Any = None
    ) -> Any:
        """Returns how much more surprising each cell is than expected, in bits.

        The frame has the table's shape. ``relative=False`` returns the surprise itself. See
        ``tasks.explain``.
        """
        return tasks.explain(self.model, table, relative=relative, strict=strict, to=to)

    def terms(self, table: Any, *, strict: bool = False) -> Any:
        """Returns −log2 p(cell | cells before it in the order), as a frame of the table's shape.

        Each row sums to −log2 p(row).
        """
        return tasks.terms(self.model, table, strict=strict)

    def oddest(self, table: Any, top: int = 20, *, strict: bool = False) -> Any:
        """Returns the oddest cells, oddest first, each with what was likely instead.

        See ``tasks.oddest``.
        """
        return tasks.oddest(self.model, table, top=top, strict=strict)

    def proofread(self, table: Any, fdr: float = 0.1, *, strict: bool = False) -> Any:
        """Returns the cells that are probably wrong, surest first, with what they should be.

        See ``tasks.proofread``. ``chainrule.proofread`` fits a table and proofreads it.
        """
        return tasks.proofread(self.model, table, fdr=fdr, strict=strict)

    def odd_rows(self, table: Any, fdr: float | None = 0.1, *, strict: bool = False) -> Any:
        """Returns the rows that are odd, surest first, with the cells that make them odd.

        See ``tasks.odd_rows``.

        Examples:
            >>> import chainrule as cr
            >>> rng = np.random.default_rng(0)
            >>> rows = rng.normal(size=(400, 1)) + 0.1 * rng.normal(size=(400, 2))
            >>> density = cr.fit(rows, effort="quick", seed=0, verbose=False)
            >>> odd = density.odd_rows(np.array([[1.0, 1.0], [2.0, -2.0]]))
            >>> odd["row"].to_list()
            [1]
        """
        spec = self.training.get("calibration")
        calibration = None if spec is None else tasks.Calibration.from_json(spec)
        return tasks.odd_rows(self.model, table, calibration, fdr=fdr, strict=strict)

    def drift(self, table: Any, reference: Any = None, *, fail_under: float = 0.01) -> tasks.Drift:
        """Returns whether a table differs from a reference, and in what.

        By default the reference is the rows that the fit held out, whose figures the model file
        keeps. See ``tasks.drift``.

        Args:
            table: frame, array or path with the columns that were fitted.
            reference: rows to compare with, such as yesterday's table.
            fail_under: ``found`` is true if the joint p-value is below this number. So tables
                without drift are called drift with at most this probability, if rows are
                independent. Of rows in groups, compare one row of each group.

        Raises:
            ChainruleError: no reference, and a model file without such figures.

        Examples:
            >>> import chainrule as cr
            >>> rows = np.random.default_rng(0).normal(size=(600, 2))
            >>> rows[:, 1] += rows[:, 0]
            >>> config = cr.FitConfig(hidden_size=4, epochs=2)
            >>> density = cr.fit(rows, network="nade", seed=0, verbose=False, config=config)
            >>> density.drift(rows[:300]).found
            False
            >>> found = density.drift(rows[:300] * [1, -1])  # the same columns, but opposed
            >>> found.found, found.named[0].columns, found.named[0].change
            (True, 'x0 and x1', 'dependence')
        """
        spec = self.training.get("drift")
        held_out = None if spec is None else tasks.HeldOutFigures.from_json(spec)
        found = tasks.drift(self.model, table, reference, held_out=held_out, fail_under=fail_under)
        if self.training.get("groups"):
            found = replace(found, notes=(*found.notes, OF_GROUPS))
        return found

    def conditional(
        self,
        table: Any,
        column: Hashable,
        *,
        quantiles: Sequence[float] = tasks.QUANTILES,
        strict: bool = False,
    ) -> Any:
        """Returns probabilities of a column's levels, or quantiles of its numbers, for each row.

        They are given the rest of the row; see ``tasks.conditional``.
        """
        return tasks.conditional(self.model, table, column, quantiles=quantiles, strict=strict)

    def probability(self, event: Any, given: Any = None, *, draws: int = POOL_ROWS) -> Any:
        """Returns the probability of an event, with its standard error; of a list, those of each.

        See ``tasks.probability`` for how it is found.

        Args:
            event: words such as "age > 60 and sex == 'Female'", a polars expression, or a dict of
                sets, intervals (low, high) and values; or a list of these.
            given: an event that is known to hold, in the same forms.
            draws: how many rows are drawn once, for all questions that are not summed exactly.

        Raises:
            SchemaError: an unknown column or label, or words that are not understood.
            ChainruleError: a condition that has no probability.

        Examples:
            >>> import chainrule as cr
            >>> rows = np.array([[0, 0], [0, 0], [1, 1], [1, 1], [1, 0]] * 40)
            >>> config = cr.FitConfig(hidden_size=4, epochs=20)
            >>> density = cr.fit(rows, network="nade", seed=0, verbose=False, config=config)
            >>> found = density.probability("x0 == 1 or x1 == 1")
            >>> expected = 1 - np.exp(density.log_prob(np.array([[0, 0]]), strict=True)[0])
            >>> found.method, bool(abs(found.value - expected) < 1e-6)
            ('exact', True)
            >>> density.probability({"x1": 1}, given="x0 == 0").method
            'exact'
        """
        return tasks.probability(self.model, event, given=given, draws=draws)

    def expected_rows(
        self, where: Any, rows: int, given: Any = None, *, draws: int = POOL_ROWS
    ) -> tasks.Interval:
        """Returns how many of so many rows an event is expected to hold in, with an interval.

        See ``tasks.expected_rows``.
        """
        return tasks.expected_rows(self.model, where, rows=rows, given=given, draws=draws)

    def mean(
        self, column: Hashable, given: Any = None, *, draws: int = POOL_ROWS
    ) -> tasks.Interval:
        """Returns the mean of a column given an event, with an interval; see ``tasks.mean``.

        Examples:
            >>> import chainrule as cr
            >>> rows = np.random.default_rng(0).normal(size=(400, 2)).round(1)
            >>> rows[:, 1] += rows[:, 0]
            >>> density = cr.fit(rows, effort="quick", seed=0, verbose=False)
            >>> found = density.mean("x1", given="x0 > 1")
            >>> found.low < found.value < found.high, found.value > density.mean("x1").value
            (True, True)
            >>> density.quantile("x1", 0.9).value > density.quantile("x1", 0.5).value
            True
        """
        return tasks.mean(self.model, column, given=given, draws=draws)

    def quantile(
        self, column: Hashable, q: float, given: Any = None, *, draws: int = POOL_ROWS
    ) -> tasks.Interval:
        """Returns a quantile of a column given an event, with an interval.

        See ``tasks.quantile``.
        """
        return tasks.quantile(self.model, column, q, given=given, draws=draws)

    def marginal(self, *columns: Hashable) -> Any:
        """Returns p(column), or p(first, second), as a frame with a row for each value or pair.

        See ``tasks.marginal``.
        """
        return tasks.marginal(self.model, *columns)

    def dependence(
        self, *, given: Sequence[Hashable] = (), rows: int = 2_000, seed: int = 0
    ) -> Any:
        """Returns how much each pair of columns says about each other, in bits, most bits first.

        With ``given``, columns by name, it is what these do not say already. See
        ``tasks.dependence``.
        """
        return tasks.dependence(self.model, given=given, rows=rows, seed=seed)

    @property
    def plot(self) -> Plots:
        """Pictures: ``density.plot.column("Age")``; see ``plots.Plots``."""
        from chainrule.plots import Plots

        return Plots(self.model)

    def view(self, table: Any = None, *, shape: Sequence[int] | None = None) -> AnyWidget:
        """Returns a page to play with the model, as a widget that a notebook shows.

        For a model that takes any evidence, each column has a field and its distribution given all
        other known cells. For a NADE over bits, it is the page on which the network draws a picture
        pixel by pixel. ``chainrule view`` shows both in a browser.

        Args:
            table: rows that the page can open, of a model that takes any evidence.
            shape: height and width of the picture, for a NADE over bits. By default it is a square,
                or as near to one as the columns allow.

        Raises:
            EvidenceError: a table, for a network of one order.
            ImportError: anywidget is not installed; ``pip install anywidget``.
            SchemaError: a table without the model's columns, or a network that has no page.
            ShapeError: a shape, for a model that draws no picture; or one that does not hold its
                columns.

        Examples:
            >>> import chainrule as cr
            >>> bits = np.array([[1, 0, 1, 1], [0, 1, 0, 1]] * 20)
            >>> config = cr.FitConfig(hidden_size=4, epochs=1)
            >>> density = cr.fit(bits, network="nade", seed=0, verbose=False, config=config)
            >>> density.view(shape=(2, 2))
            View of the page 'A network that draws one pixel at a time'
        """
        from chainrule.widget import widget_of

        return widget_of(self.model, table, shape=shape, training=self.training)

    def sample(
        self,
        n: int,
        given: Any = None,
        *,
        temperature: float = 1.0,
        seed: int | None = None,
        first_row: int = 0,
        rare: str = "other",
        other: str | None = None,
        to: str | os.PathLike[str] | None = None,
    ) -> Any:
        """Draws n rows, as the kind of table that was fitted, or writes them to a file, chunk by
        chunk.

        Args:
            n: number of rows.
            given: cells to keep: a dict of one value per column, or a table of one row or n rows
                with missing cells. Or an event, as for ``probability``: words such as
                "age > 60 and sex == 'Female'", an expression, or a dict with sets or intervals.
            temperature: 1 samples the model; towards 0 each step takes its most probable value.
            seed: makes the draw reproducible: a row's draws depend on the seed and on the row's
                number alone.
            first_row: the number of the first row, if several calls draw parts of one table.
            rare: what becomes of labels too rare to be listed. "other" draws them as often as the
                model says, without a name; "omit" draws rows given that they have none, so that
                frequent labels become more frequent.
            other: the text for a rare label; by default such cells are empty.
            to: a path of CSV or Parquet to write to, which is returned.
        """
        return tasks.sample(
            self.model,
            n,
            given=given,
            temperature=temperature,
            seed=seed,
            first_row=first_row,
            rare=rare,
            other=other,
            to=to,
        )

    def impute(
        self,
        table: Any,
        how: str = "draw",
        n_draws: int = 1,
        seed: int | None = None,
        *,
        interval: float | None = None,
        first_row: int = 0,
        strict: bool = False,
        given: Any = None,
        to: str | os.PathLike[str] | None = None,
    ) -> Any:
        """Returns the table with its missing cells filled.

        Known cells keep every bit (see ``tasks.impute``).

        Args:
            table: rows with missing cells.
            how: "draw" (all missing cells of a row jointly), "best" (most probable level, median)
                or "mean".
            n_draws: how many tables to draw; more than one come as a list.
            seed: makes draws reproducible: a row's draws depend on the seed and on the row's number
                alone.
            interval: a probability such as 0.9. The result is then (table, low, high), with the
                interval ends of each filled number. Their levels are those that held as many
                numbers of held-out rows.
            first_row: the number of the table's first row, if it is a part of a larger one.
            strict: refuse cells whose values their columns cannot hold, instead of leaving them as
                they are.
            given: an event that holds in every filled row, as for ``probability``.
            to: a path of CSV or Parquet to write to; a file is then read, filled and written in
                chunks.
        """
        return tasks.impute(
            self.model,
            table,
            how=how,
            n_draws=n_draws,
            interval=interval,
            levels=tasks.IntervalLevels.of_record(self.training),
            seed=seed,
            first_row=first_row,
            strict=strict,
            given=given,
            to=to,
        )

    def report(
        self,
        table: Any,
        path: str | os.PathLike[str],
        *,
        new: Any = None,
        seed: int = 0,
        verbose: bool = True,
    ) -> Path:
        """Writes a page about a table, and returns its path.

        The page is one HTML file that loads nothing from elsewhere. It leads with findings: drift
        of new rows, cells that are probably wrong, odd rows, missing cells filled with intervals,
        and which columns depend on each other. Below are each column real and by the model,
        calibration, drawn rows beside real ones, and what was assumed.

        Args:
            table: rows of the columns that were fitted.
            path: the file to write, such as "report.html".
            new: rows that are compared with the table.
            seed: decides which rows are drawn.
            verbose: show a progress bar on stderr.

        Raises:
            SchemaError: a table without rows, or without the model's columns.
        """
        from chainrule.table_report import write_report

        return write_report(
            self.model,
            table,
            path,
            training=self.training,
            new=new,
            seed=seed,
            verbose=verbose,
        )

    def codes(self, table: Any) -> np.ndarray:
        """Returns the codes of a table, (N, D) float64 with NaN where unknown; see ``tasks.codes``.

        ``model.network`` takes codes, never rows of the table. In a binary column, code 0 is the
        more frequent value. Numbers are standardised or counted in steps.

        Examples:
            >>> import chainrule as cr
            >>> rows = np.array([[1, 0], [1, 0], [1, 1], [0, 0]] * 20)
            >>> config = cr.FitConfig(hidden_size=4, epochs=1)
            >>> density = cr.fit(rows, network="nade", seed=0, verbose=False, config=config)
            >>> density.codes(rows[:4]).tolist()
            [[0.0, 0.0], [0.0, 0.0], [0.0, 1.0], [1.0, 0.0]]
            >>> nats = density.model.network.log_prob(torch.from_numpy(density.codes(rows)))
            >>> expected = density.log_prob(rows, strict=True)
            >>> bool(np.allclose(nats.detach().numpy(), expected, atol=1e-5))
            True
            >>> bool((density.table(density.codes(rows)) == rows).all())
            True
        """
        return tasks.codes(self.model, table)

    def table(self, codes: Any) -> Any:
        """Returns the rows of codes (N, D), as the kind of table that was fitted.

        See ``tasks.table``.

        It is the inverse of ``codes``, and decodes what ``model.network.sample`` draws. Unknown
        cells, unlisted labels and values that a column cannot hold become missing cells.
        """
        return tasks.table(self.model, codes)

    def features(self, table: Any, pool: str = "last", *, strict: bool = False) -> np.ndarray:
        """Returns a representation of each row, (N, F) float64: hidden units of the network.

        See ``tasks.features``.
        """
        return tasks.features(self.model, table, pool=pool, strict=strict)

    def answer_schema(
        self,
        task: str,
        table: Any = None,
        *,
        keep: Sequence[str] = (),
        options: Mapping[str, Any] = NO_OPTIONS,
    ) -> Any:
        """Returns the Arrow schema of ``answer_arrow``'s answer; see ``tasks.answer_schema``."""
        return tasks.answer_schema(self.model, task, table, keep=keep, options=options)

    def answer_arrow(
        self,
        table: Any,
        task: str,
        *,
        keep: Sequence[str] = (),
        key: str | None = None,
        seed: int | None = 0,
        first_row: int = 0,
        options: Mapping[str, Any] = NO_OPTIONS,
    ) -> Any:
        """Returns a task's answer to an Arrow table or batch, for parts of large tables.

        See ``tasks.answer_arrow``.
        """
        how = {"keep": keep, "key": key, "seed": seed, "first_row": first_row, "options": options}
        return tasks.answer_arrow(self.model, table, task, **how)

    def compare(self, other: Density, table: Any) -> tasks.Comparison:
        """Returns by how many nats per row this density is better than another on a table.

        The result has the standard error; see ``tasks.compare``.
        """
        return tasks.compare(self.model, other.model, table)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes a model file, which appears only when complete and holds no row of the table."""
        fileformat.write(path, self.contents())

    def contents(self) -> fileformat.Contents:
        """Returns what ``save`` writes: JSON and arrays, from which ``density_of`` rebuilds it."""
        content = {"model": self.model.to_json(), "training": dict(self.training)}
        return fileformat.Contents("model", content, self.model.arrays(), version())

    def scorer(self) -> Scorer:
        """Returns a copy that answers the same questions by NumPy alone, without PyTorch.

        It is small to pickle, and a process that unpickles it imports no PyTorch. See ``Scorer``.

        Examples:
            >>> import chainrule as cr
            >>> rows = np.random.default_rng(0).normal(size=(200, 2))
            >>> config = cr.FitConfig(hidden_size=4, epochs=1)
            >>> density = cr.fit(rows, network="nade", seed=0, verbose=False, config=config)
            >>> scorer = density.scorer()
            >>> bool(np.allclose(scorer.log_prob(rows), density.log_prob(rows), rtol=0, atol=1e-9))
            True
        """
        from chainrule.scorer import Scorer

        return Scorer.of(self.contents())

    @override
    def __repr__(self) -> str:
        kinds = Counter(column.kind for column in self.schema.columns)
        columns = ", ".join(f"{count} {kind}" for kind, count in kinds.items())
        lines = [f"Density of {columns} columns by {type(self.model.network).__name__}"]
        if (reached := headline(self.training, digits=2, each="a row")) is not None:
            lines.append(f"validation: {reached}")
            lines.append(
                f"trained on {self.training.get('train_rows', 0):,} rows, "
                f"{len(self.training.get('history', ()))} epochs, seed {self.training.get('seed')}"
            )
        if self.schema.left_out:
            names = [printable(out.name) for out in self.schema.left_out]
            lines.append(f"left out: {', '.join(names[:6])}{', …' if len(names) > 6 else ''}")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        return plain_html.paragraph(repr(self)) + self.schema._repr_html_()


def load(path: str | os.PathLike[str], device: str | torch.device = "cpu") -> Density:
    """Returns the density in a model file.

    Raises:
        FileNotFoundError: there is no such file.
        FormatError: it is truncated, edited, or not a model file of this format.
    """
    density = density_of(fileformat.read(path, kind="model"), os.fspath(path))
    density.model.network.to(device)
    return density


def density_of(contents: fileformat.Contents, name: str) -> Density:
    """Returns the density in the contents of a model file; messages call the file ``name``.

    Raises:
        FormatError: the contents do not describe a density.
    """
    try:
        model = Model.from_parts(contents.content.get("model", {}), contents.arrays)
    except ChainruleError as error:
        raise FormatError(f"{name}: {error}") from error
    training = contents.content.get("training", {})
    if not isinstance(training, dict):
        raise FormatError(f"{name}: the training record is not an object")
    kinds = {
        "calibration": tasks.Calibration,
        "drift": tasks.HeldOutFigures,
        "intervals": tasks.IntervalLevels,
    }
    for key, kind in kinds.items():
        if training.get(key) is not None:
            try:
                kind.from_json(training[key])
            except FormatError as error:
                raise FormatError(f"{name}: {error}") from error
    return Density(model, training)
