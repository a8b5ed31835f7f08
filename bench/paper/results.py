"""The files of a run: results.json, pictures, results.md and report.html; and the documentation made from them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from bench.paper import html, pictures
from bench.paper.sections import markdown, sections
from stlfast._files import write_whole

TITLE = "STL-PINN reproduced and surpassed"


def write(found: dict[str, Any], folder: Path) -> list[Path]:
    """Everything into the folder; the paths."""
    folder.mkdir(parents=True, exist_ok=True)
    found = json.loads(json.dumps(found))  # as it is read back
    drawn, parts = pictures.write(found, folder), sections(found)
    texts = {
        "results.json": json.dumps(found, indent=1) + "\n",
        "results.md": markdown(TITLE, parts, drawn),
        "report.html": html.page(TITLE, parts, {name: folder / file for name, file in drawn.items()}),
    }
    for name, text in texts.items():
        write_whole(folder / name, text.encode())
    return [folder / name for name in (*texts, *drawn.values())]


def publish(folder: Path, docs: Path) -> list[Path]:
    """A run's results as pages of the documentation: docs/results.md, and docs/results/paper.* that it comes from."""
    found = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    written = [docs / "results" / "paper.json", docs / "results.md", docs / "results" / "report.html"]
    shutil.copyfile(folder / "results.json", written[0])
    shutil.copyfile(folder / "report.html", written[2])
    for file in pictures.NAMES:
        shutil.copyfile(folder / f"{file}.png", docs / "results" / f"paper_{file}.png")
    write_whole(written[1], page(found).encode())
    return written


def page(found: dict[str, Any]) -> str:
    """docs/results.md."""
    return markdown(TITLE, sections(found), {name: f"results/paper_{name}.png" for name in pictures.NAMES})
