"""A page in one HTML file: no scripts, no network, pictures inside, tables that scroll on a narrow screen."""

from __future__ import annotations

import base64
import html
import re
from pathlib import Path

from bench.paper.sections import Section

LONG = 50  # characters of a cell that may be broken into lines
CSS = """
:root { color-scheme: light; }
body { font: 16px/1.5 system-ui, sans-serif; color: #1a1a1a; margin: 0 auto; max-width: 68rem; padding: 1rem; }
h1 { font-size: 1.6rem; line-height: 1.2; } h2 { font-size: 1.25rem; margin-top: 2.2rem; }
nav { columns: 16rem; font-size: .95rem; } nav a { display: block; padding: .15rem 0; }
img { max-width: 100%; height: auto; } code { background: #f2f2f2; padding: 0 .2em; border-radius: 3px; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; font-size: .9rem; margin: .6rem 0; }
th, td { padding: .3rem .6rem; border-bottom: 1px solid #ddd; text-align: right; vertical-align: top; }
td { white-space: nowrap; } th { background: #f5f7fa; } .left { text-align: left; }
.text td { white-space: normal; } .text td:nth-child(2) { width: 60%; } .text td:first-child { font-weight: 600; }
.text td:nth-child(3) { font-style: italic; }
td.long { white-space: normal; min-width: 18rem; text-align: left; }
@media (max-width: 40rem) {
  body { font-size: 15px; padding: .7rem; }
  .text thead { display: none; } .text tr { display: block; border-bottom: 1px solid #ddd; padding: .5rem 0; }
  .text td, .text td:nth-child(2) { display: block; width: auto; border: 0; padding: .1rem 0; }
  .figure { overflow-x: auto; } .figure img { max-width: none; width: 48rem; }
}
"""


def page(title: str, sections: list[Section], pictures: dict[str, Path]) -> str:
    links = "".join(f'<a href="#s{k}">{_text(s.title)}</a>' for k, s in enumerate(sections))
    body = "".join(_section(k, s, pictures) for k, s in enumerate(sections))
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{html.escape(title)}</title><style>{CSS}</style></head>\n"
        f"<body><h1>{html.escape(title)}</h1>\n<nav>{links}</nav>\n{body}</body></html>\n"
    )


def _section(k: int, section: Section, pictures: dict[str, Path]) -> str:
    parts = [f'<h2 id="s{k}">{_text(section.title)}</h2>']
    parts += [f"<p>{_text(paragraph)}</p>" for paragraph in section.paragraphs]
    if section.picture:
        data = base64.b64encode(pictures[section.picture].read_bytes()).decode()
        alt = html.escape(section.title, quote=True)
        parts.append(f'<div class="figure"><img alt="{alt}" src="data:image/png;base64,{data}"></div>')
    for table in section.tables:
        if table.caption:
            parts.append(f"<p><b>{_text(table.caption)}</b></p>")
        head = "".join(f"<th{_left(i, table.left)}>{_text(t)}</th>" for i, t in enumerate(table.titles))
        rows = "".join(
            "<tr>" + "".join(f"<td{_left(i, table.left, c)}>{_text(c)}</td>" for i, c in enumerate(row)) + "</tr>"
            for row in table.rows
        )
        kind = ' class="text"' if table.left == len(table.titles) else ""
        parts.append(
            f'<div class="scroll"><table{kind}><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'
        )
    return "\n".join(parts) + "\n"


def _left(column: int, left: int, text: str = "") -> str:
    names = ["left"] * (column < left) + ["long"] * (len(text) > LONG)
    return f' class="{" ".join(names)}"' if names else ""


def _text(markdown: str) -> str:
    """Escaped, with `code` marked up; the only markup that sections use."""
    return re.sub(r"`([^`]*)`", r"<code>\1</code>", html.escape(markdown, quote=False))
