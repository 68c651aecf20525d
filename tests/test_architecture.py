"""What the rooms promise, checked in the source itself; import-linter checks who imports whom."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "vpi_tui"
MODULES = sorted(PACKAGE.rglob("*.py"))
ROOMS = sorted(path.parent.name for path in PACKAGE.glob("*/__init__.py"))


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def imported(path: Path) -> set[str]:
    return _imports_of(tree(path))


def _imports_of(module: ast.Module) -> set[str]:
    """Dotted names of everything that is imported, wherever in the module."""
    names: set[str] = set()
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def of_room(*rooms: str) -> list[Path]:
    return [path for room in rooms for path in sorted((PACKAGE / room).rglob("*.py"))]


def at(path: Path, line: int = 0) -> str:
    return f"{path.relative_to(ROOT)}{f':{line}' if line else ''}"


def test_every_module_says_what_it_is():
    assert [at(path) for path in MODULES if len(ast.get_docstring(tree(path)) or "") < 10] == []


def test_every_room_is_on_the_map():
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    assert [room for room in ROOMS if f"`{room}/" not in text] == []


def test_the_model_imports_nothing_of_ours_but_itself():
    ours = {n for path in of_room("model") for n in imported(path) if n.startswith("vpi_tui")}
    assert {n for n in ours if not n.startswith("vpi_tui.model")} == set()


CLOCKS_AND_WIRES = {"time", "socket", "subprocess", "threading", "selectors", "asyncio", "random"}
AT_A_SOCKET = {"vpi_tui/output/logstream.py"}
"""Whoever reads the log may be at one."""
PURE = ("model", "decode", "flow", "stream", "detect/match", "detect/behaviour", "output", "view")


def test_stages_and_views_have_no_clock_and_no_socket():
    """Time and input are handed in, so that the same input gives the same output."""
    found = {at(path) for path in of_room(*PURE) if imported(path) & CLOCKS_AND_WIRES}
    assert found - AT_A_SOCKET == set()


def test_the_terminal_side_takes_no_packet_apart_at_start():
    """scapy costs half a second: it is imported inside the function that needs it, if at all."""
    for path in of_room("ui", "view"):
        top = ast.Module([n for n in tree(path).body if isinstance(n, ast.Import | ast.ImportFrom)], [])
        assert not {n for n in _imports_of(top) if n.partition(".")[0] in ("scapy", "numba")}, at(path)


UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b|NotImplementedError|/home/\w+/|/work/")
SILENCED = re.compile(r"type: ignore(?!\[)|noqa(?!: [A-Z]+\d)")


@pytest.mark.parametrize("wrong", [UNFINISHED, SILENCED], ids=["half done", "silenced without a name"])
def test_no_line_is(wrong):
    lines = (
        (path, number, line)
        for path in MODULES
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
    )
    assert [at(path, number) for path, number, line in lines if wrong.search(line)] == []


def test_no_error_is_swallowed_blindly():
    """A handler of every exception there is must raise again, or hand the exception on."""
    handlers = (
        (path, node)
        for path in MODULES
        for node in ast.walk(tree(path))
        if isinstance(node, ast.ExceptHandler) and _catches_all(node)
    )
    assert [at(path, node.lineno) for path, node in handlers if not _hands_on(node)] == []


def _catches_all(node: ast.ExceptHandler) -> bool:
    return node.type is None or (
        isinstance(node.type, ast.Name) and node.type.id in ("Exception", "BaseException")
    )


def _hands_on(node: ast.ExceptHandler) -> bool:
    inside = [n for stmt in node.body for n in ast.walk(stmt)]
    return any(isinstance(n, ast.Raise) or (isinstance(n, ast.Name) and n.id == node.name) for n in inside)


VERDICTS = {
    "Refused",
    "YamlProblem",
    "FilterError",
    "TooManyPortsError",
    "TooShortError",
    "MalformedError",
    "LinkError",
    "CutError",
}
"""Raised and caught inside one room; all others are VpiErrors, which a user may see."""


def test_every_error_is_of_one_tree():
    roots = {"Exception", "ValueError", "RuntimeError", "OSError", "KeyError", "TypeError"}
    classes = (n for path in MODULES for n in ast.walk(tree(path)) if isinstance(n, ast.ClassDef))
    own = {c.name for c in classes if roots & {b.id for b in c.bases if isinstance(b, ast.Name)}}
    public = {name for name in own if not name.startswith("_")}
    assert public == {"VpiError", *VERDICTS}
