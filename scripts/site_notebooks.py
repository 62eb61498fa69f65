"""A hook of mkdocs: adds a page for each notebook, with what its cells printed and drew."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from mkdocs.structure.files import File, Files

FOLDER = "notebooks/"
LINK = re.compile(r"\]\((\w+)\.ipynb\)")


def on_files(files: Files, *, config: Any) -> Files:
    """Adds the pages of the notebooks in docs/notebooks."""
    for file in list(files):
        if file.src_uri.startswith(FOLDER) and file.src_uri.endswith(".ipynb"):
            name = file.src_uri.removeprefix(FOLDER).removesuffix(".ipynb")
            page = page_of(json.loads(file.content_string), name)
            files.append(File.generated(config, f"{FOLDER}{name}.md", content=page))
    return files


def on_page_markdown(markdown: str, *, page: Any, config: Any, files: Files) -> str:
    """Rewrites links of the list of notebooks, so that they lead to pages."""
    is_list = page.file.src_uri == f"{FOLDER}index.md"
    return LINK.sub(r"](\1.md)", markdown) if is_list else markdown


def page_of(notebook: dict[str, Any], name: str) -> str:
    """Returns the page of a notebook, as Markdown."""
    parts = [part for cell in notebook["cells"] for part in _parts(cell)]
    parts.insert(1, f"[Download the notebook]({name}.ipynb)")
    return "\n\n".join(parts) + "\n"


def _parts(cell: dict[str, Any]) -> Iterator[str]:
    source = "".join(cell["source"])
    if cell["cell_type"] == "markdown":
        yield source
        return
    yield f"```python\n{source}\n```"
    for output in cell["outputs"]:
        data = output.get("data", {})
        if "image/png" in data:
            encoded = "".join(data["image/png"]).replace("\n", "")
            yield f'<p><img alt="What the cell draws" src="data:image/png;base64,{encoded}"></p>'
        elif "text/html" in data:
            table = "".join(data["text/html"])
            yield f'<div style="overflow-x: auto">{table}</div>'
        else:
            text = "".join(output.get("text", data.get("text/plain", "")))
            yield "```text\n" + text.strip("\n") + "\n```"
