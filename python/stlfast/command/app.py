"""The command `stlfast`: demo, list, train, compile, solve, bench, inspect."""

from __future__ import annotations

import contextlib
import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import numpy as np
import typer
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from ..equations.ode.family import Family
from ..models.pde_base import PDEModelShell

if TYPE_CHECKING:
    from ..equations.pde.family import PDEFamily
    from ..features.body import Body
    from ..models.base import CompiledModel
    from ..models.linear import Model
    from ..models.nonlinear import NonlinearModel
    from ..models.nonlinear_pde import NonlinearPDEModel
    from ..models.pde import PDEModel
    from ..results.fields import PDESolution
    from ..results.result import Result
    from ..results.solution import NonlinearSolution, Solution, WindowsSolution
    from ..results.solutions import Solutions

WRONG_INPUT, MISSED_TOLERANCE = 1, 3  # exit codes; Typer's own, for options it does not know, is 2
TABLE_ROWS, SWEEP_ROWS = 11, 20
TIMES = 512

app = typer.Typer(
    help="Families of stiff differential equations: train once, solve every member in one shot with an error bound.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
out, err = Console(), Console(stderr=True)


@contextlib.contextmanager
def _clear_errors() -> Iterator[None]:
    """Turn errors in what the user gave into one line and an exit code."""
    try:
        yield
    except typer.Exit:
        raise
    except (ValueError, KeyError, OSError, ImportError, RuntimeError) as error:
        err.print(f"[red]Error:[/red] {escape(' '.join(str(error).split()))}", soft_wrap=True, highlight=False)
        raise typer.Exit(WRONG_INPUT) from None


def _warn(message: str) -> None:
    err.print(f"[yellow]Warning:[/yellow] {escape(message)}", soft_wrap=True, highlight=False)


@app.callback(invoke_without_command=True)
def main(
    version: Annotated[bool, typer.Option("--version", help="Print the version and stop.")] = False,
    cmakedir: Annotated[
        bool, typer.Option("--cmakedir", help="Print the folder of stlfastConfig.cmake, for C++ projects, and stop.")
    ] = False,
) -> None:
    if version:
        from .. import _core

        out.print(f"stlfast {_core.__version__}", highlight=False)
        raise typer.Exit
    if cmakedir:
        from .. import _cpu

        print(Path(_cpu.__file__).parent / "lib" / "cmake" / "stlfast")  # beside what CMake installed
        raise typer.Exit


# -------------------------------------------------------------------------------------------------------------- demo
@app.command()
def demo(
    output: Annotated[Path, typer.Option(help="Folder for the report, pictures and numbers.")] = Path("stlfast-demo"),
    quick: Annotated[
        bool, typer.Option("--quick", help="Fewer members and repeats: seconds instead of a minute.")
    ] = False,
) -> None:
    """Solve three of the shipped models, from alpha = 10 to 1000; compare with exact solutions, the paper and SciPy."""
    _one_thread()
    from . import demo as demonstration
    from . import report

    with _clear_errors():
        output.mkdir(parents=True, exist_ok=True)
        out.print(demonstration.first(), highlight=False)
        effort = demonstration.Effort.quick() if quick else demonstration.Effort()
        with _steps(effort.steps) as progress:
            results = demonstration.run(effort, progress)
        for name, model in results["models"].items():
            out.print(_table(_title(name, model), report.header(model), report.rows(model)))
        out.print(report.caption(results), highlight=False)
        out.print(f"Machine: {report.machine(results['machine'])}.", highlight=False)
        for path in demonstration.write(results, output):
            out.print(f"wrote {path}", highlight=False, soft_wrap=True)


@contextlib.contextmanager
def _steps(total: int) -> Iterator[Callable[[str], None]]:
    """A progress bar, as a function that is called with what each step is about to do."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=err, transient=True) as bar:
        task, done = bar.add_task("starting", total=total), iter(range(total))
        yield lambda what: bar.update(task, description=what, completed=next(done), refresh=True)


def _title(name: str, model: dict[str, Any]) -> str:
    return name + "".join(f", {key} = {value:g}" for key, value in model["others"].items())


def _one_thread() -> None:
    """Keep BLAS to one thread, so that times compare work; it reads this when NumPy and SciPy are first imported."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = "1"


def _table(title: str, header: list[str], rows: list[list[str]]) -> Table:
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, header_style="bold", padding=(0, 1, 0, 0))
    for name in header:
        table.add_column(name, justify="right", no_wrap=True, vertical="bottom")
    for row in rows:
        table.add_row(*row)
    return table


# ------------------------------------------------------------------------------------------------------------- bench
@app.command()
def bench(
    family: Annotated[
        str | None,
        typer.Argument(help="A family of ODEs of yours, path/to/file.py:variable (runs that file), or a shipped one."),
    ] = None,
) -> None:
    """Time dho and ncff, or a family that is compiled first, beside SciPy and numbalsoda at matched accuracy."""
    _one_thread()
    with _clear_errors():
        if family is None:
            _bench_shipped()
        else:
            _bench_family(family)


def _bench_shipped() -> None:
    from . import quick_bench as benchmark

    with _steps(benchmark.EFFORT.steps) as progress:
        results = benchmark.run(progress)
    for name, model in results["models"].items():
        out.print(_table(_title(name, model), benchmark.header(results, model), benchmark.rows(results, model)))
    _below(results, benchmark.caption(results))


def _bench_family(where: str) -> None:
    from time import perf_counter

    from ..models.linear import Model
    from ..models.nonlinear import NonlinearModel
    from . import arguments
    from . import family_bench as benchmark

    family = arguments.family(where)
    if not isinstance(family, Family):
        raise ValueError(f"{where} is a family of PDEs; stlfast bench takes one of ODEs")
    began = perf_counter()
    model = _compile(family, None, {})
    seconds = perf_counter() - began
    assert isinstance(model, (Model, NonlinearModel))
    with _steps(benchmark.steps()) as progress:
        results = benchmark.run(model, seconds, progress)
    out.print(_table(escape(family.name), benchmark.HEADER, benchmark.rows(results)))
    _below(results, benchmark.caption(results))


def _below(results: dict[str, Any], caption: str) -> None:
    """What stands below a comparison: which solvers are absent and why, how it was measured, and where."""
    from . import report

    for solver, reason in results["absent"].items():
        out.print(f"{solver} is absent: {reason}.", highlight=False, markup=False)
    out.print(caption, highlight=False, markup=False)
    out.print(f"Machine: {report.machine(results['machine'])}.", highlight=False)


# ------------------------------------------------------------------------------------------------------------- train
@app.command()
def train(
    family: Annotated[
        str, typer.Argument(help="dho, duffing, …, or a family of yours: path/to/file.py:variable (runs that file).")
    ],
    output: Annotated[Path, typer.Option(help="The model file to write, ending in .safetensors.")],
    objective: Annotated[str | None, typer.Option(help="varpro or multihead.")] = None,
    widths: Annotated[str | None, typer.Option(help="Units of the layers, such as 64,64,48.")] = None,
    activation: Annotated[str | None, typer.Option(help="tanh, sin or silu.")] = None,
    tau: Annotated[float | None, typer.Option(help="Knee of the log-time input.")] = None,
    members: Annotated[int | None, typer.Option(help="Members to train on.")] = None,
    steps: Annotated[int | None, typer.Option(help="Steps of Adam.")] = None,
    lbfgs_steps: Annotated[int | None, typer.Option(help="Steps of L-BFGS that follow.")] = None,
    lr: Annotated[float | None, typer.Option(help="Learning rate of Adam.")] = None,
    seed: Annotated[int | None, typer.Option(help="Of the initial weights.")] = None,
    device: Annotated[str | None, typer.Option(help="auto, cpu, cuda, cuda:1.")] = None,
    tol: Annotated[
        float | None, typer.Option(help="Error bound (nonlinear: error) the reduced bases are compiled for.")
    ] = None,
) -> None:
    """Train a body on a family's members of little stiffness, compile it and write a model file.

    What is not given is the default of stlfast.train_body and stlfast.compile. Needs PyTorch: stlfast\\[train].
    """
    given: dict[str, Any] = {
        "objective": objective, "widths": widths, "activation": activation,
        "tau": tau, "members": members, "steps": steps, "lbfgs_steps": lbfgs_steps, "lr": lr, "seed": seed,
        "device": device,
    }  # fmt: skip
    with _clear_errors():
        from ..training.train import train_body
        from . import arguments, export

        export.check_target(output, (".safetensors",))
        chosen = arguments.family(family)
        if not isinstance(chosen, Family):
            raise ValueError(f"{family} is a family of PDEs, whose models are made without a body: stlfast compile")
        options = {name: value for name, value in given.items() if value is not None}
        if widths is not None:
            options["widths"] = arguments.numbers(widths, "--widths", int)
        body = train_body(chosen, **options)
        assert body.history is not None
        out.print(f"trained in {body.history['seconds']:.0f} s, loss {body.history['best_loss']:.4g}", highlight=False)
        _saved(_compile(chosen, body, {} if tol is None else {"tol": tol}), output)


def _compile(family: Family | PDEFamily, body: Body | None, options: dict[str, Any]) -> CompiledModel:
    """With a bar; what compile warns of is printed once it is gone."""
    from ..compiler import compile

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model: CompiledModel = compile(family, body, **options, progress=True)  # type: ignore[arg-type]
    for warning in caught:
        _warn(str(warning.message))
    return model


# ----------------------------------------------------------------------------------------------------------- compile
@app.command(name="compile")
def compile_family(
    family: Annotated[
        str, typer.Argument(help="dho, duffing, …, or a family of yours: path/to/file.py:variable (runs that file).")
    ],
    output: Annotated[
        Path | None, typer.Option(help="The model file to write; default the family's name with .safetensors, here.")
    ] = None,
    tol: Annotated[
        float | None, typer.Option(help="Error bound (nonlinear: error) the reduced bases are compiled for.")
    ] = None,
) -> None:
    """Compile a family of ODEs or PDEs on Chebyshev polynomials, without training, and write a model file."""
    with _clear_errors():
        from . import arguments, export

        if output is not None:
            export.check_target(output, (".safetensors",))
        chosen = arguments.family(family)
        target = Path(f"{chosen.name}.safetensors") if output is None else output
        model = _compile(chosen, None, {} if tol is None else {"tol": tol})
        _saved(model, target)


def _saved(model: CompiledModel, target: Path) -> None:
    """Write the model, and say what it is and where."""
    from ..models.linear import Model
    from ..models.nonlinear import NonlinearModel
    from . import passport

    model.save(target)
    if isinstance(model, (Model, NonlinearModel)) and model.family.params:
        out.print(passport.bounds(model))
    size, where = target.stat().st_size / 1000, str(target)
    out.print(f"wrote {target} ({size:.0f} kB), for stlfast.load({where!r})", highlight=False, soft_wrap=True)


# -------------------------------------------------------------------------------------------------------------- list
@app.command(name="list")
def list_models() -> None:
    """List the models that come with the package: what they solve, for which parameters."""
    with _clear_errors():
        from ..loading import load, pretrained
        from . import passport

        table = Table(box=box.SIMPLE_HEAD, header_style="bold")
        for title in ("model", "kind", "equations", "solved for"):
            table.add_column(title)
        for name in pretrained():
            table.add_row(name, *passport.summary(load(name)))
        out.print(table)


# ------------------------------------------------------------------------------------------------------------- solve
@app.command()
def solve(
    model: Annotated[
        str, typer.Argument(help="A shipped model, such as dho or duffing, or the path of a .safetensors file.")
    ],
    parameter: Annotated[
        list[str] | None,
        typer.Option(
            "--parameter",
            "-p",
            help="A parameter, as alpha=75; repeat for more. Several members: alpha=75,100, or spaced logarithmically "
            "alpha=10:1000:50; of several such parameters all combinations.",
        ),
    ] = None,
    y0: Annotated[str | None, typer.Option(help="Initial values, such as 1,0.5; default the family's.")] = None,
    t0: Annotated[float | None, typer.Option(help="First output time; default that of the family.")] = None,
    t1: Annotated[float | None, typer.Option(help="Last output time; default that of the family.")] = None,
    points: Annotated[
        int | None, typer.Option(help="Number of uniform output times; default 512.", min=1, max=10_000_000)
    ] = None,
    times: Annotated[
        Path | None, typer.Option(help="Text file of output times, instead of --t0, --t1, --points.")
    ] = None,
    rtol: Annotated[
        float | None, typer.Option(help="Relative tolerance that the error bound must meet; default that of the model.")
    ] = None,
    atol: Annotated[float | None, typer.Option(help="The same, absolute.")] = None,
    full: Annotated[bool, typer.Option("--full", help="Solve on the full dictionary: slower, more accurate.")] = False,
    output: Annotated[Path | None, typer.Option(help="File for the solution, .csv or .npz.")] = None,
    plot: Annotated[Path | None, typer.Option(help="File for a picture of the solution, such as out.png.")] = None,
) -> None:
    """Solve one member, or a sweep. Exit code 1: wrong input. 3: an error bound, or estimate, misses the tolerance."""
    with _clear_errors():
        from ..loading import load
        from . import arguments, export

        if output is not None:
            export.check_target(output)
        if plot is not None:
            export.check_picture(plot)
        loaded = load(model)
        values = arguments.sweep_values(parameter or [])
        tolerances = {name: value for name, value in (("rtol", rtol), ("atol", atol)) if value is not None}
        given = Given(y0, t0, t1, points, times, full)
        solution: PDESolution | Solutions | Solution | NonlinearSolution | WindowsSolution
        if isinstance(loaded, PDEModelShell):
            solution = _solve_field(loaded, arguments.assignments(parameter or []), tolerances, given, output)
        elif any(len(each) > 1 for each in values.values()):
            solution = _sweep(loaded, arguments.combined(values), tolerances, given, output)
        else:
            solution = _solve_one(loaded, arguments.assignments(parameter or []), tolerances, given, output)
        if plot is not None:
            solution.plot(plot)
            out.print(f"wrote {plot}", highlight=False, soft_wrap=True)
        if not np.all(solution.success):
            _warn(solution.message)
            raise typer.Exit(MISSED_TOLERANCE)


class Given(NamedTuple):
    """What `solve` was told besides parameters and tolerances."""

    y0: str | None
    t0: float | None
    t1: float | None
    points: int | None
    times: Path | None
    full: bool

    def start(self) -> list[float] | None:
        from . import arguments

        return None if self.y0 is None else arguments.numbers(self.y0, "--y0", float)

    def output_times(self, span: tuple[float, float]) -> np.ndarray:
        from . import export

        if self.times is None:
            ends = (span[0] if self.t0 is None else self.t0, span[1] if self.t1 is None else self.t1)
            return np.linspace(*ends, self.points or TIMES)
        if self.t0 is not None or self.t1 is not None:
            raise ValueError("give either --times or --t0 and --t1")
        return export.read_times(self.times)


def _solve_one(
    model: Model | NonlinearModel, params: dict[str, Any], tolerances: dict[str, Any], given: Given, output: Path | None
) -> Solution | NonlinearSolution | WindowsSolution:
    from . import export

    family = model.family
    t = given.output_times(family.t_span_at(**params))
    solution = model.solve(given.start(), t=t, **tolerances, reduced=False if given.full else None, **params)
    if output is None:
        out.print(_solution_table(solution, family.states))
    else:
        export.write_solution(output, solution, family.states)
        out.print(f"wrote {output}: {len(t)} times", highlight=False, soft_wrap=True)
    _say_error(solution, family.states)
    return solution


def _sweep(
    model: Model | NonlinearModel, params: dict[str, Any], tolerances: dict[str, Any], given: Given, output: Path | None
) -> Solutions:
    from . import export

    family, fixed = model.family, model.fixed_span
    ends = (given.t0, given.t1, given.points, given.times)
    if ends != (None, None, None, None) and fixed is None:
        raise ValueError("output times can't be given for a sweep where t_span depends on the parameters")
    observe = given.output_times(fixed) if fixed is not None else None
    start = None if given.y0 is None else np.array(given.start())
    options: dict[str, Any] = {**tolerances, **({"method": "full"} if given.full else {}), **params}
    found = model.solve_many(start, observe=observe, **options)
    if output is not None:
        export.write_sweep(output, found, family.states)
        out.print(f"wrote {output}: {len(found)} members", highlight=False, soft_wrap=True)
    else:
        out.print(_sweep_table(found, family.states))
    out.print(found.message, highlight=False)
    return found


def _solve_field(
    model: PDEModel | NonlinearPDEModel, params: dict[str, Any], tolerances: dict[str, Any], given: Given,
    output: Path | None,
) -> PDESolution:  # fmt: skip
    from . import export

    if given != Given(None, None, None, None, None, False):
        name = model.family.name
        raise ValueError(f"{name} is a model of PDEs: it takes --parameter, --rtol, --atol, --output and --plot alone")
    solution = model.solve(**tolerances, **params)
    if output is not None:
        export.write_field(output, solution)
        out.print(f"wrote {output}: u of shape {solution.u.shape}", highlight=False, soft_wrap=True)
    else:
        ends = [
            [name, *(f"{v:.6g}" for v in (u[..., 0].mean(), u[..., -1].mean(), u.min(), u.max()))]
            for name, u in zip(solution.fields, solution.u, strict=True)
        ]
        out.print(_table("", ["field", "mean at the start", "mean at the end", "least", "largest"], ends))
    _say_error(solution, solution.fields)
    return solution


def _say_error(solution: Result, names: Sequence[str]) -> None:
    if solution.error_estimate is not None:
        bounds = [f"{name} {error:.1e}" for name, error in zip(names, solution.error_estimate, strict=True)]
        what = "estimate" if solution.error_bound is None else "bound"
        out.print(f"error {what} {', '.join(bounds)} ({solution.method})", highlight=False)


def _solution_table(solution: Solution | NonlinearSolution | WindowsSolution, states: tuple[str, ...]) -> Table:
    shown = np.unique(np.linspace(0, len(solution.t) - 1, TABLE_ROWS).round().astype(int))
    rows = [[f"{solution.t[k]:.6g}", *(f"{v:.9g}" for v in solution.y[:, k])] for k in shown]
    title = f"{len(shown)} of {len(solution.t)} times" if len(shown) < len(solution.t) else ""
    return _table(title, ["t", *states], rows)


def _sweep_table(found: Solutions, states: tuple[str, ...]) -> Table:
    """Values at the end, of some of the members."""
    shown = np.unique(np.linspace(0, len(found) - 1, SWEEP_ROWS).round().astype(int))
    rows = [
        [*(f"{v:.6g}" for v in row.params.values()), *(f"{v:.9g}" for v in row.y[:, -1]), row.method, str(row.success)]
        for row in (found[int(k)] for k in shown)
    ]
    title = f"values at the end, {len(shown)} of {len(found)} members"
    return _table(title, [*found.params, *states, "method", "success"], rows)


# ----------------------------------------------------------------------------------------------------------- inspect
@app.command()
def inspect(
    model: Annotated[
        str, typer.Argument(help="A shipped model, such as dho or duffing, or the path of a .safetensors file.")
    ],
) -> None:
    """Show a model's passport: equations, ranges, training, compiled bases, measured accuracy, SHA-256."""
    with _clear_errors():
        from ..loading import load, where
        from . import passport

        loaded = load(model)
        path = where(model)
        try:
            out.print(passport.view(loaded, path))
        except (TypeError, AttributeError) as error:
            raise ValueError(f"the passport in {path} is not one that compile writes: {error}") from None
