"""Builds the wheel, installs it into an empty environment, and tries the main calls there."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

USE = """
import sys
import chainrule as cr
heavy = {"sklearn", "polars", "matplotlib", "typer", "rich", "pandas"} & set(sys.modules)
assert not heavy, f"import chainrule loaded {heavy}"
digits = cr.datasets.load("digits")
config = cr.FitConfig(hidden_size=20, epochs=2)
density = cr.fit(digits.train, digits.valid, seed=0, config=config, verbose=False)
density.save("model.chainrule")
again = cr.load("model.chainrule")
assert (again.log_prob(digits.test) == density.log_prob(digits.test)).all()
assert again.sample(3, seed=0).shape == (3, 64)
assert "site-packages" in cr.__file__, cr.__file__
print("wheel works:", cr.__version__, round(density.score(digits.test), 2), "nats")
"""


def main() -> None:
    """Raises CalledProcessError at the first step that fails."""
    with tempfile.TemporaryDirectory() as folder:
        run = lambda *words: subprocess.run(words, cwd=folder, check=True, env=environment)  # noqa: E731
        environment = {
            key: value
            for key, value in os.environ.items()
            if key not in ("PYTHONPATH", "VIRTUAL_ENV")
        }
        wheels = Path(folder) / "wheels"
        run(
            sys.executable,
            "-m",
            "build",
            "--wheel",
            "--no-isolation",
            "--outdir",
            str(wheels),
            str(ROOT),
        )
        (wheel,) = wheels.glob("*.whl")
        venv.create(Path(folder) / "env")
        python = str(Path(folder) / "env" / "bin" / "python")
        pip = (sys.executable, "-m", "pip", "--python", python)  # the environment needs no pip
        # Without --no-compile, pip would compile all of torch; the test imports a small part of it.
        into = ("install", "--quiet", "--no-compile", "--constraint", str(ROOT / "constraints.txt"))
        run(*pip, *into, str(wheel))
        run(python, "-W", "error", "-c", USE)
        run(str(Path(folder) / "env" / "bin" / "chainrule"), "--version")
        run(str(Path(folder) / "env" / "bin" / "chainrule"), "check", "model.chainrule")


if __name__ == "__main__":
    main()
