"""Standard fits of the proofs' training rows, shared by the proofs of one source.

They are under build/fits. Their names hold a digest of src, so a change of the library fits anew.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import chainrule as cr
from benchmarks.tables.masses.tables import task

ROOT = Path(__file__).resolve().parent.parent.parent
FITS = ROOT / "build" / "fits"


def path_of(name: str, seed: int) -> Path:
    """Where the fit of a table and seed is kept."""
    digest = hashlib.sha256()
    for path in sorted((ROOT / "src").rglob("*.py")):
        digest.update(str(path.relative_to(ROOT)).encode() + path.read_bytes())
    return FITS / f"{name}-{seed}-{digest.hexdigest()[:12]}.chainrule"


def fitted(name: str, seed: int) -> cr.Density:
    """The kept fit, or a new one that is kept then."""
    path = path_of(name, seed)
    if path.exists():
        return cr.load(path)
    asked = task(name, seed)
    train, valid, _ = asked.parts
    density = cr.fit(train, valid, seed=seed, kinds=asked.kinds, verbose=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    density.save(path)
    return density
