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
# "before k" as a subscript: a sign without the spaces of a comparison.
BEFORE = re.compile(r"(<mrow>|<mo>&#x0002C;</mo>)<mo>&#x0003C;</mo>")


def on_page_content(html: str, **_: Any) -> str:
    """Replaces the formulas of a page.

    >>> on_page_content("p is $<code>a &lt; b</code>$.")[:11]
    'p is <math '
    """
    html = INLINE.sub(lambda found: _drawn(found[1], "inline"), html)
    return BLOCK.sub(lambda found: found[1] + _drawn(found[2], "block") + found[3], html)


def _drawn(formula: str, display: str) -> str:
    drawn = convert(unescape(formula.strip()), display=display)
    return BEFORE.sub(r'\1<mo lspace="0" rspace="0">&#x0003C;</mo>', drawn)
