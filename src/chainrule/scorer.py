"""A fitted density that answers by NumPy alone, for processes that should start quickly."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal, Self, overload

import numpy as np
from typing_extensions import override

from chainrule import fileformat
from chainrule.arguments import NO_OPTIONS, POOL_ROWS, QUANTILES
from chainrule.errors import FormatError
from chainrule.table import Schema
from chainrule.tensors.threads import one_thread

if TYPE_CHECKING:
    from chainrule.tasks import Parts


class Scorer:
    """The density in a model file, without PyTorch.

    Its methods are those of ``Density``, with the same arguments. Answers agree to 1e-9, and draws
    of a seed are the same rows. It cannot be trained, and computes in one thread of the CPU: for
    more, start more processes.

    A scorer pickles as the model file's contents, usually a few hundred kB. A process that
    unpickles it imports no PyTorch.

    A model that NumPy cannot answer for, such as one with a conditional of your own, is answered
    for by PyTorch. A warning then says why.

    Args:
        path: a model file.

    Raises:
        FileNotFoundError: there is no such file.
        FormatError: it is truncated, edited, or not a model file of this format.

    Examples:
        >>> import tempfile
        >>> import chainrule as cr
        >>> rows = np.random.default_rng(0).normal(size=(200, 2))
        >>> config = cr.FitConfig(hidden_size=4, epochs=1)
        >>> density = cr.fit(rows, network="nade", seed=0, verbose=False, config=config)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     density.save(f"{folder}/m.chainrule")
        ...     scorer = cr.Scorer(f"{folder}/m.chainrule")
        >>> scorer.log_prob(rows[:3]).shape
        (3,)
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._density = _density_of(fileformat.read(path, kind="model"), os.fspath(path))

    @classmethod
    def of(cls, contents: fileformat.Contents) -> Self:
        """Returns the scorer of the contents of a model file."""
        return cls.over(_density_of(contents, "the model"))

    @classmethod
    def over(cls, density: Any) -> Self:
        """Returns a scorer that asks a density, which may be PyTorch's."""
        scorer = cls.__new__(cls)
        scorer._density = density
        return scorer

    @override
    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return type(self).of, (self._density.contents(),)

    @property
    def schema(self) -> Schema:
        """The columns and what is assumed of them; ``print`` shows one line per column."""
        return self._density.schema

    @property
    def training(self) -> dict[str, Any]:
        """The training record, as JSON; see ``Density``."""
        return self._density.training

    @overload
    def log_prob(
        self, table: Any, parts: Literal[False] = False, *, strict: bool = False
    ) -> np.ndarray: ...

    @overload
    def log_prob(self, table: Any, parts: Literal[True], *, strict: bool = False) -> Parts: ...

    def log_prob(
        self, table: Any, parts: bool = False, *, strict: bool = False
    ) -> np.ndarray | Parts:
        """Returns log p of the known cells of each row, (N,) nats; see ``Density.log_prob``."""
        return self._answer("log_prob", table, parts, strict=strict)

    def score(self, table: Any, *, strict: bool = False) -> float:
        """Returns the mean of ``log_prob``: nats per row, higher is better."""
        return self._answer("score", table, strict=strict)

    def explain(
        self, table: Any, relative: bool = True, *, strict: bool = False, to: Any = None
    ) -> Any:
        """Returns the surprise of each cell in bits; see ``Density.explain``."""
        return self._answer("explain", table, relative, strict=strict, to=to)

    def terms(self, table: Any, *, strict: bool = False) -> Any:
        """Returns −log2 p(cell | cells before it in the order); see ``Density.terms``."""
        return self._answer("terms", table, strict=strict)

    def oddest(self, table: Any, top: int = 20, *, strict: bool = False) -> Any:
        """Returns the oddest cells, oddest first; see ``Density.oddest``."""
        return self._answer("oddest", table, top, strict=strict)

    def proofread(self, table: Any, fdr: float = 0.1, *, strict: bool = False) -> Any:
        """Returns the cells that are probably wrong, surest first; see ``Density.proofread``."""
        return self._answer("proofread", table, fdr, strict=strict)

    def odd_rows(self, table: Any, fdr: float | None = 0.1, *, strict: bool = False) -> Any:
        """Returns the rows that are odd, surest first; see ``Density.odd_rows``."""
        return self._answer("odd_rows", table, fdr, strict=strict)

    def conditional(
        self,
        table: Any,
        column: Hashable,
        *,
        quantiles: Sequence[float] = QUANTILES,
        strict: bool = False,
    ) -> Any:
        """Returns p(column | the rest of each row); see ``Density.conditional``."""
        return self._answer("conditional", table, column, quantiles=quantiles, strict=strict)

    def probability(self, event: Any, given: Any = None, *, draws: int = POOL_ROWS) -> Any:
        """Returns the probability of an event or of several; see ``Density.probability``."""
        return self._answer("probability", event, given, draws=draws)

    def expected_rows(
        self, where: Any, rows: int, given: Any = None, *, draws: int = POOL_ROWS
    ) -> Any:
        """Returns in how many rows to expect an event; see ``Density.expected_rows``."""
        return self._answer("expected_rows", where, rows, given, draws=draws)

    def mean(self, column: Hashable, given: Any = None, *, draws: int = POOL_ROWS) -> Any:
        """Returns the mean of a column given an event; see ``Density.mean``."""
        return self._answer("mean", column, given, draws=draws)

    def quantile(
        self, column: Hashable, q: float, given: Any = None, *, draws: int = POOL_ROWS
    ) -> Any:
        """Returns a quantile of a column given an event; see ``Density.quantile``."""
        return self._answer("quantile", column, q, given, draws=draws)

    def marginal(self, *columns: Hashable) -> Any:
        """Returns p(column), or p(first, second), as a frame; see ``Density.marginal``."""
        return self._answer("marginal", *columns)

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
        """Draws n rows, or writes them to a file; see ``Density.sample``."""
        options = {"temperature": temperature, "seed": seed, "first_row": first_row}
        return self._answer("sample", n, given, **options, rare=rare, other=other, to=to)

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
        """Returns the table with its missing cells filled; see ``Density.impute``."""
        options = {"interval": interval, "first_row": first_row, "strict": strict}
        options |= {"given": given, "to": to}
        return self._answer("impute", table, how, n_draws, seed, **options)

    def answer_schema(
        self,
        task: str,
        table: Any = None,
        *,
        keep: Sequence[str] = (),
        options: Mapping[str, Any] = NO_OPTIONS,
    ) -> Any:
        """Returns the Arrow schema of ``answer_arrow``'s answer; see ``Density.answer_schema``."""
        return self.ask("answer_schema", task, table, keep=keep, options=options)

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
        """Returns a task's answer to an Arrow table or batch; see ``Density.answer_arrow``."""
        how = {"keep": keep, "key": key, "seed": seed, "first_row": first_row, "options": options}
        return self.ask("answer_arrow", table, task, **how)

    def ask(self, task: str, *arguments: Any, **options: Any) -> Any:
        """Returns what a function of ``chainrule.tasks`` returns for the scorer's model.

        Args:
            task: the function's name, such as "tails".
            arguments: its arguments after the model.
            options: its keyword arguments.
        """
        room = type(self._density).__module__.removesuffix("density") + "tasks"
        with _quiet():
            return getattr(import_module(room), task)(self._density.model, *arguments, **options)

    def _answer(self, question: str, *arguments: Any, **options: Any) -> Any:
        with _quiet():
            return getattr(self._density, question)(*arguments, **options)

    @override
    def __repr__(self) -> str:
        return repr(self._density).replace("Density", "Scorer", 1)


def _density_of(contents: fileformat.Contents, name: str) -> Any:
    """Returns the density in the second form of its room, or in the first if it must be."""
    try:
        return import_module("chainrule.without_torch.density").density_of(contents, name)
    except FormatError as error:
        # PyTorch's form may know classes that its users registered. It refuses a wrong file too.
        density = import_module("chainrule.density").density_of(contents, name)
        warnings.warn(
            f"{name}: PyTorch answers, because NumPy cannot: {error}", UserWarning, stacklevel=3
        )
        return density


@contextmanager
def _quiet() -> Iterator[None]:
    """Computes without NumPy's warnings, such as that log 0 is −∞, and in one thread."""
    with one_thread(), np.errstate(all="ignore"):
        yield
