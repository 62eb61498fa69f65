"""What is measured: an experiment for each row of the likelihood tables, the same recipe for all."""

from __future__ import annotations

from dataclasses import dataclass, field

from chainrule import FitConfig

REBUILT = "one split rebuilt: the same rows, another order"
OTHER_COLUMNS = "not comparable: the published figure's columns are not known, ours are those that vary"
# Of the trials in likelihood_trials.csv the best on validation rows. A first run, of rate 0.01 without dropout, which stopped
# after 16 epochs, had −89.49 there, and its test rows were read: −88.79. The others' were not.
ONE_NADE = FitConfig(hidden_size=500, epochs=30, learning_rate=5e-3, input_dropout=0.1, patience=0)
SCALE_FLOOR = 0.1  # the least standard deviation of a part of a mixture, in standard deviations of the column
COMPONENTS = 10
RNADE, RNADES = FitConfig(members=1), FitConfig(members=8)  # in the natural order; the rest is chosen in each fold


@dataclass(frozen=True)
class Experiment:
    """A data set and what is trained on it.

    Attributes:
        name: of the row.
        data: the data set, as ``chainrule.datasets`` calls it.
        table: which table of the page it belongs to.
        must, aim: nats per test row that it is to reach; None where no published figure compares.
        network: as for ``chainrule.fit``; "committee" is the recipe.
        config: what is set beside the recipe: nothing where the recipe itself is measured.
        mark: what a reader must know of the data set.
        short: where ``must`` is missed, why that may be, and what was tried.
    """

    name: str
    data: str
    table: str
    must: float | None
    aim: float | None
    network: str = "committee"
    config: FitConfig = field(default_factory=FitConfig)
    mark: str = ""
    short: str = ""


def _within(best: float) -> float:
    """No worse than 1 % below the best known."""
    return round(1.01 * best, 2)


EXPERIMENTS = {
    experiment.name: experiment
    for experiment in (
        Experiment("nltcs", "nltcs", "binary", -6.00, -5.98),
        Experiment("msnbc", "msnbc", "binary", _within(-6.04), -6.04),
        Experiment("kdd", "kdd", "binary", _within(-2.12), -2.12),
        Experiment("plants", "plants", "binary", -12.2, -11.9),
        Experiment("jester", "jester", "binary", -51.55, -51.4),
        Experiment("baudio", "baudio", "binary", -38.7, -38.4),
        Experiment("bnetflix", "bnetflix", "binary", -54.8, -54.5),
        Experiment("accidents", "accidents", "binary", -26.5, -26.0),
        Experiment("pumsb-star", "pumsb-star", "binary", -21.9, -21.5),
        Experiment("dna", "dna", "binary", -80.5, -79.0),
        Experiment("msweb", "msweb", "binary", _within(-9.57), -9.57),
        Experiment("book", "book", "binary", _within(-33.53), -33.53),
        Experiment("cwebkb", "cwebkb", "binary", _within(-147.75), -147.75),
        Experiment("c20ng", "c20ng", "binary", _within(-148.17), -148.17),
        Experiment("bbc", "bbc", "binary", -240.2, -238.0),
        Experiment("ad", "ad", "binary", _within(-14.42), -14.42),
        Experiment("mushrooms", "mushrooms", "binary", -9.69, -9.4),
        Experiment("nips", "nips", "binary", -274.0, -271.0),
        Experiment("adult", "adult", "binary", _within(-13.12), -13.12, mark=REBUILT),
        Experiment("ocr-letters", "ocr-letters", "binary", _within(-27.22), -27.22, mark=REBUILT),
        Experiment(
            "dna-nade",
            "dna-nade",
            "binary",
            _within(-79.66),
            -79.66,
            short="The rows are those of dna, with 200 fewer to train on. The members overfit 1,400 rows of 180 columns, and "
            "nearly all of the search's gain is dropout's. An order chosen by hand is equally good, within 0.1 nats on "
            "validation rows (below). Trying epochs before dropout was worse. Effort best is 0.7 nats better there, and 100 "
            "rows per step are 0.6 better, though worse for dna, mushrooms and nips. Another search may therefore reach the "
            "goal. Trees as members were not tried.",
        ),
        Experiment(
            "binarized-mnist, one NADE",
            "binarized-mnist",
            "mnist",
            -88.33,
            -86.5,
            network="nade",
            config=ONE_NADE,
        ),
        Experiment("binarized-mnist", "binarized-mnist", "mnist", -86.0, -83.5),
        Experiment(
            "red-wine, one RNADE",
            "red-wine",
            "real",
            -9.36,
            -9.36,
            network="nade",
            config=RNADE,
            short="It misses the published figure by less than half its standard error over rows: ten folds of 160 test rows, "
            "each network chosen by a search on 160 others. Eight of them, in the next row, are above the best published.",
        ),
        Experiment("red-wine", "red-wine", "real", -9.36, -8.76, config=RNADES),
        Experiment("parkinsons", "parkinsons", "real", None, None, config=RNADES, mark=OTHER_COLUMNS),
        Experiment("ionosphere", "ionosphere", "real", None, None, config=RNADES, mark=OTHER_COLUMNS),
        Experiment("boston-housing", "boston-housing", "real", None, None, config=RNADES, mark=OTHER_COLUMNS),
    )
}
