"""What all studies share: their command line, the machine and time of a run, its JSON and page, and progress."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Mapping
from functools import partial, wraps
from pathlib import Path
from typing import Any, ParamSpec

from bench.peers import Absent
from stlfast.base.files import write_whole
from stlfast.command import demo, report

RESULTS = Path("docs/results")
P = ParamSpec("P")


def parser(doc: str | None, quick: str = "") -> argparse.ArgumentParser:
    """--output, --render and, where `quick` says what it leaves out, --quick."""
    made = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--output", type=Path, default=RESULTS, metavar="DIR", help="default: %(default)s")
    made.add_argument("--render", type=Path, metavar="JSON", help="measure nothing: page and pictures of these results")
    if quick:
        made.add_argument("--quick", action="store_true", help=quick)
    return made


def main(
    parser: argparse.ArgumentParser,
    run: Callable[[argparse.Namespace], dict[str, Any]],
    write: Callable[[dict[str, Any], Path], list[Path]],
) -> None:
    """Measure, or read what was measured, and write it; what a study cannot do without ends it with a sentence."""
    options = parser.parse_args()
    try:
        results = json.loads(options.render.read_text(encoding="utf-8")) if options.render else run(options)
    except Absent as reason:
        sys.exit(str(reason))
    for path in write(results, options.output):
        print(f"wrote {path}")


def study(measure: Callable[P, dict[str, Any]]) -> Callable[P, dict[str, Any]]:
    """What is measured, with the machine and the seconds that it took."""

    @wraps(measure)
    def timed(*args: P.args, **kwargs: P.kwargs) -> dict[str, Any]:
        started = time.perf_counter()
        results = measure(*args, **kwargs)
        return {"machine": demo.machine(), **results, "seconds": round(time.perf_counter() - started, 1)}

    return timed


def write(name: str, results: Mapping[str, Any], page: str | None, folder: Path) -> list[Path]:
    """The results as NAME.json and their page, if any, as NAME.md in a folder, which is made if need be; the paths."""
    folder.mkdir(parents=True, exist_ok=True)
    texts = {folder / f"{name}.json": json.dumps(results, indent=1) + "\n"}
    if page is not None:
        texts[folder / f"{name}.md"] = page
    for path, text in texts.items():
        write_whole(path, text.encode())
    return list(texts)


def machine_line(results: Mapping[str, Any], *more: str) -> str:
    """The page's line on what was measured where."""
    return f"Machine: {'; '.join([report.machine(results['machine']), *more])}."


def told(started: float, text: str) -> None:
    """What a run says, with the seconds since it started."""
    print(f"{time.perf_counter() - started:6.0f} s  {text}", flush=True)


say = partial(told, time.perf_counter())
