"""The report's contents, for Markdown and HTML alike: sections of paragraphs, tables and a picture."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bench import driver
from bench.paper.claims import claims, digits, seeds
from bench.paper.timings import LOOSE_RADAU, PAPER_SOLVE
from stlfast.command import report
from stlfast.command.report import scientific


@dataclass(frozen=True)
class Table:
    titles: list[str]
    rows: list[list[str]]
    left: int = 1  # columns that are aligned left
    caption: str = ""


@dataclass(frozen=True)
class Section:
    title: str
    paragraphs: list[str]
    tables: list[Table] = field(default_factory=list)
    picture: str | None = None


def sections(found: dict[str, Any]) -> list[Section]:
    problems = found["problems"]
    first = next(iter(problems))
    return [
        _about(found),
        _claims(found),
        *(_accuracy(name, problem, name == first) for name, problem in problems.items()),
        *(_seeds(name, problem) for name, problem in problems.items()),
        *(_networks(name, problem) for name, problem in problems.items()),
        _reaction(found["reaction"]),
        _times(problems),
        _queries(problems),
        _cost(problems),
        *(_ablation(name, problem) for name, problem in problems.items()),
        _bases(problems),
        _distance(problems),
        _fields(found["fields"]),
        _settings(found),
    ]


def _about(found: dict[str, Any]) -> Section:
    where = driver.machine_line(found)
    if len(found["machines"]) > 1:
        where += f" Cells come from {len(found['machines'])} machines: {', '.join(found['machines'])}."
    trained = round(found["seconds_of_training"])
    spent = f"{trained} s of them training" if trained else "without the training of weights that were there"
    return Section(
        "What this is",
        [
            "The experiments of arXiv 2501.17281 (Stiff Transfer Learning for Physics-Informed Neural Networks), run "
            "again with this package's options, beside a vanilla PINN, PINNsFormer, SciPy, native solvers, and this "
            "package. Stiffnesses are the published labels (of `dho` twice this package's alpha). Errors are absolute; "
            "mean (MAE) and largest (MaxAE) ones are over 1000 uniform times as in the paper; MaxAE at all times adds "
            "512 logarithmic ones from 1e-5 of the time span on, where the transient is.",
            f"Made by `python -m bench.paper{found['options']}`; its cells took {found['seconds_of_cells']:.0f} s, "
            f"all processes together, {spent}. {where}",
        ],
    )


def _claims(found: dict[str, Any]) -> Section:
    rows = [[claim.claim, claim.measured, claim.verdict] for claim in claims(found)]
    note = "Each verdict follows from the numbers beside it; the rules are those of bench/paper/claims.py."
    return Section("The claims, one by one", [note], [Table(["claim", "measured here", "verdict"], rows, 3)])


def _accuracy(name: str, problem: dict[str, Any], pictured: bool) -> Section:
    rows, series = [], "last" in problem["accuracy"]["stl/0"][0]
    for k, alpha in enumerate(problem["alphas"]):
        ours, runs = problem["accuracy"]["ours"][k], [rows[k] for rows in seeds(problem)]
        for i, state in enumerate(problem["states"]):
            published = [problem["published"][f"{m}_y{i + 1}"][k] for m in ("mae", "maxae")]
            last = [_range([run["last"]["maxae"][i] for run in runs])] if series else []
            rows.append([
                f"{alpha:g}", state, *(scientific(v) for v in published),
                *(_range([run[m][i] for run in runs]) for m in ("mae", "maxae", "maxae_all")), *last,
                *(_error(ours[m][i]) for m in ("mae", "maxae", "maxae_all")), scientific(ours["bound"][i]),
                _error(ours["full"]["maxae_all"][i]),
            ])  # fmt: skip
    titles = [
        "alpha", "state", "MAE, published", "MaxAE, published", "MAE, our seeds", "MaxAE, our seeds",
        "MaxAE at all times, our seeds", *(["MaxAE at order 29, our seeds"] if series else []), "MAE, stlfast",
        "MaxAE, stlfast", "MaxAE at all times, stlfast", "its estimate" if series else "its bound",
        "MaxAE at all times, full dictionary",
    ]  # fmt: skip
    methods = sorted({row["method"] for row in problem["accuracy"]["ours"]})
    missed = sum(not row["success"] for row in problem["accuracy"]["ours"])
    notes = [f"stlfast answered by: {', '.join(methods)}; {missed} answers missed its own tolerance."]
    if problem["others"]:
        notes.insert(0, f"Parameters held fixed: {_others(problem)}.")
    if series:
        notes.append(
            "Published errors, and those of our seeds, are the smallest over the orders 0 … 29 of the series, each "
            "measure and state apart, chosen with the reference in hand. beta is 0.1 as in the authors' notebook: at "
            "0.5 and alpha = 10 no order of the exact series is closer than 0.03 to the solution."
        )
    picture = "accuracy" if pictured else None
    return Section(f"Error against stiffness: `{name}`", notes, [Table(titles, rows, 2)], picture)


def _seeds(name: str, problem: dict[str, Any]) -> Section:
    rows = [
        [f"{row['alpha']:g}", f"y{row['state']}", scientific(row["published"]), _error(row["low"]), _error(row["high"]),
         "inside" if row["factor"] == 1.0 else _factor(row["factor"])]
        for row in problem["seeds"]
    ]  # fmt: skip
    worst = max(problem["seeds"], key=lambda row: np.inf if row["factor"] is None else row["factor"])
    return Section(
        f"The published MAE beside the range over our seeds: `{name}`",
        [f"Outside the range by at most a factor of {_factor(worst['factor'])}, at alpha = {worst['alpha']:g}."],
        [Table(["alpha", "state", "published", "lowest", "highest", "outside by a factor of"], rows, 2)],
    )


def _networks(name: str, problem: dict[str, Any]) -> Section:
    rows = []
    for k, alpha in enumerate(problem["vanilla"]["alpha_list"]):
        for i, state in enumerate(problem["states"]):
            cells = [f"{alpha:g}", state]
            cells += [scientific(problem["vanilla"][f"{m}_y{i + 1}"][k]) for m in ("mae", "maxae")]
            for kind in ("pinn", "pinnsformer"):
                row = problem["accuracy"][f"{kind}/{alpha:g}"]
                cells += [_error(row["mae"][i]), _error(row["maxae"][i]), f"{row['seconds']:.0f}"]
            rows.append(cells)
    titles = [
        "alpha", "state", "PINN MAE, published", "PINN MaxAE, published", "PINN MAE", "PINN MaxAE", "training s",
        "PINNsFormer MAE", "PINNsFormer MaxAE", "training s",
    ]  # fmt: skip
    text = (
        "Each network is trained for one member, at the very stiffness that it is asked for; one seed. PINNsFormer has "
        "narrower layers than published: in the same time the published widths end at a larger error."
    )
    return Section(f"Vanilla PINN and PINNsFormer: `{name}`", [text], [Table(titles, rows, 2)])


def _reaction(found: dict[str, Any]) -> Section:
    rows = []
    for name, row in found.items():
        theirs = [f"{v:g}" for v in row["published"]] if row["published"] else ["–", "–"]
        rows.append([
            name, theirs[0], f"{row['rMAE']:.3g}", theirs[1], f"{row['rRMSE']:.3g}", f"{row['loss']:.2g}",
            f"{row['parameters']:,}", f"{row['evaluations']:,}", f"{row['seconds']:.0f}", row["device"],
            _listed(row["settings"]),
        ])  # fmt: skip
    titles = [
        "network", "rMAE, published", "rMAE", "rRMSE, published", "rRMSE", "loss", "parameters", "loss evaluations",
        "s", "device", "settings",
    ]  # fmt: skip
    text = (
        "u_t = 5 u (1 − u), periodic in x; relative errors on 101 × 101 points (Zhao et al., ICLR 2024, whose vanilla "
        "PINN fails there). PINNsFormer is the published network, on 26 × 26 points instead of 51 × 51. pinn_adam, a "
        "narrower PINN in float64 with Adam before L-BFGS, shows that the failure is one of training."
    )
    return Section(
        "The networks on PINNsFormer's own problem, the 1-D reaction equation", [text], [Table(titles, rows)]
    )


def _times(problems: dict[str, Any]) -> Section:
    tables = []
    for name, problem in problems.items():
        rows = []
        for contender in dict.fromkeys(r["contender"] for t in problem["times"].values() for r in t["records"]):
            cells = [contender]
            for times in problem["times"].values():
                record = next((r for r in times["records"] if r["contender"] == contender), None)
                cells.append(
                    "–" if record is None else f"{digits(record['seconds'] * 1e6)} ({scientific(record['error'], 0)})"
                )
            rows.append(cells)
        absent = {k: v for times in problem["times"].values() for k, v in times["absent"].items()}
        rows += [[f"{k} (absent: {v[:80]})", *["–"] * len(problem["times"])] for k, v in absent.items()]
        titles = ["solver", *(f"alpha = {a}" for a in problem["times"])]
        tables.append(Table(titles, rows, 1, f"`{name}`, µs a solve (error)"))
    text = (
        "512 output times, one thread, medians of interleaved repeats, wall time. Adaptive solvers run at the loosest "
        f"tolerance whose largest error at all times is within 1e-6 (`{LOOSE_RADAU}`: 1e-4); a dash: not reached. "
        f"stlfast's times include its bound or estimate. `{PAPER_SOLVE}` is our implementation of it, on the body of "
        "the first seed; of duffing the series to the first order that is its best. Theirs was not timed."
    )
    return Section("Time of one solve against stiffness", [text], tables, "times")


def _queries(problems: dict[str, Any]) -> Section:
    rows = []
    for name, problem in problems.items():
        for kind, found in problem["queries"].items():
            radau = found["Radau (SciPy)"]["seconds"]
            for solver, row in found.items():
                compiled = f" in {row['compile']:.0f} s" if "compile" in row else ""
                rows.append([
                    f"`{name}`", kind, solver + compiled, digits(row["seconds"] * 1e6), digits(radau / row["seconds"]),
                    _error(row["error"]), f"{row['solves']:,}",
                ])  # fmt: skip
    text = (
        "alpha = 150. Forcings are two sine waves of random amplitude and frequency: functions for a linear model; or "
        "four more parameters of the family, for which a model is compiled over the whole range of stiffness, from "
        "Chebyshev polynomials without training; SciPy integrates that family too, and of duffing so do windows and "
        "series. Wall time of one thread, medians; SciPy at the loosest tolerance whose error is within 1e-6; native "
        "solvers as bench.compare runs them, in C++ or compiled loops. Errors: the largest of ten solves at 512 "
        "uniform times. The series of duffing is of order 5."
    )
    titles = ["problem", "changed", "solver", "µs a solve", "Radau's time over it", "largest error", "solves timed"]
    title = "Many solves of one member: other initial values, other forcings, both"
    return Section(title, [text], [Table(titles, rows, 3)])


def _cost(problems: dict[str, Any]) -> Section:
    rows = []
    for name, problem in problems.items():
        c = problem["cost"]
        paid = [
            f"alpha = {alpha}: " + ", ".join(f"{peer} {_count(count)}" for peer, count in counts.items())
            for alpha, counts in c["break_even"].items()
        ]
        ours = f"{c['ours']['training']:.0f} + {c['ours']['compile']:.0f}"
        networks = [_seconds(c[kind]) for kind in ("stl", "pinn", "pinnsformer")]
        rows.append([f"`{name}`", ours, *networks, "; ".join(c["devices"]), "; ".join(paid)])
    titles = [
        "problem", "stlfast: training + compiling, s", "STL-PINN, s", "PINN at one stiffness, s",
        "PINNsFormer at one stiffness, s", "STL-PINN trained on", "solves until stlfast has beaten: Radau, the fastest",
    ]  # fmt: skip
    text = "Medians, wall time; other processes ran beside the trainings on the CPU. Solvers at an error within 1e-6."
    return Section("What comes before the first answer", [text], [Table(titles, rows)])


def _ablation(name: str, problem: dict[str, Any]) -> Section:
    found, captions = problem["ablation"], {
        "alone": "Each change alone, added to the paper's pipeline",
        "without": "Each change taken away from all of them",
        "together": "Added one after the other",
    }  # fmt: skip
    tables = [
        Table(
            ["pipeline", *(f"alpha = {a:g}" for a in found["alphas"])],
            [[label, *(_error(e) for e in errors)] for label, errors in rows.items()], 1, captions[table],
        )
        for table, rows in found["tables"].items()
    ]  # fmt: skip
    text = (
        "Largest error at all times. All bodies are 1 → 64 → 64 → 64, of one seed; joint training has one head for all "
        "equations and more steps, variable projection independent heads. Independent heads bring the constant "
        "function; with them QR is on functions that an SVD makes orthonormal. The reduced basis, made for speed, is "
        "the shipped model's."
    )
    return Section(f"What explains the gain: `{name}`", [text], tables)


def _bases(problems: dict[str, Any]) -> Section:
    rows = []
    for name, problem in problems.items():
        for row in problem["bases"]:
            rows.append([
                f"`{name}`", str(row["m"]), str(row["functions"]), _error(row["trained"]), _range(row["random"]),
                _error(row["chebyshev"]),
            ])  # fmt: skip
    titles = ["problem", "features m", "functions", "trained", "random, lowest … highest", "Chebyshev"]
    text = (
        "Largest error at all times over alpha = 20 … 1000, on the full dictionary, in the same logarithmic time map."
    )
    return Section("A trained body, a random one, and as many Chebyshev polynomials", [text], [Table(titles, rows)])


def _distance(problems: dict[str, Any]) -> Section:
    tables = []
    for name, problem in problems.items():
        found, compiled = problem["distance"], problem["distance"]["compile"]
        rows = [[key, *(_error(e) for e in errors)] for key, errors in found["errors"].items()]
        rows.append(["bound or estimate of ours", *(_error(b) for b in found["bounds"])])
        rows.append(["answered by", *found["methods"]])
        body = compiled["basis"] == "body"
        ours = f"trained up to alpha = {found['trained']:g}" if body else "of Chebyshev polynomials, not trained"
        caption = (
            f"`{name}`: ours {ours}, compiled for this range in {compiled['seconds']:.0f} s; the paper's body trained "
            f"up to {problem['trained'][1]:g}"
        )
        tables.append(Table(["largest error", *(f"alpha = {a:g}" for a in found["alphas"])], rows, 1, caption))
    text = (
        "Largest error over times from 1e-8 of the time span on. stl: the paper's one-shot solve on its body. dilated "
        "body: the full dictionary of the trained body that ships. not finite: Newton's method does not converge."
    )
    return Section("How far it transfers", [text], tables, "distance")


def _fields(found: dict[str, Any]) -> Section:
    alphas = found["alphas"]
    rows = [[name, *(_both(error) for error in errors)] for name, errors in found["errors"].items()]
    for kind, measured in found["networks"].items():
        rows.append([f"{kind}, trained at each alpha", *(_both(row) for row in measured)])
    spent = [f"{name} {seconds:.0f} s" for name, seconds in found["training_seconds"].items()]
    spent += [f"a {kind} {_seconds([row['seconds'] for row in rows])} s" for kind, rows in found["networks"].items()]
    text = (
        "Mean / largest error over 4000 points, half of them in the initial layer, against the exact solution. "
        "multihead: the paper's joint training, undilated, solved by QR on this package's rows, with independent "
        f"heads. varpro: variable projection. ours: the shipped model. Training: {', '.join(spent)}."
    )
    titles = ["method", *(f"alpha = {a:g}" for a in alphas)]
    return Section("A partial differential equation: advection and reaction", [text], [Table(titles, rows)])


def _settings(found: dict[str, Any]) -> Section:
    rows = [[name, _listed(values)] for name, values in found["settings"].items()]
    rows += [["effort", _listed(found["effort"])], ["versions", _listed(found["versions"])]]
    widths = " → ".join(map(str, found["settings"]["stl"]["widths"]))
    text = (
        f"STL-PINN bodies 1 → {widths}: the number of features is the authors'; the train ranges (published labels) "
        "and steps are ours, for theirs are not public."
    )
    return Section("Settings and budgets", [text], [Table(["of", "values"], rows, 2)])


def markdown(title: str, parts: list[Section], pictures: dict[str, str]) -> str:
    """The sections as a page; pictures: name → path beside the page."""
    lines = [f"# {title}"]
    for section in parts:
        lines += [f"## {section.title}", *section.paragraphs]
        if section.picture:
            lines.append(f"![{section.title.replace('`', '')}]({pictures[section.picture]})")
        for table in section.tables:
            lines += [f"**{table.caption}**"] if table.caption else []
            lines.append(report.markdown(table.titles, table.rows, table.left))
    return "\n\n".join(lines) + "\n"


def _listed(values: dict[str, Any]) -> str:
    return ", ".join(f"{key} {value}" for key, value in values.items())


def _others(problem: dict[str, Any]) -> str:
    return ", ".join(f"{key} = {value:g}" for key, value in problem["others"].items())


def _error(value: float | None) -> str:
    return "not finite" if value is None else scientific(value)


def _both(error: dict[str, float]) -> str:
    return f"{scientific(error['mean'])} / {scientific(error['max'])}"


def _range(values: list[float | None]) -> str:
    known = [v for v in values if v is not None]
    if not known:
        return "not finite"
    ends = f"{scientific(min(known))} … {scientific(max(known))}"
    return ends if len(known) == len(values) else f"{ends}, {len(values) - len(known)} not finite"


def _factor(value: float | None) -> str:
    return "not finite" if value is None else f"{value:.1f}"


def _seconds(values: list[float]) -> str:
    return f"{np.median(values):.0f}"


def _count(value: float | None) -> str:
    return "never" if value is None else f"{value:,.0f}"
