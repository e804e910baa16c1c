"""Imports point downward only, and each library is imported in one place."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from rag.settings import ROOT

LAYERS = (
    {"datatypes"},
    {
        "settings",
        "blocks",
        "bank",
        "remembered",
        "sparse",
        "classify",
        "ground",
        "bundle",
        "calibration",
        "leaning",
        "expected",
        "places",
        "election",
        "names",
    },
    {"embed", "scrub", "records"},
    {"corpus", "split", "triage", "scope", "words", "dense", "curate"},
    {"store"},
    {"index"},
    {"retrieve", "learn", "dialogue"},
    {"evidence", "suggest"},
    {"compose"},
    {"assistant", "contract"},
    {"keeping"},
    {"web"},
    {"explain"},
    {"terminal"},
    {"cli_corpus", "cli_records"},
    {"cli"},
    {"__main__"},
)
ONLY_IN = {
    "tiktoken": {"split"},
    "sentence_transformers": {"embed", "learn"},
    "torch": {"embed", "learn"},
    "faiss": {"dense"},
    "bm25s": {"sparse"},
    "gradio": {"web"},
    "sqlalchemy": {"records"},
    "alembic": {"records"},
    "sqlite3": {"records"},
    "limits": {"web"},
    "rich": {"cli", "cli_corpus", "terminal"},
}


def imported(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def imported_at_once(path: Path) -> set[str]:
    """What a module imports while it is itself imported: not inside functions or for types."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = set()
    for node in tree.body:
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def module(path: Path) -> str:
    return path.relative_to(ROOT / "rag").parts[0].removesuffix(".py")


FILES = sorted(p for p in (ROOT / "rag").rglob("*.py") if p.name != "__init__.py")


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_downward(path: Path) -> None:
    level = next(at for at, layer in enumerate(LAYERS) if module(path) in layer)
    below = set().union(*LAYERS[:level]) | {module(path)}
    used = {name.split(".")[1] for name in imported(path) if name.startswith("rag.")}
    assert used <= below
    assert not any(name.split(".")[0] in {"eval", "tests"} for name in imported(path))


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_each_library_has_one_place(path: Path) -> None:
    for library in {name.split(".")[0] for name in imported(path)} & ONLY_IN.keys():
        assert module(path) in ONLY_IN[library]


@pytest.mark.parametrize("library", ["sqlalchemy", "alembic", "gradio", "fastapi"])
def test_asking_on_the_command_line_imports_no_page_and_no_database(library: str) -> None:
    seen: set[str] = set()
    waiting = ["rag.cli", "rag.__main__"]
    while waiting:
        name = waiting.pop()
        if name not in seen and path_of(name).is_file():
            seen.add(name)
            waiting += imported_at_once(path_of(name))
    used = {name.split(".")[0] for one in seen for name in imported_at_once(path_of(one))}
    assert {"rag.cli", "rag.assistant", "rag.cli_records"} <= seen
    assert library not in used


def path_of(name: str) -> Path:
    return (ROOT / name.replace(".", "/")).with_suffix(".py")
