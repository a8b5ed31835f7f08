"""The files of a run: results.json, pictures, results.md and report.html; and the documentation made from them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from bench.paper import html, pictures
from bench.paper.run import WEIGHTS
from bench.paper.sections import markdown, sections
from stlfast.base.files import write_whole

TITLE = "STL-PINN reproduced and surpassed"


def write(found: dict[str, Any], folder: Path) -> list[Path]:
    """Everything into the folder, the results first; the paths."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / name for name in ("results.json", "results.md", "report.html")]
    text = json.dumps(found, indent=1, allow_nan=False) + "\n"
    write_whole(paths[0], text.encode())
    found = json.loads(text)  # as it is read back
    drawn, parts = pictures.write(found, folder), sections(found)
    write_whole(paths[1], markdown(TITLE, parts, drawn).encode())
    inside = {name: folder / file for name, file in drawn.items()}
    write_whole(paths[2], html.page(TITLE, parts, inside).encode())
    return [*paths, *inside.values()]


def publish(folder: Path, docs: Path) -> list[Path]:
    """A run's results as documentation: docs/results.md, what it is made of, and the HTML page; and trained weights."""
    found = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    pairs = [(folder / "results.json", docs / "results" / "paper.json")]
    pairs += [(folder / "report.html", docs / "results" / "report.html")]
    pairs += [(folder / f"{name}.png", docs / "results" / f"paper_{name}.png") for name in pictures.NAMES]
    pairs += [(path, WEIGHTS / path.name) for path in (folder / "weights").glob("*.safetensors")]
    for source, target in pairs:
        write_whole(target, source.read_bytes())
    write_whole(docs / "results.md", page(found).encode())
    return [docs / "results.md", *(target for _, target in pairs)]


def page(found: dict[str, Any]) -> str:
    """docs/results.md."""
    return markdown(TITLE, sections(found), {name: f"results/paper_{name}.png" for name in pictures.NAMES})
