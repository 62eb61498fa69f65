"""Estimators for scikit-learn: a density, an outlier detector and an imputer over one fitted table.

Tables are arrays or data frames. A frame is taken as it is, with its labels, dates and missing
cells. Arrays are checked as scikit-learn does, except that NaN is an unknown cell. Each estimator
keeps the ``Density`` it fitted in ``density_``, for all other questions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from numbers import Real
from typing import Any, Self

import numpy as np
import torch
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    DensityMixin,
    OneToOneFeatureMixin,
    OutlierMixin,
    TransformerMixin,
)
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data
from typing_extensions import override

from chainrule.arguments import DEFAULT_TIES, MIN_COUNT
from chainrule.density import Density
from chainrule.errors import ShapeError, whole_number
from chainrule.table import encode, read_table
from chainrule.tasks.calibrate import Calibration, fit_calibration, row_log_p
from chainrule.training import FitConfig, fit
from chainrule.training.groups import Groups
from chainrule.training.rows import checked_weight, rows_held_out
from chainrule.training.time_limit import TimeLimit

__all__ = ["DensityEstimator", "Imputer", "OutlierDetector"]

FALSE_ALARMS = 0.01  # share of ordinary rows that are outliers for contamination="auto"
LARGEST_SEED = 2**31 - 1
CONTAINERS = (Mapping, list, tuple, set, np.ndarray)  # types that a cell may not have


class _AbstractTableEstimator(BaseEstimator):
    """What the estimators share: the parameters of the fit, and scikit-learn's checks of tables.

    Each leaf repeats the parameters, since scikit-learn reads them from the signature of a class's
    own ``__init__``.
    """

    def __init__(
        self,
        *,
        objective: str = "any",
        network: str = "auto",
        effort: str = "standard",
        kinds: Mapping[str, Any] | None = None,
        missing: str = "unknown",
        ties: str | Sequence[str | tuple[str, str]] = DEFAULT_TIES,
        min_count: int = MIN_COUNT,
        config: FitConfig | None = None,
        time_limit_s: float | None = None,
        device: str = "auto",
        random_state: Any = None,
        verbose: bool = False,
    ) -> None:
        self.objective = objective
        self.network = network
        self.effort = effort
        self.kinds = kinds
        self.missing = missing
        self.ties = ties
        self.min_count = min_count
        self.config = config
        self.time_limit_s = time_limit_s
        self.device = device
        self.random_state = random_state
        self.verbose = verbose

    @override
    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        return tags

    def _fit_density(
        self,
        X: Any,
        sample_weight: Any = None,
        groups: Any = None,
        *,
        shared: TimeLimit | None = None,
        fits: int = 1,
    ) -> Any:
        """Checks a table, fits ``density_`` to it, and returns the checked table.

        With ``shared``, it is the next of so many fits that share what is left of this limit.
        """
        table = self._checked(X, reset=True)
        self.density_: Density = fit(
            table,
            objective=self.objective,
            network=self.network,
            effort=self.effort,
            seed=_seed(self.random_state),
            kinds=self.kinds,
            missing=self.missing,
            ties=self.ties,
            min_count=self.min_count,
            sample_weight=_weights(sample_weight, len(table)),
            groups=groups,
            config=self.config,
            time_limit_s=self.time_limit_s if shared is None else shared.of_next(fits),
            device=self.device,
            verbose=self.verbose,
        )
        return table

    def _checked(self, X: Any, *, reset: bool = False) -> Any:
        """Checks a table against the fitted columns, or with ``reset`` notes its columns.

        Frames stay frames.
        """
        if not reset:
            check_is_fitted(self)
        if _is_frame(X):
            validate_data(self, X, reset=reset, skip_check_array=True)
            if not len(X):
                raise ShapeError(
                    "Found array with 0 sample(s); a minimum of 1 is required: pass rows"
                )
            return X
        table: Any = validate_data(self, X, reset=reset, dtype=None, ensure_all_finite="allow-nan")
        if table.dtype.kind == "O":
            _require_cells(table)
        return table

    def _log_prob(self, X: Any) -> np.ndarray:
        table = self._checked(X)  # first, since it raises before a fit
        return self.density_.log_prob(table)


class DensityEstimator(
    ClassNamePrefixFeaturesOutMixin, TransformerMixin, DensityMixin, _AbstractTableEstimator
):
    """The joint density of a table by the chain rule.

    Args:
        objective: "any", which answers any question, or "likelihood", the best density of complete
            rows.
        network: "auto", "nade", "made", "committee" or "orderless".
        effort: "quick", "standard" or "best".
        kinds: the kind of some columns by name; columns of arrays are named x0, x1, ….
        missing: "unknown" or "informative".
        ties: relations between columns, such as gross = net + tax: "auto", "none", or a list of
            those to leave out, each by its text or as a pair of names, as in ``chainrule.fit``.
        min_count: least number of rows that a listed level has, and that any number in the model
            file summarises.
        config: a ``FitConfig``; fields that are None follow from effort and table.
        time_limit_s: seconds that the whole fit may take.
        device: "auto", "cpu" or "cuda".
        pool: which hidden units ``transform`` returns: "last", "mean", "sum" or "concat".
        random_state: an integer, a RandomState, or None for the system's entropy; numpy's global
            generator is never read.
        verbose: show the assumed kinds and a progress bar on stderr.

    Attributes:
        density_: the fitted ``chainrule.Density``.
        n_features_in_: number of columns of the table.
        feature_names_in_: their names, if all are text.

    Examples:
        >>> rows = np.random.default_rng(0).normal(size=(100, 4))
        >>> estimator = DensityEstimator(effort="quick", random_state=0).fit(rows)
        >>> estimator.score_samples(rows).shape
        (100,)
    """

    def __init__(
        self,
        *,
        objective: str = "any",
        network: str = "auto",
        effort: str = "standard",
        kinds: Mapping[str, Any] | None = None,
        missing: str = "unknown",
        ties: str | Sequence[str | tuple[str, str]] = DEFAULT_TIES,
        min_count: int = MIN_COUNT,
        config: FitConfig | None = None,
        time_limit_s: float | None = None,
        device: str = "auto",
        pool: str = "last",
        random_state: Any = None,
        verbose: bool = False,
    ) -> None:
        super().__init__(
            objective=objective, network=network, effort=effort, kinds=kinds, missing=missing,
            ties=ties, min_count=min_count, config=config, time_limit_s=time_limit_s,
            device=device, random_state=random_state, verbose=verbose,
        )  # fmt: skip
        self.pool = pool

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None, groups: Any = None) -> Self:
        """Fits the density.

        Args:
            X: a table (N, D): array or data frame.
            y: ignored.
            sample_weight: weights of the rows, (N,).
            groups: the group of each row, (N,), or the name of a column, which is then set aside.
                Rows that are held out share no group with those that are trained on.
        """
        self._fit_density(X, sample_weight, groups)
        network, pool = self.density_.model.network, self.pool
        self._n_features_out = _width(network, pool)
        return self

    def score_samples(self, X: Any) -> np.ndarray:
        """Returns log p of each row, (N,) nats; unknown cells are marginalised."""
        return self._log_prob(X)

    @override
    def score(self, X: Any, y: Any = None, sample_weight: Any = None) -> float:  # type: ignore[override]
        """Returns the mean of ``score_samples``, nats per row, weighted by ``sample_weight``.

        Higher is better.
        """
        nats = self._log_prob(X)
        return float(np.average(nats, weights=_weights(sample_weight, len(nats))))

    def sample(self, n_samples: int = 1, random_state: Any = None, *, given: Any = None) -> Any:
        """Draws rows from the density, as the kind of table that was fitted.

        ``given`` is as in ``Density.sample``.
        """
        check_is_fitted(self)
        return self.density_.sample(n_samples, given=given, seed=_seed(random_state))

    def transform(self, X: Any) -> np.ndarray:
        """Returns hidden units of each row, (N, F) float64."""
        table = self._checked(X)
        return self.density_.features(table, self.pool)


class OutlierDetector(OutlierMixin, _AbstractTableEstimator):
    """Finds rows that are odd among rows with the same known cells.

    Other arguments are those of ``DensityEstimator``.

    A row is odd if its values lie in tails, given the others and in their columns, or if values
    near them are rare (``chainrule.tasks.oddness``). That depends neither on units nor on whether a
    column's values repeat. A network of one order ranks rows by their likelihood instead.

    How odd rows are depends on which of their cells are known. A row is therefore ranked among rows
    drawn from the density with the same cells known. Held-out rows calibrate the rank, so that an
    ordinary row has a uniform p-value. This holds for any pattern of missing cells, if cells are
    missing independently of their values. With ``missing="informative"``, rows with the same
    missing cells are compared, and missingness may depend on the other cells. A row with a cell
    whose value its column cannot hold, such as a 2 among bits, is odd by that alone.

    Complete rows cost a few times as much as their likelihoods. Every other pattern of known cells
    in a table costs as much as some hundred to some thousand rows more.

    Args:
        contamination: "auto" calls rows with a p-value below 0.01 outliers, which is one in a
            hundred ordinary rows. A number above 0 and up to 0.5 is the share of the training rows
            that are outliers; rows of weight zero do not count.
        trim: the share of the training rows, the oddest, without which the density is fitted once
            more, from 0 (no second fit) to 0.5. A table that holds many outliers teaches them less
            then; 0.25 suits it. These rows still count for p-values and for contamination.

    Attributes:
        density_: the fitted ``chainrule.Density``. Its ``odd_rows`` names the cells that make a row
            odd, and its ``log_prob`` is the plain log-likelihood.
        offset_: logarithm of the p-value below which a row is an outlier.
        n_features_in_, feature_names_in_: the columns of the table.

    Examples:
        >>> rows = np.random.default_rng(0).normal(size=(100, 2))
        >>> detector = OutlierDetector(effort="quick", random_state=0).fit(rows)
        >>> detector.predict([[0.0, 0.0], [40.0, -40.0], [40.0, np.nan]])
        array([ 1, -1, -1])
    """

    def __init__(
        self,
        *,
        contamination: float | str = "auto",
        trim: float = 0.0,
        objective: str = "any",
        network: str = "auto",
        effort: str = "standard",
        kinds: Mapping[str, Any] | None = None,
        missing: str = "unknown",
        ties: str | Sequence[str | tuple[str, str]] = DEFAULT_TIES,
        min_count: int = MIN_COUNT,
        config: FitConfig | None = None,
        time_limit_s: float | None = None,
        device: str = "auto",
        random_state: Any = None,
        verbose: bool = False,
    ) -> None:
        super().__init__(
            objective=objective, network=network, effort=effort, kinds=kinds, missing=missing,
            ties=ties, min_count=min_count, config=config, time_limit_s=time_limit_s,
            device=device, random_state=random_state, verbose=verbose,
        )  # fmt: skip
        self.contamination = contamination
        self.trim = trim

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None, groups: Any = None) -> Self:
        """Fits the density and the threshold.

        Args:
            X: a table (N, D): array or data frame.
            y: ignored.
            sample_weight: weights of the rows, (N,).
            groups: the group of each row, (N,), or the name of a column, which is then set aside.
                Rows that are held out share no group with those that are trained on.
        """
        share: Any = self.contamination
        if share != "auto" and not (isinstance(share, Real) and 0 < float(share) <= 0.5):
            raise ValueError(
                f"contamination = {share!r}: pass 'auto', or a share of the rows above 0 and up to "
                "0.5"
            )
        if not (isinstance(self.trim, Real) and 0 <= float(self.trim) <= 0.5):
            raise ValueError(f"trim = {self.trim!r}: pass a share of the rows from 0 to 0.5")
        shared = None
        if self.trim and isinstance(self.time_limit_s, Real):
            shared = TimeLimit(float(self.time_limit_s))
        table = self._fit_density(X, sample_weight, groups, shared=shared, fits=2)
        weight = _weights(sample_weight, len(table))
        counted = np.arange(len(table)) if weight is None else np.flatnonzero(weight)
        if number := int(float(self.trim) * len(counted)):
            self._fit_trimmed(X, table, counted, weight, groups, number, shared)
        elif self.density_.training["calibration"] is None:  # training was too short for one
            rows = self._held_out(table, counted, groups)
            self._calibrate(table, rows, None if weight is None else weight[rows])
        self.offset_ = float(np.log(FALSE_ALARMS))
        if share != "auto":
            self.offset_ = float(np.percentile(self._log_p(table)[counted], 100.0 * float(share)))
        return self

    def score_samples(self, X: Any) -> np.ndarray:
        """Returns the logarithm of each row's p-value, (N,), at most 0; lower is odder."""
        return self._log_p(self._checked(X))

    def p_values(self, X: Any) -> np.ndarray:
        """Returns the probability of a row as odd or odder, (N,), among rows with the same known
        cells.

        P-values of ordinary rows are uniform between 0 and 1: one in a hundred is below 0.01.
        """
        return np.exp(self.score_samples(X))

    def decision_function(self, X: Any) -> np.ndarray:
        """Returns ``score_samples`` minus ``offset_``, (N,): below zero for outliers."""
        scores = self.score_samples(X)
        return scores - self.offset_

    def predict(self, X: Any) -> np.ndarray:
        """Returns 1 for inliers and −1 for outliers, (N,)."""
        return np.where(self.decision_function(X) < 0, -1, 1)

    def _log_p(self, table: Any) -> np.ndarray:
        spec = self.density_.training.get("calibration")
        return row_log_p(
            self.density_.model, table, None if spec is None else Calibration.from_json(spec)
        )

    def _fit_trimmed(
        self,
        X: Any,
        table: Any,
        counted: np.ndarray,
        weight: np.ndarray | None,
        groups: Any,
        number: int,
        shared: TimeLimit | None,
    ) -> None:
        """Fits the density again without so many of the oddest of the rows that count.

        The calibration knows these rows: each counts for itself, and the held-out rows of the
        second fit for all others.
        """
        order = np.argsort(self._log_p(table)[counted], kind="stable")
        trimmed, kept = counted[order[:number]], np.sort(counted[order[number:]])
        weights = np.ones(len(table)) if weight is None else weight
        is_kept = np.isin(np.arange(len(table)), kept)
        self._fit_density(X, np.where(is_kept, weights, 0.0), groups, shared=shared)
        held = self._held_out(table, kept, groups)
        share = weights[kept].sum() / weights[held].sum()
        rows = np.concatenate([held, trimmed])
        weight = np.concatenate([share * weights[held], weights[trimmed]])
        self._calibrate(table, rows, weight, held_out=len(held))

    def _held_out(self, table: Any, counted: np.ndarray, groups: Any) -> np.ndarray:
        """Returns the numbers of the rows that the last fit held out of those that counted."""
        together = Groups.of(groups, read_table(table))
        together = None if together is None else together.take(counted)
        return counted[rows_held_out(len(counted), self.density_.training, together)]

    def _calibrate(
        self,
        table: Any,
        rows: np.ndarray,
        weight: np.ndarray | None,
        *,
        held_out: int | None = None,
    ) -> None:
        """Calibrates p-values with some rows, of which so many were held out; by default all."""
        density = self.density_
        codes = encode(read_table(table), density.schema, warn=False).take(rows)
        found = fit_calibration(density.model, codes, min_count=self.min_count, weight=weight)
        if found is not None and held_out is not None:
            found = replace(found, rows=held_out)
        record = {**density.training, "calibration": None if found is None else found.to_json()}
        self.density_ = replace(density, training=record)


class Imputer(OneToOneFeatureMixin, TransformerMixin, _AbstractTableEstimator):
    """Fills missing cells with what the density predicts from the other cells of the row.

    Columns of ids or free text are not modelled, and their missing cells stay missing. Other
    arguments are those of ``DensityEstimator``.

    Args:
        how: "best" (most probable level, median), "mean" (for numbers), or "draw": all missing
            cells of a row jointly.

    Attributes:
        density_: the fitted ``chainrule.Density``.
        n_features_in_, feature_names_in_: the columns of the table.

    Examples:
        >>> x = np.random.default_rng(0).normal(size=(200, 1))
        >>> rows = np.hstack([x, x])
        >>> imputer = Imputer(effort="quick", random_state=0).fit(rows)
        >>> bool(abs(imputer.transform([[1.0, np.nan]])[0, 1] - 1) < 0.5)
        True
    """

    def __init__(
        self,
        *,
        how: str = "best",
        objective: str = "any",
        network: str = "auto",
        effort: str = "standard",
        kinds: Mapping[str, Any] | None = None,
        missing: str = "unknown",
        ties: str | Sequence[str | tuple[str, str]] = DEFAULT_TIES,
        min_count: int = MIN_COUNT,
        config: FitConfig | None = None,
        time_limit_s: float | None = None,
        device: str = "auto",
        random_state: Any = None,
        verbose: bool = False,
    ) -> None:
        super().__init__(
            objective=objective, network=network, effort=effort, kinds=kinds, missing=missing,
            ties=ties, min_count=min_count, config=config, time_limit_s=time_limit_s,
            device=device, random_state=random_state, verbose=verbose,
        )  # fmt: skip
        self.how = how

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None, groups: Any = None) -> Self:
        """Fits the density of a table, with or without missing cells.

        Args:
            X: a table (N, D): array or data frame.
            y: ignored.
            sample_weight: weights of the rows, (N,).
            groups: the group of each row, (N,), or the name of a column, which is then set aside.
                Rows that are held out share no group with those that are trained on.
        """
        self._fit_density(X, sample_weight, groups)
        return self

    def transform(self, X: Any) -> Any:
        """Returns the table with its missing cells filled, of the same kind; nothing is fitted."""
        table = self._checked(X)
        return self.density_.impute(table, how=self.how, seed=_seed(self.random_state))

    def draws(self, X: Any, n_draws: int = 5, random_state: Any = None) -> list[Any]:
        """Returns several tables with independently drawn missing cells.

        Their differences show the uncertainty.
        """
        table = self._checked(X)
        whole_number(n_draws, "n_draws", least=1, what="how many tables to draw")
        drawn = self.density_.impute(table, how="draw", n_draws=n_draws, seed=_seed(random_state))
        return drawn if n_draws > 1 else [drawn]


def _is_frame(X: Any) -> bool:
    return hasattr(X, "columns") and (
        hasattr(X, "__dataframe__") or hasattr(X, "to_pandas") or hasattr(X, "iloc")
    )


def _seed(random_state: Any) -> int | None:
    """Returns the seed of a fit or a draw; None is the system's entropy."""
    if random_state is None or (
        isinstance(random_state, int | np.integer) and not isinstance(random_state, bool)
    ):
        return None if random_state is None else int(random_state)
    return int(check_random_state(random_state).randint(LARGEST_SEED))


def _weights(sample_weight: Any, rows: int) -> np.ndarray | None:
    """Returns weights (N,) with a finite sum above zero.

    A single number is the weight of every row.
    """
    return checked_weight(
        np.full(rows, float(sample_weight)) if isinstance(sample_weight, Real) else sample_weight,
        rows,
    )


def _require_cells(table: np.ndarray) -> None:
    for row in table:
        for cell in row:
            if isinstance(cell, CONTAINERS):
                raise TypeError(
                    f"a cell is a {type(cell).__name__}; argument must be a string or a number"
                )


def _width(network: Any, pool: str) -> int:
    with torch.no_grad():
        blank = torch.tensor(
            [[c.placeholder for c in network.columns.conditionals]], dtype=torch.float32
        )
        return int(network.features(blank, pool).shape[1])
