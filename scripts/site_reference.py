"""A hook of mkdocs: pages made of the project itself, and links from docstrings to ``tasks``.

The reference of the command line is made of the commands, and the changelog of CHANGELOG.md.
"""

from __future__ import annotations

import inspect
import posixpath
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, get_args

from mkdocs.structure.files import Files

ROOT = Path(__file__).parent.parent
COMMAND_LINE, QUESTIONS = "reference/command-line.md", "reference/questions.md"
CHANGELOG = "changelog.md"
COMMANDS_HERE, CHANGES_HERE = "<!-- commands -->", "<!-- changelog -->"  # what they replace
NAMED = re.compile(r"<code>tasks\.(\w+)</code>")


def on_page_markdown(markdown: str, *, page: Any, config: Any, files: Files) -> str:
    """Adds the commands and the changelog to their pages."""
    if page.file.src_uri == COMMAND_LINE:
        return markdown.replace(COMMANDS_HERE, commands())
    if page.file.src_uri == CHANGELOG:
        return markdown.replace(CHANGES_HERE, changes())
    return markdown


def on_page_content(html: str, *, page: Any, config: Any, files: Files) -> str:
    """Turns ``tasks.NAME`` of a docstring into a link to its entry."""
    file = files.get_file_from_path(QUESTIONS)
    if file is None:
        return html
    from chainrule import tasks

    here = posixpath.dirname(page.file.dest_uri)
    target = posixpath.relpath(posixpath.dirname(file.dest_uri), here)

    def link(found: re.Match[str]) -> str:
        home = getattr(getattr(tasks, found[1], None), "__module__", None)
        if home is None:
            return found[0]
        return f'<a href="{target}/#{home}.{found[1]}">{found[0]}</a>'

    return NAMED.sub(link, html)


def changes() -> str:
    """Returns the changelog without its title; links lead to pages of the site."""
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    return text.split("\n", 1)[1].replace("](docs/", "](")


def commands() -> str:
    """Returns a section for each command, as Markdown."""
    from chainrule.cli.main import COMMANDS

    parts = []
    for title, members in COMMANDS.items():
        parts.append(f"## {title}")
        for member in members:
            parts.extend(_command(member))
    return "\n\n".join(parts) + "\n"


def _command(command: ModuleType) -> Iterator[str]:
    """Yields the paragraphs about a command: what it does, examples, arguments, options."""
    from chainrule.cli.panels import PANELS, with_panels

    run = with_panels(command.run)
    yield f"### {command.NAME}"
    yield str(run.__doc__)
    examples = [line.strip() for line in command.EXAMPLES.splitlines()[2:]]
    yield "\n".join(["```shell", *(part for line in examples for part in _wrapped(line)), "```"])
    panels: dict[str, list[str]] = {name: [] for name in ("Arguments", "Options", *PANELS)}
    for parameter in inspect.signature(run).parameters.values():
        kind, info = get_args(parameter.annotation)
        is_option = type(info).__name__ == "OptionInfo"
        panel = (info.rich_help_panel or "Options") if is_option else "Arguments"
        row = f"| {_names(parameter, kind, info, is_option)} | {_meaning(parameter, info)} |"
        panels[panel].append(row)
    for panel, rows in panels.items():
        if rows:
            yield "\n".join([f"| {panel} | |", "|---|---|", *rows])


def _wrapped(line: str) -> list[str]:
    """A command in lines of at most 88 characters; the shell joins them."""
    lines = textwrap.wrap(line, 86, break_long_words=False, break_on_hyphens=False)
    return [" \\\n  ".join(lines)]


def _names(parameter: Any, kind: Any, info: Any, is_option: bool) -> str:
    if not is_option:
        return f"`{parameter.name.upper()}`"
    flag = "--" + parameter.name.replace("_", "-")
    # The first name of an annotated option is its default, for typer.
    given = [each for each in (info.default, *(info.param_decls or ())) if isinstance(each, str)]
    names = " ".join(f"`{name}`" for name in given or [flag])
    if kind in (bool, bool | None):
        return names
    words = {int: "INTEGER", float: "NUMBER", str: "TEXT", Path: "PATH"}
    value = info.metavar or next(
        (words[each] for each in (kind, *get_args(kind)) if each in words), "TEXT"
    )
    return f"{names} <code>{value}</code>".replace("|", "&#124;<wbr>")  # a line may end there


def _meaning(parameter: Any, info: Any) -> str:
    text = info.help.replace("|", "&#124;").replace("<", "&lt;").replace("*", "&#42;")
    if parameter.default is inspect.Parameter.empty:
        return f"{text} Required." if type(info).__name__ == "OptionInfo" else text
    return text if parameter.default in (None, False) else f"{text} Default: `{parameter.default}`."
