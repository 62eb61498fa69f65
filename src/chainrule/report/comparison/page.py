"""The comparison as a self-contained page, with its numbers as JSON and CSV."""

from __future__ import annotations

import base64
import csv
import io
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, StrictUndefined
from matplotlib.figure import Figure

from chainrule.atomic import write_bytes
from chainrule.plain_json import plain_json
from chainrule.report import pictures
from chainrule.report.comparison import charts
from chainrule.report.comparison.data import Data
from chainrule.report.comparison.pros_and_cons import pros_and_cons, sentences
from chainrule.report.comparison.run import TIMED, FamilyReport, first_half
from chainrule.table import cells_as_text, decode
from chainrule.version import version

PAGE, RESULTS = "report.html", "results.json"
FAMILIES_TABLE, PROBES_TABLE = "families.csv", "abstraction.csv"
ROWS_SHOWN = 6  # drawn rows of a table without images


def write(comparison: FamilyReport, folder: Path) -> Path:
    """Writes report.html, results.json, families.csv and abstraction.csv into a folder, and returns
    the page's path.
    """
    folder.mkdir(parents=True, exist_ok=True)
    found = comparison.to_json() | {"chainrule": version()}
    write_bytes(folder / RESULTS, (plain_json(found) + "\n").encode())
    write_bytes(folder / FAMILIES_TABLE, _csv(_families(comparison)))
    write_bytes(folder / PROBES_TABLE, _csv(_probes(comparison)))
    write_bytes(folder / PAGE, rendered(comparison).encode())
    return folder / PAGE


def rendered(comparison: FamilyReport) -> str:
    """Returns the page as HTML, pictures included."""
    template = resources.files("chainrule.report.comparison").joinpath("page.html")
    text = template.read_text(encoding="utf-8")
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"seconds": _seconds, "whole": lambda n: f"{n:,}"}
    data = comparison.data
    return environment.from_string(text).render(
        comparison=comparison,
        data=data,
        timed=TIMED,
        version=version(),
        table=pros_and_cons(comparison),
        sentences=sentences(comparison),
        likelihoods=_png(charts.likelihoods(comparison)),
        seconds=_png(charts.seconds(comparison)),
        probes=_png(charts.probes(comparison)) if data.labels is not None else None,
        samples=_samples(comparison),
        completions=_completions(comparison),
    )


def _png(figure: Figure) -> str:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110, facecolor=pictures.PAPER)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def _samples(comparison: FamilyReport) -> list[dict[str, Any]]:
    """Returns pictures of test images and of families' drawn ones, or the cells of a few rows."""
    data = comparison.data
    count = len(comparison.entries[0].drawn)
    apart = max(1, len(data.test) // count)  # a file may be sorted by its label
    shown = [("test rows", data.test.x[::apart][:count])]
    shown += [(entry.family.title, entry.drawn) for entry in comparison.entries]
    found = []
    for title, codes in shown:
        if data.image_shape is None:
            columns = decode(codes.double().numpy(), data.schema, hide=False)
            cells = [cells_as_text(values[:ROWS_SHOWN]) for values in columns.values()]
            found.append(
                {"title": title, "names": list(columns), "rows": list(zip(*cells, strict=True))}
            )
        else:
            rows = _as_numbers(codes.double().numpy(), data)
            found.append({"title": title, "picture": _png(charts.grid(rows, data.image_shape))})
    return found


def _completions(comparison: FamilyReport) -> list[dict[str, Any]]:
    """Returns for each family a picture of completed half images, or why there is none."""
    data = comparison.data
    if data.image_shape is None:
        return []
    known = first_half(data).numpy()
    found = []
    for entry in comparison.entries:
        if entry.completed is None:
            found.append({"title": entry.family.title, "why": entry.refused})
            continue
        lines, times = entry.completed.shape[:2]
        step = max(1, len(data.test) // lines)
        flat = entry.completed.flatten(0, 1).double().numpy()
        originals = _as_numbers(data.test.x[::step][:lines].double().numpy(), data)
        completed = _as_numbers(flat, data).reshape(lines, times, -1)
        figure = pictures.completions(originals, known, completed, data.image_shape)
        found.append({"title": entry.family.title, "picture": _png(figure)})
    return found


def _as_numbers(codes: np.ndarray, data: Data) -> np.ndarray:
    """Returns the cells (n, D) of coded images as numbers."""
    columns = decode(codes, data.schema, hide=False)
    return np.stack([values.astype(float) for values in columns.values()], axis=1)


def _families(comparison: FamilyReport) -> list[dict[str, Any]]:
    rows = []
    for entry in comparison.entries:
        likelihood = entry.likelihood.to_json()
        likelihood["log_likelihood_is"] = likelihood.pop("is")
        seconds = {
            "train_s": entry.train_s,
            "score_1000_s": entry.score_s,
            "score_once_s": entry.once_s,
        }
        seconds["draw_1000_s"] = entry.draw_s
        rows.append(
            {"family": entry.family.name, **likelihood, "parameters": entry.parameters, **seconds}
        )
    return rows


def _probes(comparison: FamilyReport) -> list[dict[str, Any]]:
    of_columns = [] if comparison.pixels is None else [comparison.pixels]
    return [probe.to_json() for probe in (*of_columns, *comparison.probes)]


def _csv(rows: list[dict[str, Any]]) -> bytes:
    text = io.StringIO()
    if rows:
        writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return text.getvalue().encode()


def _seconds(value: float) -> str:
    """Returns seconds with two significant digits."""
    return f"{value:.2g} s" if value < 9.95 else f"{value:,.0f} s"
