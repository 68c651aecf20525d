"""The engine's life in words."""

from __future__ import annotations

from tests.view.samples import snapshot
from vpi_tui.view import life


def test_progress_is_read_from_what_the_engine_says() -> None:
    told = life.start(snapshot(state="starting", state_text="Compiling kernels (3 of 12)"), 1.0)
    assert (told.doing, told.share, told.detail, told.hint) == ("Compiling kernels", 0.25, "3 of 12", "")


def test_no_progress_and_nothing_said() -> None:
    assert life.start(None, 0.0) == life.Start("Starting the engine", None, "", "")
    told = life.start(snapshot(state_text="Reading (0 of 0)"), 0.0)
    assert (told.doing, told.share) == ("Reading", None)


def test_a_long_start_is_explained() -> None:
    assert "first start compiles" in life.start(None, 12.0).hint


def test_banner_says_what_happened_and_what_to_do() -> None:
    assert life.banner("running", snapshot(), "") is None
    failed = life.banner("failed", snapshot(), "The engine was killed by signal 9.")
    assert failed is not None
    assert failed.text == "The engine failed: The engine was killed by signal 9."
    assert ("r", "restart") in failed.keys
    over = life.banner("finished", snapshot(mode="replay", state_text="All of a.pcap was read."), "")
    assert over is not None
    assert over.text == "The replay is over: All of a.pcap was read."


def test_banner_escapes_what_it_is_told() -> None:
    told = life.banner("failed", None, "no file \x1b[2J")
    assert told is not None
    assert told.text == "The engine failed: no file \\x1b[2J"
