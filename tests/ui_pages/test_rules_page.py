"""Rules as an operator meets them: switched alone, by pack, by filter; refused ones with their reason."""

from __future__ import annotations

import time

import msgspec
import pytest

from tests.ui.driver import NARROW, WIDE, drawn, step, text
from tests.ui.fake_client import snapshot
from tests.ui_pages.scene import page, press, rules
from vpi_tui.feed.messages import GetAlert, GetRule, Notice, Reload, Toggle, UndoToggle
from vpi_tui.model.snapshot import RuleStat

SIZES = pytest.mark.parametrize("size", [NARROW, WIDE])


async def refresh(app, pilot, engine) -> None:
    """The engine's next picture says that its rules changed, and the page asks for them."""
    for number in (70, 71):
        engine.put(snapshot(number, ruleset_serial=engine.serial))
        await step(app, pilot)
        await step(app, pilot)


@SIZES
async def test_packs_fold_and_unfold(size) -> None:
    async with page("rules", size) as (app, pilot, _):
        shown = text(app)
        for part in ("web-attack", "Attacks on", "recon", "3/3", "6 on of 6 rules", "1 refused"):
            assert part in shown
        assert "Rule number" not in shown
        await press(app, pilot, "enter")
        assert text(app).count("Rule number") == 3
        await press(app, pilot, "down", "left")
        assert text(app).count("Rule number") == 0
        await press(app, pilot, "f")
        assert text(app).count("Rule number") == 6
        await press(app, pilot, "greater_than_sign", "f")
        assert "shows rules without folds" in text(app)


async def test_a_key_pressed_twice_switches_there_and_back() -> None:
    """Without waiting for what the engine says to the first."""
    async with page("rules", NARROW) as (_, pilot, engine):
        await pilot.press("right", "down", "space", "space")
        one = ((1, 2000001),)
        assert engine.of(Toggle) == [Toggle(False, one), Toggle(True, one)]
        await pilot.press("home", "space", "space")
        assert engine.of(Toggle)[2:] == [Toggle(False, pack="web-attack"), Toggle(True, pack="web-attack")]
        await pilot.press("4", "x", "x")
        assert [order.enabled for order in engine.of(Toggle)[4:]] == [False, True]


@SIZES
async def test_one_rule_is_switched_and_the_effect_is_shown(size) -> None:
    async with page("rules", size) as (app, pilot, engine):
        await press(app, pilot, "right", "down", "space")
        assert engine.of(Toggle) == [Toggle(False, ((1, 2000001),))]
        assert "off: had raised 3 alerts" in text(app)
        await refresh(app, pilot, engine)
        row = next(line for line in drawn(app) if "Rule number 2000001" in line)
        assert f"{app.page.look.glyphs.off} off" in row
        assert "2/3" in text(app)
        assert "part" in text(app)
        await press(app, pilot, "space")
        assert engine.of(Toggle)[-1] == Toggle(True, ((1, 2000001),))
        await press(app, pilot, "u")
        assert len(engine.of(UndoToggle)) == 1


async def test_a_whole_pack_is_switched() -> None:
    async with page("rules", NARROW) as (app, pilot, engine):
        await press(app, pilot, "down", "space")
        assert engine.of(Toggle) == [Toggle(False, pack="recon")]


async def test_all_that_fit_a_filter_are_switched_in_one_order() -> None:
    async with page("rules", NARROW) as (app, pilot, engine):
        await press(app, pilot, "o")
        assert "Filter first" in text(app)
        assert not engine.of(Toggle)
        app.set_filter("sev:high")
        await press(app, pilot, "o")
        assert engine.of(Toggle) == [Toggle(False, ((1, 2000001), (1, 2000004)))]
        await refresh(app, pilot, engine)
        await press(app, pilot, "o")
        assert "off already" in text(app)
        await press(app, pilot, "O")
        assert engine.of(Toggle)[-1] == Toggle(True, ((1, 2000001), (1, 2000004)))
        assert "Did you mean sid:" in app.page.apply_filter("sdi:1")


@SIZES
async def test_refused_rules_are_listed_with_place_and_reason(size) -> None:
    async with page("rules", size) as (app, pilot, engine):
        await press(app, pilot, "end", "enter", "down")
        assert "keyword `frobnicate`" in text(app) or "keyword" in text(app)
        await press(app, pilot, "enter")
        assert "/rules/local.rules:17" in text(app)
        await press(app, pilot, "space")
        assert "cannot be switched" in text(app)
        assert not engine.of(Toggle)


@SIZES
async def test_a_rule_opens_with_its_text_its_meaning_and_its_alerts(size) -> None:
    async with page("rules", size) as (app, pilot, engine):
        await press(app, pilot, "right", "down", "enter")
        assert engine.of(GetRule) == [GetRule(1, 2000001)]
        shown = text(app)
        for part in ("sid 2000001 rev 1", "Alerts when the payload", "61", "web-1", "UTC"):
            assert part in shown
        assert "tcp any any" in shown
        await press(app, pilot, "space")
        assert engine.of(Toggle)[-1] == Toggle(False, ((1, 2000001),))
        await press(app, pilot, "tab", "tab", "enter")
        assert app.page.id == "page-alerts"
        assert engine.of(GetAlert)
        await press(app, pilot, "escape", "escape")
        assert app.page.id == "page-rules"


async def test_only_rules_that_raised_an_alert() -> None:
    async with page("rules", NARROW) as (app, pilot, _):
        await press(app, pilot, "h")
        assert text(app).count("Rule number") == 1
        await press(app, pilot, "h")
        assert text(app).count("Rule number") == 0


@SIZES
async def test_rules_are_sorted_by_what_they_cost_and_go_back_to_their_packs(size) -> None:
    costs = tuple(RuleStat(1, 2000000 + n, 0, 0, 10 * n, n, n * 10**9) for n in range(1, 7))
    async with page("rules", size, stats={"stage.detect.seconds": 42.0}, rules=costs) as (app, pilot, _):
        while app.page.order is None or app.page.order.key != "cpu":
            await press(app, pilot, "greater_than_sign")
        shown = [line for line in drawn(app) if "Rule number" in line]
        assert ["200000" + str(n) in line for n, line in zip(range(6, 0, -1), shown, strict=True)] == [
            True
        ] * 6
        assert "14%" in shown[0]
        assert ("60" in shown[0].split()) == (size == WIDE), "checks give way where there is no room"
        await press(app, pilot, "s")
        assert "2000001" in next(line for line in drawn(app) if "Rule number" in line)
        await press(app, pilot, "enter")
        assert "10 checks, 1 matches, 2% of the CPU, 100.000 ms each" in text(app)
        await press(app, pilot, "escape", "escape")
        assert "Attacks on" in text(app)
        assert "Rule number" not in text(app)


@SIZES
async def test_reload_is_asked_for_and_followed(size) -> None:
    async with page("rules", size) as (app, pilot, engine):
        await press(app, pilot, "R")
        assert engine.of(Reload) == [Reload()]
        assert "Reloading" in text(app)
        engine.put(snapshot(62, reloading="taking over 64 of 128"))
        await step(app, pilot)
        assert "Reloading: taking over 64 of 128" in text(app)
        engine.put(snapshot(63), Notice("information", "Rules reloaded: 1 added (sid 4); 7 loaded."))
        await step(app, pilot)
        assert "1 added (sid 4)" in text(app)
        assert "taking over" not in text(app)


@SIZES
async def test_a_rule_over_budget_says_so(size) -> None:
    async with page("rules", size) as (app, pilot, engine):
        message = rules(2)
        first = msgspec.structs.replace(message.rules[0], enabled=False, why_off="budget")
        engine.put(None, msgspec.structs.replace(message, rules=(first, *message.rules[1:])))
        await step(app, pilot)
        await press(app, pilot, "right", "down")
        assert "off: budget" in next(line for line in drawn(app) if "2000001" in line)
        await press(app, pilot, "space")
        assert engine.of(Toggle) == [Toggle(True, ((1, 2000001),))]


async def test_no_list_yet() -> None:
    async with page("rules", NARROW) as (app, pilot, _):
        app.session.rules = type(app.session.rules)()
        app.session.rules_loaded = False
        app.page.show_list(app.session)
        await pilot.pause()
        assert "loading its rules" in text(app)


@pytest.mark.slow
async def test_it_stays_quick_with_25_000_rules() -> None:
    """A key on the unfolded list costs a fraction of what making all rows would."""
    async with page("rules", WIDE) as (app, pilot, engine):
        engine.put(snapshot(62, ruleset_serial=9), rules(9, count=25_000))
        await step(app, pilot)
        await press(app, pilot, "f", "end")
        begun = time.process_time()
        whole = [app.page.table.source.row(index) for index in range(len(app.page.table.source))]
        rows = time.process_time() - begun
        assert len(whole) == 25_000 + 4 - 1
        begun = time.process_time()
        app.draw()
        assert time.process_time() - begun < rows / 2
