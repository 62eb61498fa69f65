"""A hook of mkdocs: adds the benchmark results that pages link to, so that the links work."""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files, InclusionLevel

ROOT = Path(__file__).parent.parent
RESULTS = "benchmarks/results"
LINK = re.compile(rf"\]\((?:\.\./)+({RESULTS}/[^)#]+)\)")


def on_files(files: Files, *, config: Any) -> Files:
    """Adds each linked file of benchmarks/results.

    A linked folder is added with its files and a page that lists them.
    """
    targets = {
        target
        for page in files.documentation_pages()
        for target in LINK.findall(page.content_string)
    }
    for target in sorted(targets):
        path = ROOT / target
        if path.is_dir():
            inside = [file for file in sorted(path.iterdir()) if file.is_file()]
            listed = "\n".join(f"- [{file.name}]({path.name}/{file.name})" for file in inside)
            text = f"# {target}\n\n{listed}\n"
            files.append(
                File.generated(
                    config, f"{target}.md", content=text, inclusion=InclusionLevel.NOT_IN_NAV
                )
            )
        else:
            inside = [path] if path.exists() else []  # mkdocs itself reports a missing file
        for file in inside:
            files.append(
                File.generated(config, file.relative_to(ROOT).as_posix(), abs_src_path=str(file))
            )
    return files


def on_page_markdown(markdown: str, *, page: Any, config: Any, files: Files) -> str:
    """Rewrites links to benchmarks/results from paths in the repository to paths in the site."""
    here = posixpath.dirname(page.file.src_uri)

    def in_site(link: re.Match[str]) -> str:
        target = link[1].rstrip("/")
        return f"]({posixpath.relpath(target + '.md' * (ROOT / target).is_dir(), here or '.')})"

    return LINK.sub(in_site, markdown)
