"""``density.plot``: one method a picture."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

from chainrule.model import Model
from chainrule.plots import calibration, columns, dependence, drawn, pairs, rows, shares


class Plots:
    """Pictures of a density, and of tables beside it.

    Every method returns a matplotlib Axes, and draws on ``ax`` if one is passed. Blue is the model,
    gray are the rows of a table.

    Args:
        model: schema and network.
    """

    def __init__(self, model: Model) -> None:
        self._model = model

    def column(
        self,
        column: Hashable,
        given: Mapping[str, Any] | None = None,
        table: Any = None,
        *,
        ax: Any = None,
    ) -> Any:
        """Draws the distribution of one column, given cells of others.

        The figure has the exact probability of each level, or of each of some 50 bins of numbers or
        dates. With ``given``, the column's distribution without it is drawn faintly behind.

        Args:
            column: its name.
            given: cells that are known, by column.
            table: rows whose shares are drawn in gray. With ``given``, only those that have the
                given cells, if there are at least 20.
            ax: a matplotlib Axes to draw on; by default a new one.

        Raises:
            SchemaError: no such column; a given cell that its column cannot hold.
            EvidenceError: a network of one order, for a column whose marginal it does not know.
            ShapeError: given cells that are no mapping.

        Examples:
            >>> import chainrule as cr, polars as pl
            >>> frame = pl.DataFrame({"a": ["x", "y"] * 50, "b": [1.5, 2.5] * 50})
            >>> density = cr.fit(frame, effort="quick", seed=0, verbose=False)
            >>> axes = density.plot.column("a", given={"b": 2.5})
            >>> axes.get_title("left")
            'a, given b = 2.5'
        """
        return columns.draw(self._model, column, given, table, ax)

    def pair(
        self,
        first: Hashable,
        second: Hashable,
        given: Mapping[str, Any] | None = None,
        table: Any = None,
        *,
        seed: int = 0,
        ax: Any = None,
    ) -> Any:
        """Draws the joint distribution of two columns, by 20,000 rows that the model draws.

        A cell is darker, the more rows it has; its shade is the square root of their share.

        Args:
            first: the name of the horizontal column.
            second: the name of the vertical column.
            given: cells of other columns that are known.
            table: rows that are drawn as dots, at most 1,000 of them.
            seed: decides which rows are drawn.
            ax: a matplotlib Axes to draw on; by default a new one.

        Raises:
            SchemaError: no such column; a given cell that its column cannot hold.
            EvidenceError: a network of one order, for a column whose marginal it does not know.
            ShapeError: given cells that are no mapping.
        """
        return pairs.draw(self._model, first, second, given, table, seed, ax)

    def shares(
        self, column: Hashable, by: Hashable, table: Any = None, *, seed: int = 0, ax: Any = None
    ) -> Any:
        """Draws the shares of a column's values at each value of another column.

        There is a bar for each value of ``by``, or for each fifth of its rows if it has many
        values. Shares are those of 20,000 rows that the model draws.

        Args:
            column: the name of a column of labels, or of at most 12 different numbers.
            by: the name of the other column.
            table: rows whose own shares are drawn as dashes across the bars.
            seed: decides which rows are drawn.
            ax: a matplotlib Axes to draw on; by default a new one.

        Raises:
            SchemaError: no such column; one that has many values; twice the same.
        """
        return shares.draw(self._model, column, by, table, seed, ax)

    def calibration(self, table: Any, *, seed: int = 0, ax: Any = None) -> Any:
        """Draws how often cells lie below each quantile of their conditional distributions.

        If the conditionals are right, a tenth of the cells lies below the 0.1-quantile. Each column
        has a thin line, and all cells together have a thick one; the gray band holds all of the
        thick line in 95 of 100 tables whose cells follow the model. Cells with a probability are
        ranked at random within it. Use rows that were not fitted.

        Args:
            table: rows of the columns that were fitted.
            seed: decides the random ranks.
            ax: a matplotlib Axes to draw on; by default a new one.
        """
        return calibration.draw(self._model, table, seed, ax)

    def row(self, table: Any, row: int, *, ax: Any = None) -> Any:
        """Draws how odd each cell of a row is, with what was expected in its place.

        Bars are the bits of ``oddest``: 10 bits are one cell in a thousand.

        Args:
            table: rows of the columns that were fitted.
            row: the number of the row, from 0 on.
            ax: a matplotlib Axes to draw on; by default a new one.

        Raises:
            ShapeError: the table has no such row, or its number is not whole.
        """
        return rows.draw(self._model, table, row, ax)

    def dependence(self, *, rows: int = 2_000, seed: int = 0, ax: Any = None) -> Any:
        """Draws the mutual information of all pairs of columns; see ``density.dependence``.

        Columns that depend on each other stand together.

        Args:
            rows: how many rows are drawn from the model.
            seed: decides which.
            ax: a matplotlib Axes to draw on; by default a new one.
        """
        return dependence.draw(self._model, rows, seed, ax)

    def drawn(self, table: Any, *, seed: int = 0, ax: Any = None) -> Any:
        """Draws how alike drawn and real rows are, column by column.

        As many rows are drawn as the table has. The accuracy of a column is the share that its bins
        have in common. Gray marks are the accuracies of as many other real rows, by expectation.

        Args:
            table: real rows.
            seed: decides which rows are drawn.
            ax: a matplotlib Axes to draw on; by default a new one.
        """
        return drawn.draw(self._model, table, seed, ax)
