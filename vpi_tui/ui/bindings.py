"""The keys that act on every screen, and the actions of the app that they call."""

from __future__ import annotations

from typing import Final

from textual.binding import Binding, BindingType

from vpi_tui.ui.screens import registry

_NUMBERS = [
    *(
        Binding(entry.key, f"open_page('{entry.name}')", entry.title, show=False, tooltip=entry.help)
        for entry in registry.PAGES
    ),
    Binding("8", "packets", "Packets", show=False, tooltip="where packets are: behind alerts, in 4"),
]
BINDINGS: Final[list[BindingType]] = [
    *sorted(_NUMBERS, key=lambda binding: binding.key),
    Binding("colon", "command", "Command", key_display=":", tooltip="type a command; Tab completes"),
    Binding("slash", "filter", "Filter", key_display="/", tooltip="narrow this screen; /!word = without"),
    Binding("question_mark", "help", "Help", key_display="?", tooltip="the keys of this screen"),
    Binding("p", "freeze", "Freeze", tooltip="hold the picture; the engine goes on"),
    Binding("escape", "back", "Back", show=False, key_display="Esc", tooltip="back, then all switches"),
    Binding("T", "themes", "Themes", show=False, tooltip="choose colours, with a live preview"),
    Binding("u", "undo", "Undo", show=False, tooltip="take the last switching of rules back"),
    Binding("r", "restart", "Restart", show=False, tooltip="start the engine again when it has ended"),
    Binding("plus", "faster(1)", "Faster", show=False, key_display="+", tooltip="replay, demo: faster"),
    Binding("minus", "faster(-1)", "Slower", show=False, key_display="-", tooltip="replay, demo: slower"),
    Binding("P", "hold", "Pause", show=False, tooltip="replay, demo: hold the traffic itself, or go on"),
    Binding("ctrl+p", "palette", "Palette", show=False, key_display="^P", tooltip="find anything"),
    Binding("ctrl+l", "redraw_terminal", "Redraw", show=False, key_display="^L", tooltip="draw all anew"),
    Binding("ctrl+z", "suspend_process", "Suspend", show=False, tooltip="to the shell; fg comes back"),
    Binding("ctrl+c", "quit", "Quit", show=False, priority=True, tooltip="leave"),
    Binding("q", "quit", "Quit", tooltip="leave"),
]
