"""A hook of mkdocs: turns formulas into MathML, which browsers draw without scripts or fonts.

A formula stands between $` and `$ within a line, or in a block of the language ``math``. Sites that
show the repository's Markdown read both.
"""

from __future__ import annotations

import re
from html import unescape
from typing import Any

from latex2mathml.converter import convert

INLINE = re.compile(r"\$<code>(.*?)</code>\$", flags=re.DOTALL)
BLOCK = re.compile(r'(<div class="maths">)(.*?)(</div>)', flags=re.DOTALL)


def on_page_content(html: str, **_: Any) -> str:
    """Replaces the formulas of a page.

    >>> on_page_content("p is $<code>a &lt; b</code>$.")[:11]
    'p is <math '
    """
    html = INLINE.sub(lambda found: convert(unescape(found[1])), html)
    return BLOCK.sub(
        lambda found: found[1] + convert(unescape(found[2].strip()), display="block") + found[3],
        html,
    )
