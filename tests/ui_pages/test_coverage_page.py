"""The Coverage screen: worst first, its cause and command below, in every width and without Unicode."""

from __future__ import annotations

from typing import Any

import pytest

from tests.ui.driver import text
from tests.ui_pages.scene import page, press
from tests.view.test_coverage import PORTS
from vpi_tui.ui.screens.coverage import CoveragePage


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
@pytest.mark.parametrize("ascii_only", [False, True])
async def test_ports_with_cause_and_command(size: tuple[int, int], ascii_only: bool) -> None:
    async with page("coverage", size, ascii_only=ascii_only, coverage=PORTS) as (app, pilot, _):
        shown = text(app)
        assert "2 blind" in shown
        assert "vm-b" in shown
        assert "vpi-tui -i br0" in shown
        assert " 10 %" in shown.splitlines()[1], "the share is in the second line on every screen"
        await press(app, pilot, "m")
        assert "vm-a" not in text(app), text(app)
        await press(app, pilot, "m", "enter")
        assert "1.00 kB" in text(app), text(app)
        assert "interface counters" in text(app)


async def test_the_command_is_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    async with page("coverage", (80, 24), coverage=PORTS) as (app, pilot, _):
        copied: list[Any] = []
        monkeypatch.setattr(app, "copy_to_clipboard", copied.append)
        await press(app, pilot, "c")
        assert copied == ["vpi-tui -i br0"]
        await press(app, pilot, "greater_than_sign")
        assert isinstance(app.page, CoveragePage)
        assert app.page.sort_key == "port"
        await press(app, pilot, "c")
        assert copied == ["vpi-tui -i br0"], "nothing is to be mended at the port under the cursor"
