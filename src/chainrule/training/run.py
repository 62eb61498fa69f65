"""The files of a run: its checkpoint, and the earlier run that it continues or repeats."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass

from chainrule.density import Density, load
from chainrule.errors import ChainruleError
from chainrule.networks import AbstractTrainable
from chainrule.ranks import ALONE, AbstractRanks
from chainrule.rng import fresh_seed
from chainrule.training.checkpoint import (
    Checkpoint,
    contents_of,
    fingerprint,
    plan_of_checkpoint,
    require_sizes,
    seed_of_checkpoint,
    set_state,
)
from chainrule.training.data import TrainingData
from chainrule.training.finished import plan_of
from chainrule.training.plan import Plan
from chainrule.training.search import Trial
from chainrule.training.state import State


@dataclass(frozen=True)
class Run:
    """A run, and the earlier run whose file it was given.

    Attributes:
        checkpoint: the file for the state of training; None for no file.
        resumes: whether the checkpoint holds an interrupted run, which this run continues.
        finished: the density of a finished run, which is not fitted again; None for no such run.
        name: the file of that density.
        is_closed: whether the checkpoint is closed at the end; otherwise its opener closes it.
        ranks: the processes of the run; only the first one has the checkpoint.
    """

    checkpoint: Checkpoint | None = None
    resumes: bool = False
    finished: Density | None = None
    name: str = ""
    is_closed: bool = True
    ranks: AbstractRanks = ALONE

    @classmethod
    def of(
        cls,
        checkpoint: str | os.PathLike[str] | None = None,
        *,
        resume: bool = False,
        finished: str | os.PathLike[str] | None = None,
        ranks: AbstractRanks = ALONE,
    ) -> Run:
        """The run of these files.

        Raises:
            ChainruleError: there is no file to resume from, or another run writes there now.
        """
        if resume and checkpoint is None:
            raise ChainruleError(
                "resume=True needs checkpoint=PATH, the file of the run to continue"
            )
        done = ranks.of_first(lambda: None if finished is None else load(finished))
        is_open, kept = isinstance(checkpoint, Checkpoint), None
        if checkpoint is not None and ranks.is_first:
            kept = checkpoint if isinstance(checkpoint, Checkpoint) else Checkpoint(checkpoint)
        ranks.of_first(lambda: None if kept is None else kept.claim())
        resumes = ranks.told(resume and kept is not None and kept.exists())
        return cls(kept, resumes, done, os.fspath(finished or ""), not is_open, ranks)

    def __enter__(self) -> Run:
        return self

    def __exit__(self, *_: object) -> None:
        if self.checkpoint is not None and self.is_closed:
            self.checkpoint.close()

    def resolved_seed(self, asked: int | None) -> int:
        """The given seed, else the earlier run's seed, else one from the system's entropy."""
        if asked is None and self.finished is not None:
            asked = self.finished.training.get("seed")
        if asked is not None:
            return asked
        if self.resumes:
            return self.ranks.of_first(lambda: seed_of_checkpoint(self._file))
        return self.ranks.told(fresh_seed())

    def plan(self) -> Plan | None:
        """The plan of the earlier run, with the results of its search; None without such a run."""
        if self.resumes:
            return self.ranks.of_first(lambda: plan_of_checkpoint(self._file))
        return None if self.finished is None else plan_of(self.finished.training, self.name)

    def require_sizes(self, build: Callable[[], AbstractTrainable], plan: Plan) -> None:
        """Raises FormatError if the checkpoint's arrays are not those of its plan's network."""
        if self.resumes:
            self.ranks.of_first(lambda: require_sizes(self._file, build, plan))

    @property
    def _file(self) -> Checkpoint:
        """The checkpoint, at the first rank of a run that has one."""
        assert self.checkpoint is not None
        return self.checkpoint

    def keeping(
        self,
        plan: Plan,
        data: TrainingData,
        description: str,
        *,
        seed: int,
        trials: list[Trial],
        began: float,
    ) -> Kept:
        """The keeper of the state while training.

        Args:
            plan: the plan of training.
            data: the rows.
            description: everything else by which this run differs from others.
            seed: the seed of the run.
            trials: the trials of the search.
            began: when the search began, by ``time.perf_counter``.
        """
        run = "" if self.checkpoint is None else fingerprint(data.train, data.valid, description)
        return Kept(self, plan, run, seed, trials, began)


@dataclass(frozen=True)
class Kept:
    """Keeps the state of training in the run's checkpoint; does nothing without a checkpoint."""

    run: Run
    plan: Plan
    fingerprint: str
    seed: int
    trials: list[Trial]
    began: float

    def begin(self, state: State) -> None:
        """Sets a new state to that of the interrupted run, or adds the preceding search to it."""
        state.trials, state.seconds = self.trials, time.perf_counter() - self.began
        if self.run.resumes:
            self.run.ranks.of_first(lambda: self._restore(state))
            kept = None
            if self.run.ranks.is_first:
                kept = contents_of(state, self.plan, seed=self.seed, run=self.fingerprint)
            if (told := self.run.ranks.told(kept)) is not None:
                set_state(state, told)

    def _restore(self, state: State) -> None:
        self.run._file.restore(state, self.plan, run=self.fingerprint)

    def save(self, state: State) -> None:
        """Writes the state to the checkpoint."""
        if self.run.checkpoint is not None:
            self.run.checkpoint.save(state, self.plan, seed=self.seed, run=self.fingerprint)

    def remove(self) -> None:
        """Removes the checkpoint."""
        if self.run.checkpoint is not None:
            self.run.checkpoint.remove()
