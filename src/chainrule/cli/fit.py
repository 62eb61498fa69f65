"""``chainrule fit``: fits a table and writes a model file."""

from __future__ import annotations

import os
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from chainrule.arguments import DEFAULT_TIES, require_inference
from chainrule.atomic import place_of
from chainrule.claims import Claim
from chainrule.cli.checks import STDIN, require_model, require_seed, require_table, require_writable
from chainrule.cli.options import with_config
from chainrule.cli.shown import say
from chainrule.cli.tables import (
    HEADER_HELP,
    KIND_HELP,
    TABLE_HELP,
    DateFormatOption,
    DecimalOption,
    GroupsOption,
    NaValuesOption,
    ThousandsOption,
    kinds_of,
    print_json,
    reading_of,
    require_named,
    training_tables,
)
from chainrule.errors import ChainruleError
from chainrule.fileformat import MAGIC
from chainrule.headline import headline
from chainrule.ranks import joined, require_one, started
from chainrule.table.files.pipes import require_no_pipe_twice
from chainrule.training.arguments import OPTIONS, network_of, require_options, require_run
from chainrule.training.config import FitConfig

if TYPE_CHECKING:
    from chainrule.density import Density
    from chainrule.table import Reading
    from chainrule.training.checkpoint import Checkpoint

NAME = "fit"
EXAMPLES = """\b
Examples:
  chainrule fit table.csv -o m.chainrule --kind zip=categorical
  chainrule fit train.csv --valid valid.csv -o m.chainrule --hidden-size 500 --epochs 20 --seed 0
  chainrule fit train.csv -o m.chainrule --seed 0 --resume
  chainrule fit orders.csv -o m.chainrule --groups customer
  chainrule fit december.csv -o december.chainrule --start november.chainrule
  chainrule fit prices.csv -o m.chainrule --decimal , --date-format %d.%m.%Y --na-values country=
  chainrule fit red-wine -o wine.chainrule --network orderless --conditional logistic
"""


@with_config
def run(
    table: Annotated[str, typer.Argument(help=TABLE_HELP)],
    output: Annotated[Path, typer.Option("--output", "-o", help="The model file to write.")],
    valid: Annotated[
        str | None, typer.Option(help="Validation rows; by default a share of the table.")
    ] = None,
    objective: Annotated[
        str,
        typer.Option(
            help="any: answers any question; likelihood: the best density of complete rows."
        ),
    ] = "any",
    network: Annotated[
        str,
        typer.Option(
            help="auto (by the objective), nade, made, committee (of NADEs) or orderless."
        ),
    ] = "auto",
    effort: Annotated[
        str,
        typer.Option(
            help="quick, standard or best: size and length of a fit of orderless or committee."
        ),
    ] = "standard",
    kind: Annotated[list[str] | None, typer.Option(help=KIND_HELP)] = None,
    missing: Annotated[
        str,
        typer.Option(help="unknown, or informative: whether cells are missing is modelled, too."),
    ] = "unknown",
    ties: Annotated[
        str,
        typer.Option(help="auto: find relations between columns, such as gross = net + tax; none."),
    ] = DEFAULT_TIES,
    strict: Annotated[
        bool, typer.Option("--strict", help="Fail where columns would be left out.")
    ] = False,
    min_count: Annotated[
        int,
        typer.Option(
            help="Least number of rows of a level that is listed by name, and behind any number "
            "in the model file."
        ),
    ] = 5,
    groups: GroupsOption = None,
    start: Annotated[
        Path | None,
        typer.Option(help="A model of the same columns, whose weights the fit starts from."),
    ] = None,
    time_limit_s: Annotated[
        float | None, typer.Option(help="Seconds that the whole fit may take.")
    ] = None,
    *,
    config: FitConfig,
    seed: Annotated[
        int | None, typer.Option(help="Makes the fit reproducible to the byte.")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Continue an interrupted run of the same command.")
    ] = False,
    header: Annotated[bool | None, typer.Option("--header/--no-header", help=HEADER_HELP)] = None,
    decimal: DecimalOption = None,
    thousands: ThousandsOption = None,
    date_format: DateFormatOption = None,
    na_values: NaValuesOption = None,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress bar, no summary.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the training record as JSON on stdout.")
    ] = False,
) -> None:
    """Fit the joint density of a table, print what is assumed of its columns, and write a model
    file.

    The state is kept in OUTPUT.checkpoint after each epoch; --resume continues from there after any
    interruption.
    """
    require_writable(output, inputs=(table, valid))
    state = _state_of(output)
    _require_new(state, resume)
    require_options(config, OPTIONS[network_of(objective, network)])
    require_run(effort, time_limit_s, device)
    require_inference(min_count, missing, ties)
    require_seed(seed)
    _require_inputs(table, valid, start)
    kinds, reading = kinds_of(kind), reading_of(decimal, thousands, date_format, na_values)
    _require_names(table, kinds, groups, header, reading)

    if table == STDIN:
        require_one("a fit of standard input")

    from chainrule.density import load
    from chainrule.training import fit
    from chainrule.training.checkpoint import Checkpoint

    if not quiet:
        # The printed lines about the columns say the same.
        warnings.filterwarnings("ignore", message=r"(?s).*: left out ")
    checkpoint = Checkpoint(state)
    with joined() as ranks, checkpoint, _interrupts_explained(checkpoint):
        finished = ranks.of_first(lambda: _finished_one(output, checkpoint, resume))
        train_table, valid_table = training_tables(table, valid, header, reading)
        density = fit(
            train_table,
            valid_table,
            objective=objective,
            network=network,
            effort=effort,
            seed=seed,
            kinds=kinds,
            missing=missing,
            ties=ties,
            strict=strict,
            min_count=min_count,
            groups=groups,
            time_limit_s=time_limit_s,
            config=config,
            start=None if start is None else load(start),
            device=device,
            verbose=not quiet and finished is None,
            checkpoint=checkpoint,
            resume=resume,
            keep_checkpoint=True,
            finished=finished,
        )
        if not ranks.is_first:
            return
        if finished is not None:
            say(f"{output}: already finished; nothing to resume")
            return
        _save(density, output)
        checkpoint.remove()
    if as_json:
        print_json({"model": str(output), "seconds": density.seconds, **density.training})
    if not quiet:
        _say_reached(density, output)


def _state_of(output: Path) -> Path:
    """Returns the path of the checkpoint, which is beside the model file.

    Raises:
        ChainruleError: OUTPUT is a file of another kind.
    """
    if output.exists() and output.read_bytes()[: len(MAGIC)] != MAGIC:
        raise ChainruleError(
            f"{output}: exists and is no model file; name another, or remove it first"
        )
    place_of(state := output.with_name(output.name + ".checkpoint"))
    return state


def _require_new(state: Path, resume: bool) -> None:
    """Raises ChainruleError if a checkpoint holds an interrupted run that is not to be resumed.

    Where a launcher has started several processes, the first decides once they have met.
    """
    if started() == 1 and state.exists() and not resume:
        Claim(state).release()  # a run that goes on says so
        raise _interrupted(state)


def _interrupted(state: str | Path) -> ChainruleError:
    return ChainruleError(
        f"{state} holds an interrupted run; pass --resume to continue it, or delete it to start "
        "over"
    )


def _finished_one(output: Path, checkpoint: Checkpoint, resume: bool) -> Path | None:
    """Claims the checkpoint; returns the model file of a finished run, None for any other run.

    Raises:
        ChainruleError: another run writes there now; or the checkpoint holds an interrupted run
            that is not to be resumed.
    """
    checkpoint.claim()
    state = os.fspath(checkpoint)
    if checkpoint.exists():
        if not resume:
            raise _interrupted(state)
        return None
    if resume and not output.exists():
        say(f"{state}: no interrupted run here; starting from the beginning")
    return output if resume and output.exists() else None


def _require_inputs(table: str, valid: str | None, start: Path | None) -> None:
    """Raises before work starts if there are no such files, or if both tables are the same pipe."""
    if start is not None:
        require_model(start)
    require_no_pipe_twice(table, valid)
    require_table(table)
    if valid is not None:
        require_table(valid)


def _require_names(
    table: str,
    kinds: dict[str, Any],
    groups: str | None,
    header: bool | None,
    reading: Reading | None,
) -> None:
    """Raises SchemaError before torch is imported if a file has no column of a name."""
    if (kinds or groups) and Path(table).is_file():
        require_named(training_tables(table, None, header, reading)[0], kinds, groups)


@contextmanager
def _interrupts_explained(checkpoint: Checkpoint) -> Iterator[None]:
    """Adds to a KeyboardInterrupt how to continue."""
    try:
        yield
    except KeyboardInterrupt as interrupt:
        how = "nothing was saved yet"
        if checkpoint.exists():
            how = "repeat the command with --resume to continue"
        raise KeyboardInterrupt(f"interrupted; {how}") from interrupt


def _say_reached(density: Density, output: Path) -> None:
    record, reached = density.training, headline(density.training)
    say(
        f"{output}: {len(record['history'])} epochs in {density.seconds or 0:.0f} s; "
        f"{'' if reached is None else f'validation {reached}; '}seed {record['seed']}"
    )


def _save(density: Density, output: Path) -> None:
    """Writes the model; if that fails, saves it in a temporary folder, so that no training is lost.

    Raises:
        OSError: the model is in the temporary folder, or nowhere.
    """
    try:
        density.save(output)
    except OSError as error:
        rescued = Path(tempfile.mkdtemp(prefix="chainrule-")) / output.name
        density.save(rescued)
        raise OSError(
            f"{output}: could not be written: {error.strerror or error}; the model is in "
            f"{rescued}: move it where you want it"
        ) from error
