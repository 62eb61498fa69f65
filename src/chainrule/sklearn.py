"""Estimators for scikit-learn: a density, an outlier detector and an imputer over one fitted table.

Tables are arrays or data frames. A frame is taken as it is, with its labels, dates and holes; what is not a frame is checked as
scikit-learn checks arrays, but that NaN is an unknown cell. Each estimator keeps the ``Density`` it fitted in ``density_``,
with all that this answers.
"""

from __future__ import annotations

from collections.abc import Mapping
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

from chainrule.density import Density
from chainrule.errors import ShapeError, whole_number
from chainrule.table import MIN_COUNT, encode, read_table
from chainrule.tasks.calibrate import Calibration, learned, row_log_p
from chainrule.training import FitConfig, fit
from chainrule.training.fit import rows_held_out
from chainrule.training.rows import checked_weight

__all__ = ["DensityEstimator", "Imputer", "OutlierDetector"]

FALSE_ALARMS = 0.01  # of ordinary rows, the share that contamination="auto" calls outliers
LARGEST_SEED = 2**31 - 1
CONTAINERS = (Mapping, list, tuple, set, np.ndarray)  # what no cell of an array of objects may be


class _AbstractTableEstimator(BaseEstimator):
    """What the estimators share: parameters of the fit, and tables checked as scikit-learn expects.

    Each leaf repeats the parameters, since scikit-learn reads them from the signature of a class's own ``__init__``.
    """

    def __init__(
        self,
        *,
        objective: str = "any",
        network: str = "auto",
        effort: str = "standard",
        kinds: Mapping[str, Any] | None = None,
        missing: str = "unknown",
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
        self.min_count = min_count
        self.config = config
        self.time_limit_s = time_limit_s
        self.device = device
        self.random_state = random_state
        self.verbose = verbose

    def __sklearn_tags__(self) -> Any:
        """NaN is a value that is known to be unknown; frames may hold labels."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        return tags

    def _fit_density(self, X: Any, sample_weight: Any = None) -> Any:
        """Fits ``density_`` to a checked table, which is returned."""
        table = self._checked(X, reset=True)
        self.density_: Density = fit(
            table,
            objective=self.objective,
            network=self.network,
            effort=self.effort,
            seed=_seed(self.random_state),
            kinds=self.kinds,
            missing=self.missing,
            min_count=self.min_count,
            sample_weight=_weights(sample_weight, len(table)),
            config=self.config,
            time_limit_s=self.time_limit_s,
            device=self.device,
            verbose=self.verbose,
        )
        return table

    def _checked(self, X: Any, *, reset: bool = False) -> Any:
        """A frame as it is, other tables as an array; its columns are those that were fitted, or are noted at the fit."""
        if not reset:
            check_is_fitted(self)
        if _is_frame(X):
            validate_data(self, X, reset=reset, skip_check_array=True)
            if not len(X):
                raise ShapeError("Found array with 0 sample(s); a minimum of 1 is required: pass rows")
            return X
        table: Any = validate_data(self, X, reset=reset, dtype=None, ensure_all_finite="allow-nan")
        if table.dtype.kind == "O":
            _require_cells(table)
        return table

    def _log_prob(self, X: Any) -> np.ndarray:
        table = self._checked(X)  # first, since it tells whether there was a fit
        return self.density_.log_prob(table)


class DensityEstimator(ClassNamePrefixFeaturesOutMixin, TransformerMixin, DensityMixin, _AbstractTableEstimator):
    """The joint density of a table by the chain rule.

    Args:
        objective: "any", which answers any question, or "likelihood": the best density, of complete rows.
        network: "auto", "nade", "made", "committee" or "orderless".
        effort: "quick", "standard" or "best".
        kinds: the kind of some columns by name; columns of arrays are named x0, x1, ….
        missing: "unknown" or "informative".
        min_count: rows that a level needs to be listed by name, and that any number of the model file is made of.
        config: a ``FitConfig``; what it leaves None follows from effort and table.
        time_limit_s: seconds after which training ends.
        device: "auto", "cpu" or "cuda".
        pool: of the hidden units that ``transform`` gives: "last", "mean", "sum" or "concat".
        random_state: an integer, a RandomState, or None for the system's entropy; numpy's global generator is never read.
        verbose: the assumed kinds and a progress bar on stderr.

    Attributes:
        density_: the fitted ``chainrule.Density``.
        n_features_in_: columns of the table.
        feature_names_in_: their names, where they all are text.

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
        min_count: int = MIN_COUNT,
        config: FitConfig | None = None,
        time_limit_s: float | None = None,
        device: str = "auto",
        pool: str = "last",
        random_state: Any = None,
        verbose: bool = False,
    ) -> None:
        super().__init__(
            objective=objective, network=network, effort=effort, kinds=kinds, missing=missing, min_count=min_count,
            config=config, time_limit_s=time_limit_s, device=device, random_state=random_state, verbose=verbose,
        )  # fmt: skip
        self.pool = pool

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self:
        """Fits the density.

        Args:
            X: a table (N, D): array or data frame.
            y: ignored.
            sample_weight: (N,), how much each row counts.
        """
        self._fit_density(X, sample_weight)
        network, pool = self.density_.model.network, self.pool
        self._n_features_out = _width(network, pool)
        return self

    def score_samples(self, X: Any) -> np.ndarray:
        """log p of each row, (N,) nats; unknown cells are marginalised."""
        return self._log_prob(X)

    def score(self, X: Any, y: Any = None, sample_weight: Any = None) -> float:  # type: ignore[override]
        """The mean of ``score_samples``, nats a row, weighted where there are weights; higher is better."""
        nats = self._log_prob(X)
        return float(np.average(nats, weights=_weights(sample_weight, len(nats))))

    def sample(self, n_samples: int = 1, random_state: Any = None, *, given: Any = None) -> Any:
        """Rows drawn from the density, as the kind of table that was fitted; ``given`` as in ``Density.sample``."""
        check_is_fitted(self)
        return self.density_.sample(n_samples, given=given, seed=_seed(random_state))

    def transform(self, X: Any) -> np.ndarray:
        """Hidden units of each row, (N, F) float64."""
        table = self._checked(X)
        return self.density_.features(table, self.pool)


class OutlierDetector(OutlierMixin, _AbstractTableEstimator):
    """Rows that are rare among rows with the same known cells. Arguments that are not listed are those of ``DensityEstimator``.

    A row's log-likelihood depends on which of its cells are known: a column of small spread adds to it, and a missing cell adds
    nothing. So a row is ranked among rows drawn from the density with the same cells known, and the rank is calibrated by the
    rows that training held out: an ordinary row has a uniform p-value, whatever is missing. That holds where cells are missing
    independently of their values. A row with a cell that its column cannot hold, such as a 2 among bits, is odd by that alone.
    (``missing="informative"`` compares rows in which the same cells are missing, which then may
    depend on the others.)

    Complete rows cost as much as their likelihoods. Every other pattern of known cells in a table costs the likelihoods of some
    hundred to some thousand drawn rows more.

    Args:
        contamination: "auto": rows with a p-value below 0.01 are outliers, a hundredth of ordinary rows. A share above 0 and up
            to 0.5: so many of the training rows are (of weight zero none counts).

    Attributes:
        density_: the fitted ``chainrule.Density``; its ``oddest`` names the cells that make a row unlikely, its ``log_prob`` is
            the plain log-likelihood.
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
        objective: str = "any",
        network: str = "auto",
        effort: str = "standard",
        kinds: Mapping[str, Any] | None = None,
        missing: str = "unknown",
        min_count: int = MIN_COUNT,
        config: FitConfig | None = None,
        time_limit_s: float | None = None,
        device: str = "auto",
        random_state: Any = None,
        verbose: bool = False,
    ) -> None:
        super().__init__(
            objective=objective, network=network, effort=effort, kinds=kinds, missing=missing, min_count=min_count,
            config=config, time_limit_s=time_limit_s, device=device, random_state=random_state, verbose=verbose,
        )  # fmt: skip
        self.contamination = contamination

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self:
        """Fits the density and the threshold.

        Args:
            X: a table (N, D): array or data frame.
            y: ignored.
            sample_weight: (N,), how much each row counts.
        """
        share: Any = self.contamination
        if share != "auto" and not (isinstance(share, Real) and 0 < float(share) <= 0.5):
            raise ValueError(f"contamination = {share!r}: pass 'auto', or a share of the rows above 0 and up to 0.5")
        table = self._fit_density(X, sample_weight)
        weight = _weights(sample_weight, len(table))
        counted = np.arange(len(table)) if weight is None else np.flatnonzero(weight)
        if self.density_.training["calibration"] is None:  # training was too short to make one
            self._calibrate(table, counted, None if weight is None else weight[counted])
        self.offset_ = float(np.log(FALSE_ALARMS))
        if share != "auto":
            self.offset_ = float(np.percentile(self._log_p(table)[counted], 100.0 * float(share)))
        return self

    def score_samples(self, X: Any) -> np.ndarray:
        """The logarithm of each row's p-value, (N,), at most 0: the lower, the odder.

        Among rows with the same known cells the sequence is that of ``density_.log_prob``.
        """
        return self._log_p(self._checked(X))

    def p_values(self, X: Any) -> np.ndarray:
        """The probability of a row that is no likelier, among rows with the same known cells, (N,).

        So p-values of ordinary rows are uniform between 0 and 1: a hundredth of the rows has one below 0.01.
        """
        return np.exp(self.score_samples(X))

    def decision_function(self, X: Any) -> np.ndarray:
        """``score_samples`` less ``offset_``, (N,): below zero for outliers."""
        scores = self.score_samples(X)
        return scores - self.offset_

    def predict(self, X: Any) -> np.ndarray:
        """1 for inliers, −1 for outliers, (N,)."""
        return np.where(self.decision_function(X) < 0, -1, 1)

    def _log_p(self, table: Any) -> np.ndarray:
        spec = self.density_.training.get("calibration")
        return row_log_p(self.density_.model, table, None if spec is None else Calibration.from_json(spec))

    def _calibrate(self, table: Any, counted: np.ndarray, weight: np.ndarray | None) -> None:
        density = self.density_
        held = rows_held_out(len(counted), density.training)
        codes = encode(read_table(table), density.schema, warn=False)
        rows = counted[held]
        found = learned(
            density.model,
            codes.take(rows),
            min_count=self.min_count,
            weight=None if weight is None else weight[held],
        )
        record = {**density.training, "calibration": None if found is None else found.to_json()}
        self.density_ = replace(density, training=record)


class Imputer(OneToOneFeatureMixin, TransformerMixin, _AbstractTableEstimator):
    """Holes filled by what the density holds likely given the other cells of a row.

    Columns that look like ids or free text are not modelled: their holes stay. Arguments that are not listed are those of
    ``DensityEstimator``.

    Args:
        how: "best" (most probable level, median), "mean" (of numbers), or "draw": all holes of a row together.

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
        min_count: int = MIN_COUNT,
        config: FitConfig | None = None,
        time_limit_s: float | None = None,
        device: str = "auto",
        random_state: Any = None,
        verbose: bool = False,
    ) -> None:
        super().__init__(
            objective=objective, network=network, effort=effort, kinds=kinds, missing=missing, min_count=min_count,
            config=config, time_limit_s=time_limit_s, device=device, random_state=random_state, verbose=verbose,
        )  # fmt: skip
        self.how = how

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self:
        """Fits the density of a table, with or without holes.

        Args:
            X: a table (N, D): array or data frame.
            y: ignored.
            sample_weight: (N,), how much each row counts.
        """
        self._fit_density(X, sample_weight)
        return self

    def transform(self, X: Any) -> Any:
        """The table with its holes filled, of the same kind; nothing is fitted anew."""
        table = self._checked(X)
        return self.density_.impute(table, how=self.how, seed=_seed(self.random_state))

    def draws(self, X: Any, n_draws: int = 5, random_state: Any = None) -> list[Any]:
        """Several tables, each with its holes drawn anew: what differs between them is what is not known."""
        table = self._checked(X)
        whole_number(n_draws, "n_draws", least=1, what="how many tables to draw")
        drawn = self.density_.impute(table, how="draw", n_draws=n_draws, seed=_seed(random_state))
        return drawn if n_draws > 1 else [drawn]


def _is_frame(X: Any) -> bool:
    return hasattr(X, "columns") and (hasattr(X, "__dataframe__") or hasattr(X, "to_pandas") or hasattr(X, "iloc"))


def _seed(random_state: Any) -> int | None:
    """The seed of a fit or a draw; None is the system's entropy."""
    if random_state is None or (isinstance(random_state, int | np.integer) and not isinstance(random_state, bool)):
        return None if random_state is None else int(random_state)
    return int(check_random_state(random_state).randint(LARGEST_SEED))


def _weights(sample_weight: Any, rows: int) -> np.ndarray | None:
    """Weights (N,) whose sum is finite and above zero, of a number one for every row."""
    return checked_weight(
        np.full(rows, float(sample_weight)) if isinstance(sample_weight, Real) else sample_weight, rows
    )


def _require_cells(table: np.ndarray) -> None:
    for row in table:
        for cell in row:
            if isinstance(cell, CONTAINERS):
                raise TypeError(f"a cell is a {type(cell).__name__}; argument must be a string or a number")


def _width(network: Any, pool: str) -> int:
    with torch.no_grad():
        blank = torch.tensor([[c.blank for c in network.columns.conditionals]], dtype=torch.float32)
        return int(network.features(blank, pool).shape[1])
