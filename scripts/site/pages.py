"""What the site takes from the root of the repository: its first page is README.md; a hook of MkDocs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[2]
TAKEN = {"README.md": "index.md", "CONTRIBUTING.md": "contributing.md", "CHANGELOG.md": "changelog.md"}


def within_docs(text: str) -> str:
    """Links as seen from docs/, where the pages of the root stand beside the others."""
    text = re.sub(r"\]\(docs/", "](", text)
    for name, page in TAKEN.items():
        text = text.replace(f"]({name})", f"]({page})")
    return text


def on_files(files: Files, config: Any) -> Files:
    for name, page in TAKEN.items():
        text = within_docs((ROOT / name).read_text(encoding="utf-8"))
        files.append(File.generated(config, page, content=text))
    return files
