"""What the operator can tell the program in words: commands, filters, speeds, the palette."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from vpi_tui.feed.messages import EngineMessage, ToggledMessage
from vpi_tui.model.snapshot import GuestStat, SwitchStat
from vpi_tui.ui.picker import Choice
from vpi_tui.ui.prompt import Question
from vpi_tui.ui.screens import registry
from vpi_tui.view import commands
from vpi_tui.view.commands import COMMANDS, Command
from vpi_tui.view.escape import safe
from vpi_tui.view.scope import ALL, Scope

if TYPE_CHECKING:
    from vpi_tui.ui.app import VpiApp

SPEEDS = (0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 60.0, 0.0)
"""Times real time; 0 = as fast as it goes."""
MOST_RULE_CHOICES = 5_000


# Commands -------------------------------------------------------------------------------------


def command_question(app: VpiApp) -> Question:
    return Question(
        ":",
        lambda text: _answer(app, text),
        options=lambda text: commands.complete(text, lambda kind: choices(app, kind)),
        remembers="command",
        hint="Tab completes, Enter does it, Esc leaves",
    )


def _answer(app: VpiApp, text: str) -> str:
    parsed = commands.parse(text)
    if parsed.error or parsed.command is None:
        return parsed.error
    app.call_later(_obey_and_tell, app, text)
    return ""


async def _obey_and_tell(app: VpiApp, text: str) -> None:
    if error := await obey(app, text):
        app.say(error, "warning")


async def obey(app: VpiApp, text: str) -> str:
    """Do what a line says; why that cannot be done, or ""."""
    parsed = commands.parse(text)
    if parsed.error or parsed.command is None:
        return parsed.error
    action, _, detail = parsed.command.action.partition(":")
    result = _DOINGS[action](app, detail, parsed.argument)
    return (result if isinstance(result, str) else await result) or ""


async def _screen(app: VpiApp, name: str, _argument: str) -> str:
    if registry.find(name) is None:
        return f"There is no screen {name} here."
    await app.action_open_page(name)
    return ""


async def _scope(app: VpiApp, kind: str, argument: str) -> str:
    if kind == "switch":
        found = _find((s.name for s in _switches(app)), argument)
        wanted = Scope("switch", found)
    elif kind == "guest":
        found = _find((g.name for g in _guests(app)), argument)
        wanted = Scope("guest", found)
    else:
        found, wanted = "all", ALL
    if not found:
        return f"There is no {kind} named {safe(argument, 60)} here."
    await app.narrow(wanted)
    return ""


def _find(names: Iterable[str], typed: str) -> str:
    """The name as the wire has it: typed exactly, or as it is shown, or as a unique beginning."""
    known = list(names)
    exact = [name for name in known if typed in (name, safe(name, 64))]
    begun = [name for name in known if safe(name, 64).lower().startswith(typed.lower())]
    return exact[0] if exact else begun[0] if len(begun) == 1 else ""


def _theme(app: VpiApp, _detail: str, argument: str) -> str:
    if not argument:
        app.action_themes()
        return ""
    if argument not in app.themes_by_name:
        return f"There is no theme {argument}. Themes: {', '.join(sorted(app.themes_by_name))}."
    app.use_theme(argument)
    return ""


def _rules(app: VpiApp, what: str, argument: str) -> str:
    session = app.session
    if what == "undo":
        session.undo()
        return ""
    if argument in session.rules.by_pack:
        session.toggle(what == "on", pack=argument)
        return ""
    found = session.rules.find(argument.split(" ", 1)[0])
    if not found:
        return f"There is no rule or pack {safe(argument, 60)}. Give a sid or the name of a pack."
    session.toggle(what == "on", found)
    return ""


def _filter(app: VpiApp, _detail: str, argument: str) -> str:
    return app.set_filter(argument)


def _speed(app: VpiApp, _detail: str, argument: str) -> str:
    if argument == "max":
        speed = 0.0
    else:
        try:
            speed = float(argument.removeprefix("x").removesuffix("x"))
        except ValueError:
            speed = -1.0
        if not 0 < speed <= 1000:
            return "A speed is a number above 0 and up to 1000, times real time, or max."
    return _set_speed(app, speed)


def _set_speed(app: VpiApp, speed: float) -> str:
    if app.session.snapshot is not None and app.session.snapshot.mode == "live":
        return "Live traffic has no speed of ours; p freezes the picture."
    app.session.set_speed(speed, paused=False)
    app.redraw_frame()
    return ""


def change_speed(app: VpiApp, steps: int) -> None:
    """The next speed up or down."""
    now = app.session.speed
    place = SPEEDS.index(now) if now in SPEEDS else next(i for i, s in enumerate(SPEEDS) if s >= now or not s)
    error = _set_speed(app, SPEEDS[min(max(place + steps, 0), len(SPEEDS) - 1)])
    if error:
        app.say(error)


def hold(app: VpiApp) -> None:
    """Hold the traffic of a replay or the demo, or let it go on."""
    if app.session.snapshot is not None and app.session.snapshot.mode == "live":
        app.say("Live traffic cannot be held; p freezes the picture.")
        return
    app.session.set_speed(app.session.speed, paused=not app.session.held)
    app.redraw_frame()


def _pause(app: VpiApp, _detail: str, _argument: str) -> str:
    hold(app)
    return ""


def _freeze(app: VpiApp, _detail: str, _argument: str) -> str:
    app.action_freeze()
    return ""


def _refresh(app: VpiApp, _detail: str, argument: str) -> str:
    try:
        seconds = float(argument)
    except ValueError:
        seconds = 0.0
    if not 0.1 <= seconds <= 10:
        return "Give seconds between two pictures, 0.1 to 10."
    app.set_refresh(seconds)
    return ""


def _help(app: VpiApp, _detail: str, _argument: str) -> str:
    app.action_help()
    return ""


def _notices(app: VpiApp, _detail: str, _argument: str) -> str:
    app.action_notices()
    return ""


async def _restart(app: VpiApp, _detail: str, _argument: str) -> str:
    await app.action_restart()
    return ""


async def _quit(app: VpiApp, _detail: str, _argument: str) -> str:
    await app.action_quit()
    return ""


_DOINGS: dict[str, Callable[[VpiApp, str, str], str | Awaitable[str]]] = {
    "screen": _screen,
    "scope": _scope,
    "theme": _theme,
    "rules": _rules,
    "filter": _filter,
    "speed": _speed,
    "pause": _pause,
    "freeze": _freeze,
    "refresh": _refresh,
    "help": _help,
    "notices": _notices,
    "restart": _restart,
    "quit": _quit,
}


# Completion -----------------------------------------------------------------------------------


def choices(app: VpiApp, kind: str) -> Sequence[str]:
    """Arguments that a command could take, escaped."""
    return _CHOICES[kind](app) if kind in _CHOICES else ()


def _switches(app: VpiApp) -> Sequence[SwitchStat]:
    return app.session.snapshot.switches if app.session.snapshot else ()


def _guests(app: VpiApp) -> Sequence[GuestStat]:
    return app.session.snapshot.guests if app.session.snapshot else ()


def _rule_choices(app: VpiApp) -> Sequence[str]:
    book = app.session.rules
    sids = [f"{sid} {safe(row.msg, 60)}" for (_, sid), row in list(book.by_id.items())[:MOST_RULE_CHOICES]]
    return [*(safe(name, 60) for name in book.by_pack), *sids]


_CHOICES: dict[str, Callable[[VpiApp], Sequence[str]]] = {
    "switch": lambda app: [safe(s.name, 64) for s in _switches(app)],
    "guest": lambda app: [safe(g.name, 64) for g in _guests(app)],
    "theme": lambda app: sorted(app.themes_by_name),
    "rule": _rule_choices,
    "speed": lambda _app: ["max" if not s else f"{s:g}" for s in SPEEDS],
    "seconds": lambda _app: ["0.25", "0.5", "1", "2", "5"],
}


# Filters --------------------------------------------------------------------------------------


def filter_question(app: VpiApp) -> Question:
    before = app.page.filter_text
    fields = app.page.FIELDS
    return Question(
        "/",
        app.set_filter,
        typed=app.set_filter,
        options=fields.complete if fields is not None else lambda _text: (),
        left=lambda: app.set_filter(before),
        value=before,
        remembers="filter",
        hint="a word, or !word for those without it",
    )


# Replies --------------------------------------------------------------------------------------


def report_replies(app: VpiApp, messages: Iterable[EngineMessage]) -> None:
    """Say what the engine did about the rules."""
    for message in messages:
        if isinstance(message, ToggledMessage):
            app.say(safe(message.text, 300))


# Palette --------------------------------------------------------------------------------------


def palette(app: VpiApp) -> list[Choice]:
    """Everything that can be reached or done without typing more."""
    found = [Choice(e.name, e.title, f"screen: {e.help}", "title") for e in registry.PAGES]
    found += [Choice(f"guest {g.name}", safe(g.name, 64), "guest", "guest") for g in _guests(app)]
    found += [
        Choice(f"switch {s.name}", safe(s.name, 64), "virtual switch", "switch") for s in _switches(app)
    ]
    found += [Choice(c.name, c.name, c.help) for c in COMMANDS if _plain(c)]
    found += [
        Choice(f"theme {name}", f"theme {name}", t.description) for name, t in app.themes_by_name.items()
    ]
    return found


def _plain(command: Command) -> bool:
    return not command.action.startswith("screen:") and (command.optional or not command.takes)
