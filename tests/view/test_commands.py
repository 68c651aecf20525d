"""The `:` line."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given

from vpi_tui.view.commands import COMMANDS, complete, parse

from .samples import texts

each = pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)


def choices(kind: str) -> list[str]:
    return {"guest": ["web-1", "web-2", "db", "my-web"], "theme": ["dusk", "slate"]}.get(kind, [])


def test_names_are_unique():
    names = [name for command in COMMANDS for name in (command.name, *command.aliases)]
    assert max(Counter(names).values()) == 1
    assert all(command.help and command.action for command in COMMANDS)


@each
def test_every_command_is_understood_by_all_its_names(command):
    argument = "web-1" if command.takes else ""
    for name in (command.name, *command.aliases, command.name.upper()):
        parsed = parse(f":{name} {argument}")
        assert (parsed.command, parsed.argument, parsed.error) == (command, argument, "")


@each
def test_a_wrong_argument_is_told(command):
    bare, more = parse(command.name), parse(f"{command.name} something")
    assert bool(bare.error) == bool(command.takes and not command.optional)
    assert bool(more.error) == (not command.takes)
    assert command.name in bare.error + more.error or command.optional


def test_a_unique_beginning_is_enough():
    assert parse("overv").command == parse("overview").command
    assert parse("und").command == parse("undo").command
    assert parse("s").command is None  # switches, switch, speed


def test_an_unknown_command_names_the_nearest():
    assert "Did you mean :flows?" in parse("flwos").error
    assert "Press ?" in parse("qqqqqq").error
    assert parse("   ").error == ""


@given(texts)
def test_whatever_is_typed(text):
    parsed = parse(text)
    assert parsed.command or parsed.error or not text.strip().lstrip(":").strip()
    for line in complete(text, choices):
        assert parse(line).command


@each
def test_what_completion_offers_is_understood(command):
    for length in range(1, len(command.name) + 1):
        offered = complete(command.name[:length], choices, limit=100)
        assert command.name in offered
        assert all(parse(line).command for line in offered)


def test_arguments_are_completed_beginnings_first():
    assert complete(":guest web", choices) == ("guest web-1", "guest web-2", "guest my-web")
    assert complete("guest ", choices, limit=2) == ("guest web-1", "guest web-2")
    assert complete("theme s", choices) == ("theme slate", "theme dusk")
    assert complete("undo x", choices) == ()
    assert complete("nothing x", choices) == ()
