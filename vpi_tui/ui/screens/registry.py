"""Which screens there are. A page's module is imported when it is opened first."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module

from vpi_tui.ui.screens.base import Page


@dataclass(frozen=True, slots=True)
class PageEntry:
    """name: what `:` and `go` call it. key: its number key. kind: module and class in ui/screens."""

    name: str
    key: str
    title: str
    help: str
    kind: str

    def make(self) -> Page:
        module, _, name = self.kind.partition(":")
        page: Page = getattr(import_module(f"vpi_tui.ui.screens.{module}"), name)(id=f"page-{self.name}")
        return page


PAGES: tuple[PageEntry, ...] = (
    PageEntry("overview", "1", "Overview", "the whole picture", "overview:OverviewPage"),
    PageEntry("switches", "2", "Switches", "a wall of panes", "switches:SwitchesPage"),
    PageEntry("flows", "3", "Flows", "who talks to whom", "flows:FlowsPage"),
    PageEntry("alerts", "4", "Alerts", "the inbox of alerts", "alerts:AlertsPage"),
    PageEntry("rules", "5", "Rules", "packs and rules, on and off", "rules:RulesPage"),
    PageEntry("matrix", "6", "Matrix", "which guest speaks to which", "matrix:MatrixPage"),
    PageEntry(
        "coverage",
        "7",
        "Coverage",
        "what is seen of each port, and why not all",
        "coverage:CoveragePage",
    ),
    PageEntry("engine", "9", "Engine", "the engine's own health", "engine:EnginePage"),
)


def find(name: str) -> PageEntry | None:
    return next((entry for entry in PAGES if entry.name == name), None)
