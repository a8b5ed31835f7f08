"""The report's contents, for Markdown and HTML alike: sections of paragraphs, tables and a picture."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bench.paper.claims import claims
from bench.paper.stl_pinn import Settings
from stlfast import report
from stlfast.report import scientific


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
    return [
        _about(found),
        _claims(found),
        *(_accuracy(name, problem) for name, problem in problems.items()),
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
    where = f"Machine: {report.machine(found['machine'])}."
    if len(found["machines"]) > 1:
        where += f" Cells come from {len(found['machines'])} machines: {', '.join(found['machines'])}."
    command = f"python -m bench.paper{found['options']}"
    return Section(
        "What this is",
        [
            "The experiments of arXiv 2501.17281 (Stiff Transfer Learning for Physics-Informed Neural Networks), "
            "run again "
            "with this package's options, beside a vanilla PINN, PINNsFormer, SciPy, native solvers, and this package. "
            "Stiffnesses are the published labels (of `dho` twice this package's alpha). Errors are absolute; mean "
            "(MAE) and "
            "largest (MaxAE) ones are over 1000 uniform times as in the paper; MaxAE at all times adds 512 "
            "logarithmic ones "
            "from 1e-5 of the time span on, where the transient is.",
            f"Made by `{command}`; its cells took {found['seconds_of_cells']:.0f} s. {where}",
        ],
    )


def _claims(found: dict[str, Any]) -> Section:
    rows = [[claim.claim, claim.measured, claim.verdict] for claim in claims(found)]
    return Section(
        "The claims, one by one",
        ["Each verdict follows from the numbers beside it."],
        [Table(["claim", "measured here", "verdict"], rows, 3)],
    )


def _accuracy(name: str, problem: dict[str, Any]) -> Section:
    rows = []
    for k, alpha in enumerate(problem["alphas"]):
        ours, seeds = problem["accuracy"]["ours"][k], [rows[k] for rows in _stl(problem)]
        for i, state in enumerate(problem["states"]):
            published = [problem["published"][f"{m}_y{i + 1}"][k] for m in ("mae", "maxae")]
            rows.append([
                f"{alpha:g}", state, *(scientific(v) for v in published),
                *(_range([s[m][i] for s in seeds]) for m in ("mae", "maxae", "maxae_all")),
                *(_error(ours[m][i]) for m in ("mae", "maxae", "maxae_all")), scientific(ours["bound"][i]),
                _error(ours["full"]["maxae_all"][i]),
            ])  # fmt: skip
    titles = [
        "alpha", "state", "MAE, published", "MaxAE, published", "MAE, our seeds", "MaxAE, our seeds",
        "MaxAE at all times, our seeds", "MAE, stlfast", "MaxAE, stlfast", "MaxAE at all times, stlfast",
        "its bound", "MaxAE at all times, full dictionary",
    ]  # fmt: skip
    notes = [f"Parameters held fixed: {_others(problem)}."] if problem["others"] else []
    if name == "duffing":
        notes.append(
            "Published errors, and those of our seeds, are the smallest over the orders 0 … 29 of the series, each "
            "measure "
            "and state apart, chosen with the reference in hand. The bound is an estimate here."
        )
    return Section(
        f"Error against stiffness: `{name}`", notes, [Table(titles, rows, 2)], "accuracy" if name == "dho" else None
    )


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
                row = problem["accuracy"].get(f"{kind}/{alpha:g}")
                cells += (
                    ["–"] * 3
                    if row is None
                    else [_error(row["mae"][i]), _error(row["maxae"][i]), f"{row['seconds']:.0f}"]
                )
            rows.append(cells)
    titles = [
        "alpha", "state", "PINN MAE, published", "PINN MaxAE, published", "PINN MAE", "PINN MaxAE", "training s",
        "PINNsFormer MAE", "PINNsFormer MaxAE", "training s",
    ]  # fmt: skip
    text = "Each network is trained for one member, at the very stiffness that it is asked for."
    return Section(f"Vanilla PINN and PINNsFormer: `{name}`", [text], [Table(titles, rows, 2)])


def _reaction(found: dict[str, Any]) -> Section:
    rows = [
        [name, *(f"{v:.3g}" for v in (row["published"][0], row["rMAE"], row["published"][1], row["rRMSE"])),
         f"{row['loss']:.2g}", f"{row['parameters']:,}", str(row["evaluations"]), f"{row['seconds']:.0f}",
         row["device"],
         ", ".join(f"{k} {v}" for k, v in row["settings"].items())]
        for name, row in found.items()
    ]  # fmt: skip
    titles = [
        "network", "rMAE, published", "rMAE", "rRMSE, published", "rRMSE", "loss", "parameters", "loss "
        "evaluations", "s",
        "device", "settings",
    ]  # fmt: skip
    return Section(
        "The networks on PINNsFormer's own problem, the 1-D reaction equation",
        [
            "u_t = 5 u (1 − u), periodic in x; relative errors on 101 × 101 points (Zhao et al., ICLR 2024, whose "
            "vanilla PINN "
            "fails there).",
        ],
        [Table(titles, rows)],
    )


def _times(problems: dict[str, Any]) -> Section:
    tables = []
    for name, problem in problems.items():
        names = dict.fromkeys(r["contender"] for t in problem["times"].values() for r in t["records"])
        rows = []
        for contender in names:
            cells = []
            for times in problem["times"].values():
                record = next((r for r in times["records"] if r["contender"] == contender), None)
                cells.append(
                    "–" if record is None else f"{record['seconds'] * 1e6:,.3g} ({scientific(record['error'], 0)})"
                )
            rows.append([contender, *cells])
        absent = {k: v for times in problem["times"].values() for k, v in times["absent"].items()}
        rows += [[f"{k} (absent: {v[:80]})", *["–"] * len(problem["times"])] for k, v in absent.items()]
        tables.append(
            Table(["solver", *(f"alpha = {a}" for a in problem["times"])], rows, 1, f"`{name}`, µs a solve (error)")
        )
    return Section(
        "Time of one solve against stiffness",
        [
            "512 output times, one thread, medians of interleaved repeats, in processor time. Adaptive solvers run "
            "at the loosest "
            "tolerance whose largest error is within 1e-6; a dash: not reached. stlfast's times include its bound "
            "or estimate. "
            "The paper's solve is our C++ of it.",
        ],
        tables,
        "times",
    )


def _queries(problems: dict[str, Any]) -> Section:
    rows = []
    for name, problem in problems.items():
        for kind, found in problem["queries"].items():
            radau = found["Radau (SciPy)"]["seconds"]
            rows += [
                [f"`{name}`", kind, solver, f"{row['seconds'] * 1e6:,.3g}", f"{radau / row['seconds']:,.3g}",
                 scientific(row["error"]), str(row["solves"])]
                for solver, row in found.items()
            ]  # fmt: skip
    return Section(
        "Many solves of one member: other initial values, other forcings, both",
        [
            "alpha = 150. Forcings are two sine waves of random amplitude and frequency. Radau and RK45 at rtol = "
            "1e-6, "
            "atol = 1e-8. Errors are the largest of ten solves. Nonlinear models take no further forcing.",
        ],
        [
            Table(
                [
                    "problem",
                    "changed",
                    "solver",
                    "µs a solve",
                    "times as fast as Radau",
                    "largest error",
                    "solves timed",
                ],
                rows,
                3,
            )
        ],
    )


def _cost(problems: dict[str, Any]) -> Section:
    rows = []
    for name, problem in problems.items():
        c = problem["cost"]
        ours = f"{c['ours']['training']:.0f} + {c['ours']['compile']:.0f}"
        paid = ", ".join(f"{n:,.0f} (alpha = {a})" for a, n in c["break_even"].items())
        rows.append([f"`{name}`", ours, *(_seconds(c[kind]) for kind in ("stl", "pinn", "pinnsformer")), paid])
    titles = [
        "problem", "stlfast: training + compiling, s", "STL-PINN, s", "PINN at one stiffness, s",
        "PINNsFormer at one stiffness, s", "solves after which stlfast has beaten Radau",
    ]  # fmt: skip
    return Section(
        "What comes before the first answer",
        ["Medians; the machine was shared while these were trained."],
        [Table(titles, rows)],
    )


def _ablation(name: str, problem: dict[str, Any]) -> Section:
    found, titles = problem["ablation"], {
        "alone": "Each change alone, added to the paper's pipeline",
        "without": "Each change taken away from all of them",
        "together": "Added one after the other",
    }  # fmt: skip
    tables = [
        Table(["pipeline", *(f"alpha = {a:g}" for a in found["alphas"])],
              [[label, *(_error(e) for e in errors)] for label, errors in rows.items()], 1, titles[table])
        for table, rows in found["tables"].items()
    ]  # fmt: skip
    text = "Largest error at all times. All bodies are 1 → 64 → 64 → 64."
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
        found = problem["distance"]
        rows = [[key, *(_error(e) for e in errors)] for key, errors in found["errors"].items()]
        rows.append(["bound or estimate of ours", *(scientific(b) for b in found["bounds"])])
        compiled = found["compile"]
        basis = "the shipped body" if compiled["basis"] == "body" else "Chebyshev polynomials"
        made = f"compiled from {basis} in {compiled['seconds']:.0f} s"
        caption = f"`{name}`, stiffest trained alpha = {found['trained']:g}; {made}"
        tables.append(Table(["largest error", *(f"{f:g}×" for f in found["factors"])], rows, 1, caption))
    text = "Error against the stiffness over the stiffest that was trained on; times from 1e-8 of the time span on."
    return Section("How far it transfers", [text], tables, "distance")


def _fields(found: dict[str, Any]) -> Section:
    alphas = found["alphas"]
    rows = [
        [name, *(f"{scientific(e['mean'])} / {scientific(e['max'])}" for e in errors)]
        for name, errors in found["errors"].items()
    ]
    for kind, measured in found["networks"].items():
        known = {row["alpha"]: row for row in measured}
        cells = [
            f"{scientific(known[a]['mean'])} / {scientific(known[a]['max'])}" if a in known else "–" for a in alphas
        ]
        rows.append([f"{kind}, trained at each alpha", *cells])
    networks = ", ".join(f"{kind} {_seconds([r['seconds'] for r in m])} s" for kind, m in found["networks"].items())
    trained = ", ".join(f"{name} {seconds:.0f} s" for name, seconds in found["training_seconds"].items())
    return Section(
        "A partial differential equation: advection and reaction",
        [
            "Mean / largest error over 4000 points, half of them in the initial layer, against the exact solution. "
            "multihead: the "
            "paper's joint training, undilated, solved by QR on this package's rows. varpro: variable projection. "
            "The model that "
            f"ships is of Chebyshev polynomials. Training: {trained}; a {networks}.",
        ],
        [Table(["method", *(f"alpha = {a:g}" for a in found["alphas"])], rows)],
    )


def _settings(found: dict[str, Any]) -> Section:
    rows = [[name, ", ".join(f"{k} {v}" for k, v in values.items())] for name, values in found["settings"].items()]
    rows += [["effort", ", ".join(f"{k} {v}" for k, v in found["effort"].items())]]
    rows += [["versions", ", ".join(f"{k} {v}" for k, v in found["versions"].items())]]
    text = (
        f"STL-PINN bodies 1 → {' → '.join(map(str, Settings().widths))}: the number of features is the authors'; "
        "the train ranges "
        "(published labels) and steps are ours, for theirs are not public."
    )
    return Section("Settings and budgets", [text], [Table(["of", "values"], rows, 2)])


def markdown(title: str, parts: list[Section], pictures: dict[str, str], level: int = 2) -> str:
    """The sections as a page; pictures: name → path beside the page."""
    lines = [f"# {title}"]
    for section in parts:
        lines += [f"{'#' * level} {section.title}", *section.paragraphs]
        if section.picture:
            lines.append(f"![{section.title.replace('`', '')}]({pictures[section.picture]})")
        for table in section.tables:
            lines += [f"**{table.caption}**"] if table.caption else []
            lines.append(report.markdown(table.titles, table.rows, table.left))
    return "\n\n".join(lines) + "\n"


def _stl(problem: dict[str, Any]) -> list[Any]:
    return [rows for key, rows in problem["accuracy"].items() if key.startswith("stl/")]


def _others(problem: dict[str, Any]) -> str:
    return ", ".join(f"{key} = {value:g}" for key, value in problem["others"].items())


def _error(value: float | None) -> str:
    return "not finite" if value is None else scientific(value)


def _range(values: list[float | None]) -> str:
    known = [v for v in values if v is not None]
    if not known:
        return "not finite"
    ends = f"{scientific(min(known))} … {scientific(max(known))}"
    return ends if len(known) == len(values) else f"{ends}, {len(values) - len(known)} not finite"


def _factor(value: float | None) -> str:
    return "not finite" if value is None else f"{value:.1f}"


def _seconds(values: list[float]) -> str:
    return f"{np.median(values):.0f}" if values else "–"
