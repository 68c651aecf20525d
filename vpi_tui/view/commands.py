"""The `:` line: which commands there are, what was typed, how it could go on."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Command:
    """name: what is typed. action: what the ui is told. takes: kind of argument, "" = none.

    optional: the argument may be left out.
    """

    name: str
    action: str
    help: str
    takes: str = ""
    optional: bool = False
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Parsed:
    """error "" = understood; otherwise it says what to type instead."""

    command: Command | None
    argument: str = ""
    error: str = ""


COMMANDS: tuple[Command, ...] = (
    Command("overview", "screen:overview", "the whole picture", aliases=("home", "ov")),
    Command(
        "switches", "screen:switches", "a wall of panes, one per switch or guest", aliases=("wall", "sw")
    ),
    Command("flows", "screen:flows", "who talks to whom", aliases=("fl", "conns")),
    Command("alerts", "screen:alerts", "the inbox of alerts", aliases=("al", "inbox")),
    Command("rules", "screen:rules", "packs and rules, on and off", aliases=("ru", "packs")),
    Command("matrix", "screen:matrix", "which guest speaks to which", aliases=("ma", "pairs")),
    Command(
        "coverage", "screen:coverage", "what is seen of each port, and why not all", aliases=("cov", "blind")
    ),
    Command("engine", "screen:engine", "the engine's own health", aliases=("en", "health")),
    Command("all", "scope:", "show everything", aliases=("unscope",)),
    Command("switch", "scope:switch", "narrow all screens to one switch", takes="switch"),
    Command("guest", "scope:guest", "narrow all screens to one guest", takes="guest"),
    Command("theme", "theme", "choose colours", takes="theme", optional=True),
    Command("on", "rules:on", "switch a rule or a pack on", takes="rule"),
    Command("off", "rules:off", "switch a rule or a pack off", takes="rule"),
    Command("undo", "rules:undo", "take the last switching of rules back"),
    Command("filter", "filter", "narrow this table, as / does", takes="filter", optional=True),
    Command("speed", "speed", "speed of a replay or the demo, 1 = real time, max", takes="speed"),
    Command("pause", "pause", "hold or go on with a replay or the demo"),
    Command("freeze", "freeze", "hold the picture; the engine goes on"),
    Command("refresh", "refresh", "seconds between pictures, 0.1 to 10", takes="seconds"),
    Command("notices", "notices", "all that the program told so far", aliases=("messages", "log")),
    Command("restart", "restart", "start the engine again when it has ended"),
    Command("help", "help", "keys of this screen", aliases=("h", "keys")),
    Command("quit", "quit", "leave", aliases=("q", "exit")),
)

_BY_NAME = {name: command for command in COMMANDS for name in (command.name, *command.aliases)}

Choices = Callable[[str], Sequence[str]]
"""Possible arguments by kind, such as the names of guests; unsafe characters already escaped."""


def parse(text: str) -> Parsed:
    """Read one line. A unique beginning of a name is enough."""
    word, _, argument = text.strip().lstrip(":").strip().partition(" ")
    argument = argument.strip()
    if not word:
        return Parsed(None)
    command = _find(word.lower())
    if command is None:
        near = difflib.get_close_matches(word.lower(), list(_BY_NAME), n=1)
        guess = f" Did you mean :{near[0]}?" if near else " Press ? for the keys, Tab for the commands."
        return Parsed(None, error=f"There is no command :{word[:40]}.{guess}")
    if argument and not command.takes:
        return Parsed(command, error=f":{command.name} takes nothing after it.")
    if command.takes and not argument and not command.optional:
        return Parsed(command, error=f":{command.name} needs a {command.takes}.")
    return Parsed(command, argument)


def _find(word: str) -> Command | None:
    if word in _BY_NAME:
        return _BY_NAME[word]
    found = {_BY_NAME[name].name for name in _BY_NAME if name.startswith(word)}
    return _BY_NAME[found.pop()] if len(found) == 1 else None


def complete(text: str, choices: Choices, limit: int = 8) -> tuple[str, ...]:
    """Whole lines that begin as `text` does, best first."""
    typed = text.lstrip().lstrip(":")
    word, blank, argument = typed.partition(" ")
    if not blank:
        names = [c.name for c in COMMANDS if c.name.startswith(word.lower())]
        names += [c.name for c in COMMANDS if word and any(a.startswith(word.lower()) for a in c.aliases)]
        return tuple(dict.fromkeys(names))[:limit]
    command = _find(word.lower())
    if command is None or not command.takes:
        return ()
    wanted = argument.strip().lower()
    options = list(choices(command.takes))
    first = [o for o in options if o.lower().startswith(wanted)]
    then = [o for o in options if wanted and wanted in o.lower() and o not in first]
    return tuple(f"{command.name} {option}" for option in (first + then)[:limit])
