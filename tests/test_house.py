"""The house itself: who imports whom, what is exported, how long files are, and what is not done anywhere."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("scan2sim", "splatwm", "apps")
MAX_LINES = 600

GROUND = {"errors", "progress", "geometry", "files", "lock", "cameras", "child"}  # everybody may import these
ROW_2 = {"splats", "bodies"}
ROW_3 = {"capture", "poses", "fit"}
ROW_5 = {"scene", "sim"}
ROW_6 = {"objects", "cousins", "export", "report"}
MAY_IMPORT = {
    "errors": set(),
    "progress": set(),
    "geometry": set(),
    "files": {"errors"},
    "lock": {"errors", "files"},
    "child": {"errors"},
    "cameras": {"errors", "files", "geometry"},
    "splats": GROUND,
    "bodies": GROUND,
    "capture": GROUND | ROW_2,
    "poses": GROUND | ROW_2 | {"capture"},
    "coach": GROUND | ROW_2 | {"capture", "poses"},
    "fit": GROUND | ROW_2 | {"capture", "poses"},
    "scene": GROUND | ROW_2,
    "sim": GROUND | ROW_2 | {"scene"},
    "objects": GROUND | ROW_2 | ROW_3 | ROW_5,
    "cousins": GROUND | ROW_2 | ROW_5,
    "export": GROUND | ROW_2 | ROW_5,
    "report": GROUND | ROW_2 | ROW_5,
    "pipeline": GROUND | ROW_2 | ROW_3 | {"coach"} | ROW_5 | ROW_6,
    "library": GROUND | ROW_2 | ROW_3 | ROW_5 | ROW_6 | {"pipeline"},
    "commands": GROUND | ROW_2 | ROW_3 | {"coach"} | ROW_5 | ROW_6 | {"pipeline", "library"},  # the other half of cli
    "program": GROUND | {"commands"},  # what the programs scan2sim and splatwm share
    "cli": {"program"},
    "splatwm": GROUND | ROW_2 | ROW_5 | {"cousins", "program", "commands"},
    "apps": GROUND | ROW_2 | ROW_3 | {"coach"} | ROW_5 | ROW_6 | {"pipeline", "library", "splatwm"},
}


def sources() -> list[Path]:
    return sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))


def folders() -> list[Path]:
    return sorted({path.parent for path in sources()})


def room(module: str) -> str | None:
    """The room that a module of ours belongs to: its name below scan2sim; None for other people's modules."""
    first, _, rest = module.partition(".")
    if first in ("splatwm", "apps", "scan2sim_apps"):
        return "apps" if first.endswith("apps") else first
    return rest.partition(".")[0] if first == "scan2sim" else None


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(path: Path) -> Iterator[str]:
    """The modules that a file imports, wherever in it the statement stands."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            here = module_of(path.parent / "__init__.py").split(".")  # what one leading dot means
            parent = here[: len(here) - node.level + 1] if node.level else []
            module = ".".join([*parent, *([node.module] if node.module else [])])
            yield module
            yield from (f"{module}.{alias.name}" for alias in node.names)


def called_names(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {n.func.id for n in ast.walk(tree) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)}


@pytest.mark.parametrize("path", sources(), ids=module_of)
def test_a_room_imports_only_what_it_may(path: Path) -> None:
    own = room(module_of(path))
    if not own:  # scan2sim/__init__.py
        assert not [module for module in imports(path) if room(module)]
        return
    assert own in MAY_IMPORT, f"{own} is no room of the house"
    for module in imports(path):
        other = room(module)
        if other and other != own and other in MAY_IMPORT:
            assert other in MAY_IMPORT[own], f"{path.relative_to(ROOT)} imports {module}"


def test_there_are_no_cycles() -> None:
    """Neither between rooms nor between the files of one room."""
    files = {module_of(path): path for path in sources()}
    packages = {module_of(folder / "__init__.py") for folder in folders()}
    graph = {
        module: {name for name in imports(path) if name in files and name not in packages} - {module}
        for module, path in files.items()
        if module not in packages
    }
    finished: set[str] = set()

    def visit(module: str, way: tuple[str, ...]) -> None:
        assert module not in way, " → ".join([*way[way.index(module) :], module])
        if module not in finished:
            for other in graph[module]:
                visit(other, (*way, module))
            finished.add(module)

    for module in graph:
        visit(module, ())


@pytest.mark.parametrize("path", sources(), ids=module_of)
def test_every_exported_name_resolves(path: Path) -> None:
    if path.is_relative_to(ROOT / "apps"):
        pytest.importorskip("viser")
    if path.parent.name == "template" and path.stem not in ("__init__", "push_task"):
        pytest.skip("runs in the package that is made of it, in Isaac Lab")
    if path.stem == "baselines3":
        pytest.importorskip("stable_baselines3")
    module = import_module(module_of(path))
    names = getattr(module, "__all__", [])
    assert sorted(set(names)) == sorted(names), "a name is exported twice"
    for name in names:
        assert getattr(module, name) is not None


@pytest.mark.parametrize("folder", folders(), ids=lambda folder: folder.relative_to(ROOT).as_posix())
def test_every_folder_says_what_lives_there(folder: Path) -> None:
    tree = ast.parse((folder / "__init__.py").read_text(encoding="utf-8"))
    assert ast.get_docstring(tree)


def test_no_source_file_is_too_long() -> None:
    kinds = ("*.py", "*.cpp", "*.h", "*.inl")
    places = (*PACKAGES, "tests", "examples", "benchmarks")
    lengths = {
        path.relative_to(ROOT).as_posix(): len(path.read_text(encoding="utf-8").splitlines())
        for place in places
        for kind in kinds
        for path in (ROOT / place).rglob(kind)
    }
    assert len(lengths) > 20
    assert {name: lines for name, lines in lengths.items() if lines > MAX_LINES} == {}


@pytest.mark.parametrize("path", sources(), ids=module_of)
def test_no_printing_and_no_pickle(path: Path) -> None:
    assert not called_names(path) & {"print", "eval", "exec"}
    unsafe = {"pickle", "cPickle", "dill", "joblib", "shelve"}
    assert not {module.partition(".")[0] for module in imports(path)} & unsafe


def test_forbidden_names_of_files() -> None:
    assert not [path for path in sources() if path.stem in ("utils", "util", "helpers", "misc", "common")]


OTHER_NAMES = {"PIL": "pillow", "cv2": "opencv-python-headless", "skimage": "scikit-image", "pxr": "usd-core"}
COMES_WITH = {"markupsafe": "jinja2"}
ONLY_THERE = {  # run in children, or imported by name, where it is
    "scan2sim.export.inspect_simready",
    "scan2sim.export.inspect_yourdfpy",
    "scan2sim.sim.baselines3",
}


def test_what_is_imported_at_start_is_a_dependency() -> None:
    """Else it works for developers, whose extras happen to bring it, and for nobody else."""
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    known = {re.split(r"[<>=;\[ ]", line)[0].lower().replace("_", "-") for line in declared}
    missing = set()
    for path in sources():
        if "template" in path.parts or module_of(path) in ONLY_THERE:  # programs for other environments
            continue
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            found = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            found += [node.module] if isinstance(node, ast.ImportFrom) and node.module and not node.level else []
            for name in (module.partition(".")[0] for module in found):
                package = COMES_WITH.get(name, OTHER_NAMES.get(name, name)).lower().replace("_", "-")
                if name not in sys.stdlib_module_names and room(name) is None and name != "scan2sim":
                    missing |= {(package, module_of(path))} if package not in known else set()
    assert not missing
