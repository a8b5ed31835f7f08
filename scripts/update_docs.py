"""Refresh the numbers and pictures of README.md from a demonstration's folder and the shipped models.

    python -m bench.compare && python -m bench.paper --cached --publish docs
    stlfast demo --output build/demo && python scripts/update_docs.py build/demo

Takes the comparison with other solvers from docs/results/compare.json, that with the paper from paper.json. Writes
docs/results/demo.json, docs/results/models.json, docs/results/pde_models.json, docs/*.png, and what lies between the
markers `<!-- begin NAME -->` and `<!-- end NAME -->` in README.md.
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
from bench import compare_report  # noqa: E402
from bench.contenders import FIXED, FIXED_CPP, OURS, OURS_CPP, QUERIES, SWEEP, SWEEP_CPP, WINDOWS  # noqa: E402

README = ROOT / "README.md"
RESULTS = ROOT / "docs" / "results"
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
    demo: dict[str, Any], models: dict[str, Any], compare: dict[str, Any], pde: dict[str, Any], paper: dict[str, Any]
) -> dict[str, str]:
    """Markdown for each pair of markers."""
    return {
        "headline": report.headline(demo),
        "models": _models(models),
        "pde-models": _pde_models(pde),
        "space-time": report.field_sentence(demo),
        "compare": _compare(compare),
        "compare-nonlinear": _compare_nonlinear(compare),
        "demo": report.tables(demo),
        "paper": _paper(paper),
    }


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
    cells = []
    for name, problem in results["problems"].items():
        k, accuracy = problem["alphas"].index(ALPHA), problem["accuracy"]
        seeds = [max(rows[k]["maxae"]) for key, rows in accuracy.items() if key.startswith("stl/")]
        networks = [max(accuracy[f"{kind}/40"]["maxae"]) for kind in ("pinn", "pinnsformer")]
        values = [max(problem["published"][f"maxae_y{i}"][k] for i in (1, 2)), min(seeds), max(seeds), *networks]
        values += [max(accuracy["ours"][k]["maxae"]), max(accuracy["ours"][k]["bound"])]
        theirs, low, high, *others = map(report.scientific, values)
        cells.append([f"`{name}`", theirs, f"{low} … {high}", *others])
    return report.markdown(titles, cells, left=1)


def fill(text: str, contents: dict[str, str]) -> str:
    """The text with new contents between the markers; ValueError for a pair of markers that is not there."""
    for name, content in contents.items():
        begin, end = f"<!-- begin {name} -->", f"<!-- end {name} -->"
        pattern = re.compile(re.escape(begin) + r"\n.*?" + re.escape(end), re.DOTALL)
        if len(pattern.findall(text)) != 1:
            raise ValueError(f"expected the markers {begin} and {end} once")
        text = pattern.sub(lambda _, b=begin, c=content, e=end: f"{b}\n{c}\n{e}", text)  # type: ignore[misc]
    return text


def main(folder: Path) -> None:
    demo, models = json.loads((folder / "results.json").read_text(encoding="utf-8")), model_facts()
    compare = json.loads((RESULTS / "compare.json").read_text(encoding="utf-8"))
    paper = json.loads((RESULTS / "paper.json").read_text(encoding="utf-8"))
    pde = pde_facts()
    for name, facts in (("demo", demo), ("models", models), ("pde_models", pde)):
        (RESULTS / f"{name}.json").write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
    for picture in PICTURES:
        shutil.copyfile(folder / picture, ROOT / "docs" / picture)
    README.write_text(
        fill(README.read_text(encoding="utf-8"), blocks(demo, models, compare, pde, paper)), encoding="utf-8"
    )


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]))
