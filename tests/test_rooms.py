"""The package's rooms: imports go from the higher room to the lower one alone, and no modules import each other.

Imports inside functions count; those under TYPE_CHECKING count for the order of the rooms, not for circles.
"""

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import stlfast

ROOT = Path(stlfast.__file__).parent
# From the lowest. Rooms of one line stand side by side: neither imports the other.
ROOMS = [
    ["_cpu", "_core_baseline", "_core_v3"],
    ["_isa"],
    ["_core"],
    ["base"],
    ["equations"],
    ["equations.ode", "equations.pde"],
    ["families", "features"],
    ["results"],
    ["direct"],
    ["direct.ode", "direct.pde"],
    ["training", "reduced"],
    ["models"],
    ["compiler", "loading"],
    ["measure"],
    ["command"],
    ["", "__main__"],  # stlfast itself
]
LEVEL = {room: level for level, rooms in enumerate(ROOMS) for room in rooms}
# A folder's own modules stand beside its subfolders: direct.windows is used by direct.ode, and may use equations alone.
MAY_IMPORT_FAMILIES = {"command", ""}


def room(module):
    """The innermost room that a module is in; each module is in one."""
    while module not in LEVEL:
        module, _, last = module.rpartition(".")
        if not module:
            raise LookupError(f"{last} is in no room: give it one in ROOMS")
    return module


def modules(root):
    """Dotted name without the package's → path, of each module under root."""
    found = {}
    for path in sorted(root.rglob("*.py")):
        *folders, last = path.relative_to(root).with_suffix("").parts
        found[".".join(folders if last == "__init__" else [*folders, last])] = path
    return found


def imports(source, module, is_package, known, package="stlfast"):
    """(imported module, whether at run time) of each import of the package's own modules in the text of one of them."""
    tree = ast.parse(source)
    for_types = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING")
        for statement in node.body
        for inner in ast.walk(statement)
    }
    parents = module.split(".") if module else []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            named = [alias.name.split(".") for alias in node.names]
            targets = [".".join(parts[1:]) for parts in named if parts[0] == package]
        elif isinstance(node, ast.ImportFrom):
            parts = (node.module or "").split(".") if node.module else []
            if node.level:
                parts = parents[: len(parents) + is_package - node.level] + parts
            elif parts[:1] == [package]:
                parts = parts[1:]
            else:
                continue
            whole = ".".join(parts)
            deeper = [".".join([*parts, alias.name]) for alias in node.names]
            targets = [name if name in known else whole for name in deeper]
        else:
            continue
        for target in targets:
            if target != module:
                yield target, id(node) not in for_types


def graph(sources):
    """{module: {imported module: whether at run time}} of {module: (text, whether it is a folder's __init__)}."""
    compiled = {name for rooms in ROOMS[:3] for name in rooms}
    found = {}
    for module, (text, is_package) in sources.items():
        found[module] = {}
        for target, runs in imports(text, module, is_package, sources.keys() | compiled):
            found[module][target] = runs or found[module].get(target, False)
    return found


def upward(found):
    """Each import that does not go down."""
    wrong = []
    for module, targets in found.items():
        for target in targets:
            here, there = room(module), room(target)
            down = LEVEL[there] < LEVEL[here] and (there != "families" or here in MAY_IMPORT_FAMILIES)
            if here != there and not down:
                wrong.append(f"{module or 'stlfast'} imports {target or 'stlfast'}")
    return sorted(wrong)


def circle(found):
    """Modules that import each other, or None. The package itself is left out: its names are looked up lazily."""
    try:
        TopologicalSorter(
            {m: {t for t, runs in targets.items() if runs and t} for m, targets in found.items() if m}
        ).prepare()
    except CycleError as error:
        return error.args[1]
    return None


@pytest.fixture(scope="module")
def package():
    return graph({name: (p.read_text(encoding="utf-8"), p.name == "__init__.py") for name, p in modules(ROOT).items()})


def test_imports_go_down(package):
    assert len(package) > 60
    assert upward(package) == []


def test_no_circle(package):
    assert circle(package) is None


@pytest.mark.parametrize(
    ("module", "text", "wrong"),
    [
        ("base.errors", "from ..equations.ode.family import Family", ["base.errors imports equations.ode.family"]),
        ("equations.ode.file", "from ..pde import family", ["equations.ode.file imports equations.pde.family"]),
        ("equations.reading", "from .ode.family import Family", ["equations.reading imports equations.ode.family"]),
        ("direct.ode.solver", "def f():\n    from ..pde import rows", ["direct.ode.solver imports direct.pde"]),
        ("reduced.bands", "from stlfast.training.train import train_body", ["reduced.bands imports training.train"]),
        ("base.checks", "import stlfast.models.linear", ["base.checks imports models.linear"]),
        ("results.plot", "import stlfast", ["results.plot imports stlfast"]),
        ("models.base", "if TYPE_CHECKING:\n    from ..loading import load", ["models.base imports loading"]),
        ("measure.accuracy", "from .. import families", ["measure.accuracy imports families"]),
        ("models.base", "from .. import _core\nfrom ..equations.ode import family\nimport numpy as np", []),
        ("command.app", "from .. import families", []),
    ],
)
def test_an_upward_import_is_found(module, text, wrong):
    files = dict.fromkeys(["equations.ode.family", "equations.pde.family", "families"], ("", False))
    assert upward(graph(files | {module: (text, False)})) == wrong


def test_a_circle_is_found_also_where_an_import_is_inside_a_function():
    def pair(text):
        return graph({"base.a": ("from . import b", False), "base.b": (text, False), "base": ("", True)})

    assert set(circle(pair("def f():\n    from .a import g"))) == {"base.a", "base.b"}
    assert circle(pair("if TYPE_CHECKING:\n    from .a import g")) is None
    assert circle(pair("import numpy")) is None
