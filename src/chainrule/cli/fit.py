"""``chainrule fit``: from a table to a model file."""

from __future__ import annotations

import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from chainrule.cli.shown import say
from chainrule.cli.tables import (
    HEADER_HELP,
    KIND_HELP,
    TABLE_HELP,
    kinds_of,
    print_json,
    require_writable,
    training_tables,
)
from chainrule.errors import ChainruleError
from chainrule.fileformat import MAGIC
from chainrule.headline import headline

if TYPE_CHECKING:
    from chainrule.density import Density

NAME = "fit"
EXAMPLES = """\b
Examples:
  chainrule fit table.csv -o m.chainrule --kind zip=categorical
  chainrule fit train.csv --valid valid.csv -o m.chainrule --hidden-size 500 --epochs 20 --seed 0
  chainrule fit train.csv -o m.chainrule --seed 0 --resume
  chainrule fit red-wine -o wine.chainrule --network orderless --conditional logistic
"""


def run(
    table: Annotated[str, typer.Argument(help=TABLE_HELP)],
    output: Annotated[Path, typer.Option("--output", "-o", help="The model file to write.")],
    valid: Annotated[str | None, typer.Option(help="Validation rows; by default a share of the table.")] = None,
    objective: Annotated[
        str, typer.Option(help="any: any question; likelihood: the best density, of complete rows.")
    ] = "any",
    network: Annotated[
        str, typer.Option(help="auto (by the objective), nade, made, committee (of NADEs) or orderless.")
    ] = "auto",
    effort: Annotated[
        str, typer.Option(help="quick, standard or best: size and length of a fit of orderless or committee.")
    ] = "standard",
    kind: Annotated[
        list[str] | None,
        typer.Option(help=KIND_HELP),
    ] = None,
    missing: Annotated[
        str, typer.Option(help="unknown, or informative: that a cell is missing is modelled.")
    ] = "unknown",
    strict: Annotated[bool, typer.Option("--strict", help="Fail where columns would be left out.")] = False,
    min_count: Annotated[
        int,
        typer.Option(
            help="Rows that a level needs to be listed by name, and that any number in the model file is made of."
        ),
    ] = 5,
    time_limit_s: Annotated[float | None, typer.Option(help="Seconds after which training ends.")] = None,
    hidden_size: Annotated[
        int | None,
        typer.Option(help="Hidden units of NADE, and of each layer of the others (default: by the effort; 200)."),
    ] = None,
    hidden_sizes: Annotated[
        str | None, typer.Option(help="Units of each hidden layer of made and orderless, as 500,500.")
    ] = None,
    activation: Annotated[str | None, typer.Option(help="sigmoid (nade) or relu (the others).")] = None,
    order: Annotated[
        str | None,
        typer.Option(
            help="natural (default), reverse, random, or learned: greedy, mutual-information; of committee by trial."
        ),
    ] = None,
    conditional: Annotated[
        str, typer.Option(help="Mixture of numeric columns: gaussian, logistic or laplace.")
    ] = "gaussian",
    components: Annotated[int, typer.Option(help="Parts of each mixture.")] = 10,
    dropout: Annotated[
        float | None,
        typer.Option(help="Share of an orderless network's units off while training (default: by the rows)."),
    ] = None,
    input_dropout: Annotated[
        float | None,
        typer.Option(help="Share of columns withheld in a step of nade (default: 0) and committee (by trial)."),
    ] = None,
    members: Annotated[
        int | None,
        typer.Option(
            help="Networks whose conditionals are averaged, of orderless and committee (default: by the rows)."
        ),
    ] = None,
    orders: Annotated[
        int | None,
        typer.Option(help="Orders among a committee's members, the first as --order says (default: by trial)."),
    ] = None,
    epochs: Annotated[
        int | None, typer.Option(help="Passes over the training rows, at most (default: by the effort; 100).")
    ] = None,
    batch_size: Annotated[int | None, typer.Option(help="Rows per step (default: by the table; 100).")] = None,
    learning_rate: Annotated[
        float | None,
        typer.Option(
            help="AdamW's at its highest (default: 1e-2 for nade over bits, by trial for committee, else 2e-3)."
        ),
    ] = None,
    decay: Annotated[str, typer.Option(help="Learning rate over the epochs: cosine or none.")] = "cosine",
    weight_decay: Annotated[
        float | None,
        typer.Option(help="Decay of the weight matrices (default: 0.3 for orderless, by trial for committee; 0.01)."),
    ] = None,
    clip_norm: Annotated[float, typer.Option(help="Longest gradient; 0 for no limit.")] = 10.0,
    patience: Annotated[
        int | None,
        typer.Option(
            help="Epochs without a better validation likelihood; 0 never stops (default: 0 for orderless and committee; 10)."
        ),
    ] = None,
    valid_fraction: Annotated[float, typer.Option(help="Share held out where --valid is not given.")] = 0.1,
    seed: Annotated[int | None, typer.Option(help="Makes the fit reproducible to the byte.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Continue an interrupted run of the same command.")] = False,
    header: Annotated[bool | None, typer.Option("--header/--no-header", help=HEADER_HELP)] = None,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress bar, no summary.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the training record as JSON on stdout.")] = False,
) -> None:
    """Fit the joint density of a table, say what is assumed of its columns, and write a model file.

    After each epoch the state is kept in OUTPUT.checkpoint; --resume continues from there, whatever stopped the run.
    """
    from chainrule.training import FitConfig, fit
    from chainrule.training.checkpoint import Checkpoint

    config = FitConfig(
        hidden_size=hidden_size,
        hidden_sizes=_sizes(hidden_sizes),
        activation=activation,
        order=order,
        conditional=conditional,
        components=components,
        dropout=dropout,
        input_dropout=input_dropout,
        members=members,
        orders=orders,
        epochs=epochs,
        batch_size=batch_size,
        learning_rate=learning_rate,
        decay=decay,
        weight_decay=weight_decay,
        clip_norm=clip_norm,
        patience=patience,
        valid_fraction=valid_fraction,
    )
    require_writable(output, inputs=(table, valid))
    if output.exists() and output.read_bytes()[: len(MAGIC)] != MAGIC:
        raise ChainruleError(f"{output}: exists and is no model file; name another, or remove it first")
    checkpoint = Checkpoint(output.with_name(output.name + ".checkpoint"))
    if checkpoint.exists() and not resume and not checkpoint.is_written_by_another():
        raise ChainruleError(
            f"{checkpoint.path} holds an interrupted run; pass --resume to continue it, or delete it to start anew"
        )
    finished = output if resume and output.exists() and not checkpoint.exists() else None
    if resume and not checkpoint.exists() and finished is None:
        say(f"{checkpoint.path}: no interrupted run here; starting anew")
    train_table, valid_table = training_tables(table, valid, header)
    if not quiet:
        warnings.filterwarnings("ignore", message=r"(?s).*: left out ")  # the lines of the columns say it, too
    try:
        density = fit(
            train_table,
            valid_table,
            objective=objective,
            network=network,
            effort=effort,
            seed=seed,
            kinds=kinds_of(kind),
            missing=missing,
            strict=strict,
            min_count=min_count,
            time_limit_s=time_limit_s,
            config=config,
            device=device,
            verbose=not quiet and finished is None,
            checkpoint=checkpoint,
            resume=resume,
            keep_checkpoint=True,
            finished=finished,
        )
    except KeyboardInterrupt as interrupt:
        how = "repeat the command with --resume to continue" if checkpoint.exists() else "nothing was saved yet"
        raise KeyboardInterrupt(f"interrupted; {how}") from interrupt
    if finished is not None:
        say(f"{output}: already finished; nothing to resume")
        return
    _save(density, output)
    checkpoint.remove()
    record = density.training
    if as_json:
        print_json({"model": str(output), "seconds": density.seconds, **record})
    if not quiet:
        reached = headline(record)
        say(
            f"{output}: {len(record['history'])} epochs in {density.seconds or 0:.0f} s; "
            f"{'' if reached is None else f'validation {reached}; '}seed {record['seed']}"
        )


def _save(density: Density, output: Path) -> None:
    """Writes the model; where that fails, to a folder for temporary files, so that no training is lost.

    Raises:
        OSError: it was written there, or nowhere.
    """
    try:
        density.save(output)
    except OSError as error:
        rescued = Path(tempfile.mkdtemp(prefix="chainrule-")) / output.name
        density.save(rescued)
        raise OSError(
            f"{output}: could not be written: {error.strerror or error}; the model is in {rescued}: move it where you want it"
        ) from error


def _sizes(text: str | None) -> tuple[int, ...] | None:
    if text is None:
        return None
    try:
        return tuple(int(size) for size in text.split(","))
    except ValueError as error:
        raise ChainruleError(f"--hidden-sizes {text}: pass whole numbers with commas between, as 500,500") from error
