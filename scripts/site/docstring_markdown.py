"""Docstrings as Markdown, for the pages of the API.

The docstrings of the package say `name: text` or `one, two: text` with continued lines, `Parameters` over a row of
dashes, and equations in lines of their own. A reader of the source needs no more; Markdown would run it all together.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

NAME = r"(?:[A-Za-z_]\w*|sol\(\w+\)|many\[i\])"
ITEM = re.compile(rf"({NAME}(?:, {NAME})*): (?=\S)")
RULE = re.compile(r"-{3,}\s*")
CODE = re.compile(r"(`[^`]+`)")
MARKS = re.compile(r"([\\*_\[\]|])")


def markdown(text: str, names: frozenset[str] = frozenset(), link: Callable[[str], str | None] = lambda _: None) -> str:
    """The docstring as Markdown. names: those that begin an item also in the middle of a line, after a full stop."""
    lines = text.expandtabs(4).splitlines()
    parts: list[str] = []
    for block in _blocks(lines):
        if len(block) > 1 and RULE.fullmatch(block[1]):
            parts.append(f"**{block[0].strip()}**")
            block = block[2:]
        if not block:
            continue
        if all(line.startswith("    ") for line in block):
            parts.append("```text\n" + "\n".join(line[4:] for line in block) + "\n```")
        elif ITEM.match(block[0]):
            parts += [_item(names_, rest, link) for names_, rest in _items(block, names)]
        else:
            parts.append(_inline(" ".join(line.strip() for line in block), link))
    return "\n\n".join(parts)


def _blocks(lines: list[str]) -> Iterator[list[str]]:
    """Paragraphs; an item's own equations stay with it."""
    block: list[str] = []
    for line in lines:
        if line.strip():
            block.append(line)
        elif block:
            yield block
            block = []
    if block:
        yield block


def _items(block: list[str], names: frozenset[str]) -> Iterator[tuple[str, str]]:
    found: list[list[str]] = []
    for line in block:
        begins = ITEM.match(line)
        if begins:
            found.append([begins[1], line[begins.end() :]])
        else:
            found[-1][1] += " " + line.strip()
    for title, text in found:
        yield from _apart(title, text, names)


def _apart(title: str, text: str, names: frozenset[str]) -> Iterator[tuple[str, str]]:
    """`a: text. b: text` as two items, where b is a parameter."""
    start = 0
    for begins in ITEM.finditer(text):
        if text[: begins.start()].endswith((". ", "; ")) and names.issuperset(begins[1].split(", ")):
            yield title, text[start : begins.start()].strip().rstrip(";")
            title, start = begins[1], begins.end()
    yield title, text[start:].strip().rstrip(";")


def _item(title: str, text: str, link: Callable[[str], str | None]) -> str:
    heading = ", ".join(f"`{name}`" for name in title.split(", "))
    if title in ("Errors", "Returns"):
        heading = title
    return f"{heading}\n:   {_inline(text, link)}"


def _inline(text: str, link: Callable[[str], str | None]) -> str:
    """Code as it is, with a link where there is a page of it; what Markdown would take for marks, escaped."""
    parts = CODE.split(text)
    for k in range(0, len(parts), 2):
        parts[k] = MARKS.sub(r"\\\1", parts[k].replace("&", "&amp;").replace("<", "&lt;"))
    for k in range(1, len(parts), 2):
        target = link(parts[k].strip("`"))
        if target is not None:  # becomes a link where the target is on a page
            parts[k] = f'<autoref identifier="{target}" optional>{parts[k]}</autoref>'
    return "".join(parts)
