"""Latent trees: their fit by expectation maximisation, and how many of them join a mixture."""

from __future__ import annotations

import torch

from chainrule.networks.latent_tree import Counts, LatentTree
from chainrule.networks.order_search import dependence_tree
from chainrule.progress import progress_bar
from chainrule.rng import generator_from
from chainrule.training.batches import Rows, count_batches, shuffled_batches
from chainrule.training.mixture import Mixture, log_prob_of
from chainrule.training.state import copy_of_weights

STATES = (8, 16, 32)  # of the first tree, of the second, …; the last number is that of all others
SMOOTHING = 0.1  # pseudo-counts of each distribution
# The rate at which the counts of a batch replace earlier ones falls from the first to the last
# value: stepwise EM (Liang & Klein, "Online EM for Unsupervised Models", NAACL 2009).
RATES = 0.5, 0.1
BATCH_ROWS = 100, 1000  # the least and the largest number of rows in a batch
BATCHES = 20  # in an epoch, within these limits
EPOCHS = 3, 60  # the least and the largest number
WORK = 1_200_000_000  # rows · columns · states · epochs of a tree, within the limits of epochs
OVERHEAD = 3000  # rows · states for which a column of a batch takes as long as without any
PATIENCE = 5  # epochs without a better validation likelihood, after which the fit ends
TREE_ROWS = 50_000  # at most so many rows decide which columns are neighbours


def fit_latent_tree(
    tree: LatentTree,
    train_rows: Rows,
    valid_rows: Rows,
    *,
    epochs: int,
    generator: torch.Generator,
    smoothing: float = SMOOTHING,
    progress: bool = False,
) -> torch.Tensor:
    """Fits the probabilities of a tree by stepwise expectation maximisation.

    The tree gets those of the epoch with the largest likelihood of validation rows.

    Args:
        tree: a tree with random probabilities.
        train_rows: complete rows to fit.
        valid_rows: complete rows that choose the epoch.
        epochs: the largest number of passes over the training rows.
        generator: the source of the batches.
        smoothing: as for ``LatentTree.maximise``.
        progress: a progress bar on stderr if it is a terminal.

    Returns:
        log p of each validation row, (M,) float64 nats.

    Examples:
        >>> rows = Rows(torch.tensor([[0.0, 0.0], [1.0, 1.0]]).repeat(50, 1))
        >>> tree = LatentTree(2, states=4, generator=generator_from(0))
        >>> nats = fit_latent_tree(tree, rows, rows, epochs=50, generator=generator_from(0))
        >>> bool(nats.mean() > -0.8)
        True
    """
    frequency = smoothed_frequency(train_rows)
    size = batch_rows(len(train_rows))
    steps, step, since_best = epochs * count_batches(len(train_rows), size), 0, 0
    best, best_logs, counts = copy_of_weights(tree), log_prob_of(tree, valid_rows), None
    with progress_bar("a latent tree", steps, progress=progress) as advance:
        for _ in range(epochs):
            for batch in shuffled_batches(train_rows, size, generator):
                rate = RATES[0] * (RATES[1] / RATES[0]) ** (step / steps)
                found = counts_of(tree, batch, train_rows.count)
                counts = found if counts is None else moved(counts, found, rate)
                tree.maximise(counts, frequency, smoothing)
                step += 1
                advance(1)
            logs, since_best = log_prob_of(tree, valid_rows), since_best + 1
            if valid_rows.total(logs) > valid_rows.total(best_logs):
                best, best_logs, since_best = copy_of_weights(tree), logs, 0
            if since_best == PATIENCE:
                break
    tree.load_state_dict(best)
    return best_logs


def add_latent_trees(
    mixture: Mixture,
    train_rows: Rows,
    valid_rows: Rows,
    *,
    most: int,
    seed: int,
    progress: bool = False,
) -> None:
    """Adds latent trees to a mixture, one more as long as each gains on validation rows.

    Args:
        mixture: of networks over binary columns.
        train_rows: complete rows to fit trees to.
        valid_rows: complete rows that choose the epoch.
        most: the largest number of trees.
        seed: the seed of the trees.
        progress: a progress bar on stderr if it is a terminal.
    """
    generator, parents, columns = generator_from(seed), None, mixture.network.columns
    for number in range(most):
        states = STATES[min(number, len(STATES) - 1)]
        parents = parents or dependence_tree(_evenly(train_rows.x, TREE_ROWS))
        tree = LatentTree(
            columns, states, parents=parents, order=mixture.order, generator=generator
        ).to(train_rows.x.dtype)
        tree.initialize_from(train_rows.x)
        epochs = epochs_of(len(train_rows), len(columns), states)
        fit_latent_tree(
            tree, train_rows, valid_rows, epochs=epochs, generator=generator, progress=progress
        )
        if not mixture.joined_by(tree.eval(), states=states):
            break


def batch_rows(rows: int) -> int:
    """The number of rows in a batch of a table of so many rows.

    >>> batch_rows(500), batch_rows(5000), batch_rows(500_000)
    (100, 250, 1000)
    """
    least, most = BATCH_ROWS
    return min(most, max(least, rows // BATCHES))


def epochs_of(rows: int, columns: int, states: int) -> int:
    """How many epochs a tree gets, by the work of one.

    >>> epochs_of(1_600, 180, 8), epochs_of(180_092, 64, 8), epochs_of(290_000, 60, 32)
    (60, 9, 3)
    """
    batches = count_batches(rows, batch_rows(rows))
    least, most = EPOCHS
    return min(most, max(least, WORK // (columns * (rows * states + batches * OVERHEAD))))


def smoothed_frequency(rows: Rows) -> torch.Tensor:
    """How frequent 1 is in each column, (D,), strictly between 0 and 1."""
    weight = torch.ones(len(rows)) if rows.weight is None else rows.weight
    return (weight.to(rows.x.dtype) @ rows.x + 0.5) / (rows.count + 1)


def counts_of(tree: LatentTree, batch: Rows, count: float) -> Counts:
    """The expected counts of a batch, scaled to so many rows."""
    found, scale = tree.expected_counts(batch.x, batch.weight), count / batch.count
    return Counts(found.states * scale, found.values * scale, found.nats * scale)


def moved(counts: Counts, found: Counts, rate: float) -> Counts:
    """The counts, moved by a share of the way towards those that were found."""
    return Counts(
        counts.states.lerp(found.states, rate),
        counts.values.lerp(found.values, rate),
        counts.nats + rate * (found.nats - counts.nats),
    )


def _evenly(x: torch.Tensor, most: int) -> torch.Tensor:
    """At most so many rows of x (N, D), evenly spaced."""
    return x[:: -(-len(x) // most)]
