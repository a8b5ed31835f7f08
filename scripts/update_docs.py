"""Refresh the numbers and pictures of README.md and docs/ from a demonstration's folder and the shipped models.

    python -m bench.compare && python -m bench.paper --cached --publish docs && python -m bench.tanks
    stlfast demo --output build/demo && python scripts/update_docs.py build/demo

Takes the comparison with other solvers from docs/results/compare.json, that with the paper from paper.json, the first
page's program from tanks.json. Writes docs/results/demo.json, docs/results/models.json, docs/results/pde_models.json,
docs/*.png, and what lies between the markers `<!-- begin NAME -->` and `<!-- end NAME -->`, each on one page.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
from pathlib import Path
from typing import Any

import stlfast
from stlfast.command import report
from stlfast.loading import SHIPPED
from stlfast.measure import accuracy

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))
from bench import compare_report, tanks_report  # noqa: E402
from bench.contenders import (  # noqa: E402
    EXPONENTIAL,
    FIXED,
    FIXED_CPP,
    NUMBALSODA,
    OURS,
    OURS_CPP,
    QUERIES,
    SWEEP,
    SWEEP_CPP,
    WINDOWS,
)
from bench.problem import STIFFNESS  # noqa: E402

DOCS = ROOT / "docs"
RESULTS = DOCS / "results"
STORED = ("demo", "models", "compare", "pde_models", "paper", "tanks")  # what `blocks` takes, by the names of the files
BEGIN = re.compile(r"<!-- begin ([\w-]+) -->")
ALPHA = 150.0  # in the comparison
SHOWN = (OURS, OURS_CPP, FIXED, FIXED_CPP, SWEEP, SWEEP_CPP, WINDOWS)  # of the contenders that are stlfast
TRAINING = ("seconds", "device", "threads", "torch")
ACCURACY = ("error", "bound", "error_full", "bound_full")
PICTURES = ("error_vs_stiffness.png", "solutions.png", "space_time.png")


def model_facts() -> dict[str, Any]:
    """Size, training and measured accuracy of every shipped model, from its passport; null where there is none."""
    facts = {}
    for name in stlfast.pretrained():
        model = stlfast.load(name)
        passport = model.passport
        if isinstance(model, (stlfast.PDEModel, stlfast.NonlinearPDEModel)):
            continue
        facts[name] = {
            "bytes": (SHIPPED / f"{name}.safetensors").stat().st_size,
            "sha256": passport["sha256"],
            "params": {key: {"train": r.train, "solve": r.solve} for key, r in model.family.params.items()},
            "training": passport["training"] and {key: passport["training"][key] for key in TRAINING},
            "compile": passport["compile"],
            "members_measured": len(passport["accuracy"]),
            **(accuracy.worst(passport["accuracy"]) if passport["accuracy"] else dict.fromkeys(ACCURACY)),
        }
    return facts


def pde_facts() -> dict[str, Any]:
    """The same of the models of PDEs."""
    facts = {}
    for name in stlfast.pretrained():
        model = stlfast.load(name)
        if isinstance(model, (stlfast.PDEModel, stlfast.NonlinearPDEModel)):
            facts[name] = {
                "bytes": (SHIPPED / f"{name}.safetensors").stat().st_size,
                "params": {key: {"train": r.train, "solve": r.solve} for key, r in model.family.params.items()},
                "compile": model.passport["compile"],
                "members_measured": len(model.passport["accuracy"]),
                **accuracy.worst(model.passport["accuracy"]),
            }
    return facts


def blocks(
    demo: dict[str, Any], models: dict[str, Any], compare: dict[str, Any], pde: dict[str, Any], paper: dict[str, Any],
    tanks: dict[str, Any],
) -> dict[str, str]:  # fmt: skip
    """Markdown for each pair of markers."""
    return {
        "tanks": tanks_report.caption(tanks),
        "break-even": tanks_report.page(tanks),
        "when-not": _when_not(compare),
        "paper-line": _paper_line(paper),
        "headline": report.headline(demo),
        "models": _models(models),
        "pde-models": _pde_models(pde),
        "space-time": report.field_sentence(demo),
        "compare": _compare(compare),
        "compare-nonlinear": _compare_nonlinear(compare),
        "demo": report.tables(demo),
        "paper": _paper(paper),
    }


def _when_not(results: dict[str, Any]) -> str:
    """Where others are as good: the matrix exponential, and compiled LSODA where little is gained."""
    ours, exponential = (compare_report.find(results, "dho", STIFFNESS, ALPHA, who) for who in (OURS_CPP, EXPONENTIAL))
    assert ours is not None
    assert exponential is not None
    lines = [
        "- **A small constant A, no inputs**: the exact matrix exponential is faster, in C++ "
        f"{exponential['seconds'] * 1e6:.1f} µs against {ours['seconds'] * 1e6:.1f} for `dho`. It gives no bound."
    ]
    gains = []
    for problem, about in results["setup"].items():
        found = compare_report.ratios(results, problem, STIFFNESS, OURS, NUMBALSODA) if about["nonlinear"] else {}
        if found:
            gains.append(f"{min(found.values()):.1f} times as long as `{problem}`")
    lines.append(f"- **Nonlinear, and compiled LSODA at hand**: it takes but {' and '.join(gains)}, at their closest.")
    return "\n".join(lines)


def _paper_line(results: dict[str, Any]) -> str:
    """One sentence on the stiffest published member of the first problem."""
    name = next(iter(results["problems"]))
    published, seeds, *_, ours, bound = _stiffest(results, name)
    return (
        f"`{name}` at alpha = {ALPHA:g}, largest error: {published} published, {seeds} run here with five seeds, "
        f"{ours} with this package, which gave the bound {bound}."
    )


def _compare(results: dict[str, Any]) -> str:
    target = report.scientific(compare_report.SHOWN_AT, 0)
    return "\n\n".join([
        f"An error of at most {target}, 512 output times, one thread; alpha = {ALPHA:g}, for "
        "many initial values the nearest that was measured. stlfast's times include its error bound.",
        _beside(results, nonlinear=False),
        compare_report.machine_line(results),
    ])  # fmt: skip


def _compare_nonlinear(results: dict[str, Any]) -> str:
    if not any(about["nonlinear"] for about in results["setup"].values()):
        return ""
    target = report.scientific(compare_report.SHOWN_AT, 0)
    return (
        f"The same for nonlinear problems: an error of at most {target}, for Robertson and Van der Pol over max |y|. "
        "stlfast's times include its error estimate.\n\n" + _beside(results, nonlinear=True)
    )


def _beside(results: dict[str, Any], nonlinear: bool) -> str:
    """One row a solver at one stiffness, a column for each problem and query; without our own variants."""
    target, columns, titles = compare_report.SHOWN_AT, [], ["µs a solution (error)"]
    for problem, about in results["setup"].items():
        for query in QUERIES if about["nonlinear"] is nonlinear else ():
            if members := compare_report.alphas(results, problem, query):
                alpha = min(members, key=lambda a: abs(a - ALPHA))
                columns.append((problem, query, alpha))
                at = f" at {about['stiffness']} = {alpha:g}" if nonlinear else ""
                titles.append(f"`{problem}`, {query}{at}")
    rows = []
    for name in dict.fromkeys(name for _, query, _ in columns for name in compare_report.names(results, query)):
        cells = []
        for column in columns:
            found = compare_report.find(results, *column, name, target)
            cells.append("" if found is None else compare_report.cell(results, *column, name, target))
        if any(cells) and not (name.startswith(("stlfast", "the paper")) and name not in SHOWN):
            rows.append([name, *cells])
    return report.markdown(titles, rows, left=1)


def _models(models: dict[str, Any]) -> str:
    titles = [
        "model", "trained on", "solved on", "training, s", "file, kB", "functions", "bands", "max error", "max bound",
        "max error, full dictionary", "members measured",
    ]  # fmt: skip
    cells = []
    for name, facts in models.items():
        ranges = [
            ", ".join(f"{key} {r[which][0]:g}–{r[which][1]:g}" for key, r in facts["params"].items())
            for which in ("train", "solve")
        ]
        measured = ("–" if facts[key] is None else report.scientific(facts[key]) for key in ACCURACY[:3])
        cells.append([
            f"`{name}`", *ranges, f"{facts['training']['seconds']:.0f}" if facts["training"] else "–",
            f"{facts['bytes'] / 1000:.0f}", str(facts["compile"]["functions"]), str(len(facts["compile"]["ranks"])),
            *measured, str(facts["members_measured"]),
        ])  # fmt: skip
    return report.markdown(titles, cells, left=3)


def _pde_models(models: dict[str, Any]) -> str:
    titles = [
        "model", "solved on", "compiling, s", "file, kB", "functions", "ranks", "mean error", "max error",
        "max estimate", "members and profiles measured",
    ]  # fmt: skip
    cells = []
    for name, facts in models.items():
        ranges = ", ".join(f"{key} {r['solve'][0]:g}–{r['solve'][1]:g}" for key, r in facts["params"].items())
        ranks = "; ".join(", ".join(map(str, bands)) for bands in facts["compile"]["ranks"])
        cells.append([
            f"`{name}`", ranges, f"{facts['compile']['seconds']:.0f}", f"{facts['bytes'] / 1000:.0f}",
            str(facts["compile"]["functions"]), ranks,
            *(report.scientific(facts[key]) for key in ("mean", "max", "estimate")), str(facts["members_measured"]),
        ])  # fmt: skip
    return report.markdown(titles, cells, left=2)


def _paper(results: dict[str, Any]) -> str:
    """The stiffest published member of each problem."""
    titles = [
        "problem, alpha = 150", "STL-PINN, published", "STL-PINN, run here, five seeds", "vanilla PINN at alpha = 40",
        "PINNsFormer at alpha = 40", "stlfast", "its bound or estimate",
    ]  # fmt: skip
    cells = [[f"`{name}`", *_stiffest(results, name)] for name in results["problems"]]
    return report.markdown(titles, cells, left=1)


def _stiffest(results: dict[str, Any], name: str) -> list[str]:
    """Largest errors: published, of our seeds, of two kinds of networks, and of this package, with its bound."""
    problem = results["problems"][name]
    k, accuracy = problem["alphas"].index(ALPHA), problem["accuracy"]
    seeds = [max(rows[k]["maxae"]) for key, rows in accuracy.items() if key.startswith("stl/")]
    networks = [max(accuracy[f"{kind}/40"]["maxae"]) for kind in ("pinn", "pinnsformer")]
    values = [max(problem["published"][f"maxae_y{i}"][k] for i in (1, 2)), min(seeds), max(seeds), *networks]
    values += [max(accuracy["ours"][k]["maxae"]), max(accuracy["ours"][k]["bound"])]
    theirs, low, high, *others = map(report.scientific, values)
    return [theirs, f"{low} … {high}", *others]


def fill(text: str, contents: dict[str, str]) -> str:
    """The text with new contents between the markers; ValueError for a pair of markers that is not there."""
    for name, content in contents.items():
        begin, end = f"<!-- begin {name} -->", f"<!-- end {name} -->"
        pattern = re.compile(re.escape(begin) + r"\n.*?" + re.escape(end), re.DOTALL)
        if len(pattern.findall(text)) != 1:
            raise ValueError(f"expected the markers {begin} and {end} once")
        text = pattern.sub(lambda _, b=begin, c=content, e=end: f"{b}\n{c}\n{e}", text)  # type: ignore[misc]
    return text


def pages(contents: dict[str, str]) -> dict[Path, str]:
    """Every page that has markers, filled; ValueError for markers that are on no page, on two, or of no content."""
    texts = {path: path.read_text(encoding="utf-8") for path in (ROOT / "README.md", *sorted(DOCS.rglob("*.md")))}
    found = [name for text in texts.values() for name in BEGIN.findall(text)]
    if sorted(found) != sorted(contents):
        raise ValueError(f"the pages' markers are {sorted(found)}, expected each once of {sorted(contents)}")
    return {
        path: fill(text, {name: contents[name] for name in BEGIN.findall(text)})
        for path, text in texts.items()
        if BEGIN.search(text)
    }


def stored() -> list[dict[str, Any]]:
    """What `blocks` takes, from docs/results."""
    return [json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8")) for name in STORED]


def main(folder: Path) -> None:
    demo = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    for name, facts in (("demo", demo), ("models", model_facts()), ("pde_models", pde_facts())):
        (RESULTS / f"{name}.json").write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
    for picture in PICTURES:
        shutil.copyfile(folder / picture, DOCS / picture)
    for path, text in pages(blocks(*stored())).items():
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]))
