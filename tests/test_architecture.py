"""The shape of the package: what may import what, what loads when, what is public, how long things are."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import deocclude

SOURCE = Path(deocclude.__file__).parent
MODULES = sorted(SOURCE.rglob("*.py"))

CORE = {
    "adjacency", "crops", "errors", "files", "geometry", "images", "masks", "repair", "rle", "scene", "settings",
    "stages",
}  # fmt: skip
STAGES = {
    "amodal", "content", "datasets", "evaluation", "formats", "layers", "nets", "ordering", "references", "segment",
    "training",
}  # fmt: skip
LEVEL = {
    **dict.fromkeys(CORE, 0),
    **dict.fromkeys(STAGES, 2),
    "weights": 2,
    "demo": 2,
    "project": 3,
    "fingerprints": 4,
    "hidden": 4,
    "pipeline": 4,
    "plan": 4,
    "referencing": 4,
    "cli": 5,
    "app": 5,
    "__main__": 6,
}
"""A part imports its own level and those below; so core keeps to itself."""

TORCH = {"nets", "training", "weights"}
"""Parts that are about networks; elsewhere only the modules below, which wrap one, import torch."""
WRAPPERS = {
    "amodal/pcnet_m.py", "ordering/dual_completion.py", "content/pcnet_c.py", "content/fusion.py",
    "evaluation/content_features.py",
}  # fmt: skip

PUBLIC = [
    "__version__", "Arrangement", "Box", "DeoccludeError", "Instance", "LayerStack", "Mask", "Move", "Override",
    "Photo", "Project", "Scene", "Settings", "Size", "compose", "open_project", "read_photo", "read_project",
    "read_scene", "run", "write_scene",
]  # fmt: skip

HEAVY = ("torch", "cv2", "scipy", "skimage", "networkx", "faiss", "matplotlib")


def name_of(path: Path) -> str:
    return path.relative_to(SOURCE).as_posix()


def part_of(path: Path) -> str:
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def type_checking_only(module: ast.Module) -> set[ast.stmt]:
    """The statements below ``if TYPE_CHECKING``."""
    blocks = [n for n in ast.walk(module) if isinstance(n, ast.If) and ast.unparse(n.test).endswith("TYPE_CHECKING")]
    return {inner for block in blocks for statement in block.body for inner in ast.walk(statement)}


def imports(path: Path, *, annotations: bool = True) -> Iterator[str]:
    """Dotted names of all modules that a file imports, in functions too."""
    skipped = set() if annotations else type_checking_only(tree(path))
    for node in ast.walk(tree(path)):
        if node in skipped:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name_of(path)}: imports are absolute"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_import_direction(path):
    part = part_of(path)
    if part == "__init__":
        return
    assert part in LEVEL, f"{part} is a new part of the package: give it a level here and in the design"
    for name in imports(path):
        if not name.startswith("deocclude."):
            continue
        other = name.split(".")[1]
        if other == "__version__":
            continue
        assert LEVEL[other] <= LEVEL[part], f"{name_of(path)} may not import {name}"


def test_stages_do_not_import_each_other_in_circles():
    used: dict[str, set[str]] = {stage: set() for stage in STAGES}
    for path in MODULES:
        names = {name.split(".")[1] for name in imports(path) if name.startswith("deocclude.")}
        used.get(part_of(path), set()).update(names & STAGES - {part_of(path)})
    assert list(TopologicalSorter(used).static_order())  # raises CycleError, which names the circle


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_torch_stays_with_the_networks(path):
    wanted = any(name.split(".")[0] in ("torch", "lightning", "safetensors") for name in imports(path))
    assert not wanted or part_of(path) in TORCH or name_of(path) in WRAPPERS


def modules_after(code: str) -> set[str]:
    script = f"import sys\n{code}\nprint(*sorted(sys.modules), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return set(done.stderr.split())


@pytest.mark.parametrize(
    "code",
    [
        "import deocclude",
        "from deocclude.cli.main import main; assert main(['--help']) == 0",
        "from deocclude.cli.main import main; assert main(['run', '--help']) == 0",
        "from deocclude import amodal, content, formats, layers, ordering",
    ],
)
def test_nothing_heavy_is_loaded_early(code):
    loaded = modules_after(code)
    assert "deocclude" in loaded
    assert not loaded & set(HEAVY)


def test_no_network_is_loaded_before_one_is_asked():
    assert "torch" not in modules_after("import deocclude.pipeline, deocclude.app.factory")


def test_public_names_are_frozen():
    assert list(deocclude.__all__) == PUBLIC
    assert set(dir(deocclude)) == set(PUBLIC)
    for name in PUBLIC:
        thing = getattr(deocclude, name)
        if name != "__version__":
            assert thing.__doc__
            assert thing.__module__.startswith("deocclude.")


def test_unknown_public_name():
    with pytest.raises(AttributeError, match="has no attribute 'Masks'"):
        _ = deocclude.Masks


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_documents_that_are_named_are_there(path):
    named = set(re.findall(r"\bdocs/[\w-]+\.md\b|\b[A-Z]{4,}\.md\b", path.read_text(encoding="utf-8")))
    root = Path(__file__).parents[1]
    assert not {name for name in named if not (root / name).is_file()}


def definitions(path: Path) -> Iterator[ast.FunctionDef | ast.ClassDef]:
    for node in ast.walk(tree(path)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield node


def public_definitions(body: list[ast.stmt]) -> Iterator[ast.FunctionDef | ast.ClassDef]:
    for node in body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)) and not node.name.startswith("_"):
            yield node
            if isinstance(node, ast.ClassDef):
                yield from public_definitions(node.body)


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_everything_public_has_a_docstring(path):
    assert ast.get_docstring(tree(path)), "the first line of a module says what it is for"
    missing = [node.name for node in public_definitions(tree(path).body) if not ast.get_docstring(node)]
    assert not missing


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_nothing_is_long(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 500
    for node in definitions(path):
        if not isinstance(node, ast.ClassDef):
            first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
            assert node.end_lineno - first < 60, f"{name_of(path)}: {node.name}"
            arguments = node.args
            count = len(arguments.posonlyargs) + len(arguments.args) + len(arguments.kwonlyargs)
            assert count <= 9, f"{name_of(path)}: {node.name}"  # eight and self
