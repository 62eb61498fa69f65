"""Codes a CSV file by a fitted density, or writes the CSV file back.

Usage: python -m benchmarks.coding encode MODEL TABLE.csv FILE
       python -m benchmarks.coding decode MODEL FILE TABLE.csv

Both compute with one thread, so that they compute the same floats. Exit codes: 1 if the file is
damaged or a table cannot be coded, 2 if the command is wrong.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import torch

import chainrule as cr
from benchmarks.coding.file import compress, decompress_to
from chainrule.atomic import write_bytes


def main(words: list[str] | None = None) -> int:
    """Encodes or decodes; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.coding")
    parser.add_argument("what", choices=["encode", "decode"])
    parser.add_argument("model", type=Path, help="a .chainrule file")
    parser.add_argument("source", type=Path, help="the file to read")
    parser.add_argument("target", type=Path, help="the file to write")
    asked = parser.parse_args(words)
    torch.set_num_threads(1)
    try:
        density = cr.load(asked.model)
        if asked.what == "encode":
            write_bytes(asked.target, compress(density, asked.source).data)
        else:
            decompress_to(density, asked.source.read_bytes(), asked.target)
    except (OSError, ValueError) as error:
        print(f"{asked.source}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
