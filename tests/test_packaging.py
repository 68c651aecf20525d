"""What pyproject.toml says is true of the source."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from vpi_tui.cli.checks import DEPENDENCIES
from vpi_tui.config import paths

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
RUNTIME = PROJECT["project"]["dependencies"]
EXTRAS = PROJECT["project"]["optional-dependencies"]


def name_of(requirement: str) -> str:
    return re.split(r"[<>=\[ ]", requirement)[0].lower()


def imported_distributions(folder: str) -> set[str]:
    """Names on PyPI of what the modules of a folder import, wherever in them."""
    known = packages_distributions()
    found: set[str] = set()
    for path in (ROOT / folder).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
                names = [node.module]
            tops = {name.partition(".")[0] for name in names} - set(sys.stdlib_module_names)
            found |= {known.get(top, [top])[0].lower() for top in tops}
    beside = {path.stem for path in (ROOT / folder).glob("*.py")}
    return found - {"vpi-tui", "vpi_tui", "tests", "benchmarks"} - beside


@pytest.mark.parametrize("requirement", [*RUNTIME, *(r for extra in EXTRAS.values() for r in extra)])
def test_every_version_is_bounded_on_both_sides(requirement):
    assert requirement.startswith("vpi-tui[") or re.fullmatch(r"[\w.-]+>=[\d.]+,<[\d.]+", requirement)


def test_what_is_imported_is_declared_and_what_is_declared_is_imported():
    optional = {name_of(r) for extra in ("geoip", "libvirt", "vmware") for r in EXTRAS[extra]}
    assert imported_distributions("vpi_tui") - optional == {name_of(r) for r in RUNTIME}


def test_tests_and_benchmarks_declare_what_they_import():
    extras = ("test", "bench", "fuzz", "geoip", "vmware")
    declared = {name_of(r) for r in RUNTIME} | {name_of(r) for extra in extras for r in EXTRAS[extra]}
    assert imported_distributions("tests") | imported_distributions("benchmarks") <= declared


def test_doctor_looks_for_all_of_them():
    assert sorted(DEPENDENCIES) == sorted(name_of(r) for r in RUNTIME)


def test_rules_and_themes_are_installed_where_they_are_looked_for():
    included = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    assert included == {name: f"{paths.PACKAGE.name}/data/{name}" for name in ("rules", "themes")}
    assert all((ROOT / name).is_dir() for name in included)
