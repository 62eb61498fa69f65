"""Rules: what a configuration leaves open, from the network, the effort and the size of the table."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from chainrule.errors import ChainruleError
from chainrule.table import Binary, Schema
from chainrule.training import recipes
from chainrule.training.config import FitConfig


@dataclass(frozen=True)
class Effort:
    """How large an orderless network is and how long it trains, at most.

    Attributes:
        hidden_sizes: units of each hidden layer.
        steps: steps of AdamW, on tables of enough rows that epochs are not the limit.
        epochs: passes over the training rows, at most: small tables are not seen more often.
        dropout: of small tables, whose rows are seen so often that they would be learned by heart.
        members: networks whose conditionals are averaged, of small tables.
    """

    hidden_sizes: tuple[int, ...]
    steps: int
    epochs: int
    dropout: float
    members: int


EFFORTS = {
    "quick": Effort((128, 128), 1_500, 100, 0.0, 1),
    "standard": Effort((256, 256), 8_000, 200, 0.2, 3),
    "best": Effort((512, 512), 32_000, 400, 0.2, 3),
}
MEMBER_ROWS = 200, 10_000  # within which there are several members: of fewer a fit takes a second, of more minutes
BATCHES = (32, 512)  # smallest and largest
BATCHES_PER_EPOCH = 40  # as far as those allow
UNITS_PER_ROW = 0.25  # hidden units of a layer, at most, for each training row; at least SMALLEST
SMALLEST = 32
WEIGHT_DECAY = 0.3
DROPOUT_ROWS = 1000  # over the rows is the dropout, at most the effort's
FIXED: dict[str, int | float] = {  # of one-order networks
    "hidden_size": 200,
    "epochs": 100,
    "batch_size": 100,
    "patience": 10,
    "dropout": 0.0,
    "input_dropout": 0.0,
    "members": 1,
    "weight_decay": 1e-2,
}


def resolved(config: FitConfig, network: str, schema: Schema, rows: int, effort: str) -> FitConfig:
    """The configuration with every None filled in, for this network and a table of so many training rows.

    Of one-order networks as ``FitConfig`` says. Of the orderless network: layers as the effort says, but no more than a unit
    for four rows; 40 batches an epoch, of 32 to 512 rows; as many epochs as make the effort's steps; a learning rate of
    2e-3 that falls to zero; a weight decay of 0.3 and, unless the effort is quick, three members for 200 to 10,000 rows and
    dropout of 0.2 for up to 5,000 rows, 0.1 for 10,000 and 0.02 for 50,000; all epochs, and the weights with which the
    learning rate came to rest, unless earlier ones are better by more than two standard errors. It does not stop early: by the
    few validation rows of a small table the best epoch is one of luck, and may be one of the first, in which little is learned.
    ``benchmarks/tables/rules.py`` measures these against their neighbours; 40 batches an epoch follow from its table of
    online_shoppers, where 35 were better by 0.23 nats than the 70 that a rule of 60 gave, in the same number of steps.
    """
    of_nades = network in ("committee", "nade")
    if of_nades and config.hidden_sizes is not None:
        raise ChainruleError(f"hidden_sizes = {list(config.hidden_sizes)}: NADE has one layer; pass hidden_size")
    if network != "orderless" and config.dropout:
        raise ChainruleError(f"dropout = {config.dropout}: only the orderless network has it")
    if network not in ("committee", "orderless") and (config.members or 1) > 1:
        raise ChainruleError(f"members = {config.members}: of NADEs they make a committee; pass network='committee'")
    if network != "committee" and (config.orders or 1) > 1:
        raise ChainruleError(f"orders = {config.orders}: only a committee has several; pass network='committee'")
    if not of_nades and config.input_dropout:
        raise ChainruleError(f"input_dropout = {config.input_dropout}: only NADE and a committee of NADEs have it")
    plain = of_nades and all(isinstance(column, Binary) for column in schema.columns)
    config = replace(
        config,
        order=config.order or "natural",
        activation=config.activation or ("sigmoid" if of_nades else "relu"),
        learning_rate=config.learning_rate or (1e-2 if plain else 2e-3),
    )
    if network != "orderless":
        recipe = recipes.likelihood(rows, effort, config.batch_size) if network == "committee" else {}
        config = _or(_or(config, **recipe), **FIXED)
        require_members(config)
        sizes = None if of_nades else config.hidden_sizes or (config.hidden_size or 0,) * 2
        return replace(config, hidden_sizes=sizes)
    chosen = EFFORTS[effort]
    batch = config.batch_size or batch_size(rows)
    epochs = config.epochs or max(1, min(chosen.epochs, round(chosen.steps * batch / rows)))
    widest = max(SMALLEST, 2 ** round(math.log2(max(1.0, UNITS_PER_ROW * rows))))
    sizes = config.hidden_sizes or (
        (config.hidden_size,) * 2 if config.hidden_size else tuple(min(size, widest) for size in chosen.hidden_sizes)
    )
    return _or(
        replace(config, hidden_sizes=sizes),
        hidden_size=sizes[0],
        batch_size=batch,
        epochs=epochs,
        patience=0,
        members=chosen.members if MEMBER_ROWS[0] <= rows <= MEMBER_ROWS[1] else 1,
        dropout=round(min(chosen.dropout, DROPOUT_ROWS / rows), 3),
        weight_decay=WEIGHT_DECAY,
    )


def require_members(config: FitConfig) -> None:
    """Raises ChainruleError where there are more orders than members."""
    if (config.orders or 1) > (config.members or 1):
        raise ChainruleError(
            f"orders = {config.orders}: there are {config.members or 1} members, and each has one order; pass more members="
        )


def batch_size(rows: int) -> int:
    """A power of two that makes about 40 batches of the rows, within 32 and 512.

    >>> [batch_size(rows) for rows in (100, 4_000, 50_000)]
    [32, 128, 512]
    """
    return min(BATCHES[1], max(BATCHES[0], 2 ** round(math.log2(max(1.0, rows / BATCHES_PER_EPOCH)))))


def _or(config: FitConfig, **values: int | float) -> FitConfig:
    """The configuration with these values where it has None."""
    return replace(config, **{name: value for name, value in values.items() if getattr(config, name) is None})
