"""The argument parser: errors name the nearest right word, settings become flags."""

from __future__ import annotations

import argparse
import sys
import textwrap
from collections.abc import Callable, Iterable
from typing import Any, NoReturn

from vpi_tui.config import schema
from vpi_tui.config.nearest import did_you_mean

EXIT_DONE, EXIT_FAILED, EXIT_USAGE = 0, 1, 2
WIDTH = 80
SETTING_PREFIX = "setting:"
"""Before the name of a setting in the namespace; only flags that were given are there."""


class Parser(argparse.ArgumentParser):
    """No abbreviations; a wrong word is answered with the nearest right one, exit 2."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("formatter_class", argparse.RawDescriptionHelpFormatter)
        options["description"] = textwrap.fill(options.get("description") or "", WIDTH)
        super().__init__(allow_abbrev=False, **options)

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is None or value in action.choices:
            return
        choices = [str(choice) for choice in action.choices]
        near = did_you_mean(str(value), choices)
        known = f"Known: {', '.join(choices)}."
        raise argparse.ArgumentError(action, f"{value!r} is not known. {near or known}")

    def error(self, message: str) -> NoReturn:
        print(f"{self.prog}: {message}", file=sys.stderr)
        print(f"Run `{self.prog} --help` for its flags.", file=sys.stderr)
        sys.exit(EXIT_USAGE)

    def option_strings(self) -> list[str]:
        return list(self._option_string_actions)

    def options(self) -> list[argparse.Action]:
        """Its flags and positional arguments, those of --help only."""
        return [action for action in self._actions if action.help != argparse.SUPPRESS]

    def commands(self) -> dict[str, Parser]:
        """Its subcommands by name, in order; empty when it has none."""
        for action in self._actions:
            if isinstance(action, argparse._SubParsersAction):
                return dict(action.choices)
        return {}

    def summaries(self) -> dict[str, str]:
        """One line about each subcommand."""
        for action in self._actions:
            if isinstance(action, argparse._SubParsersAction):
                return {choice.dest: choice.help or "" for choice in action._choices_actions}
        return {}

    def refuse(self, extra: Iterable[str], hint: str = "") -> NoReturn:
        """End with an error about the first argument that nobody took. hint: what to do about it."""
        word = next(iter(extra))
        flag = word.partition("=")[0]
        if flag.startswith("-"):
            hint = hint or did_you_mean(flag, self.option_strings())
            self.error(f"unknown flag {flag[:80]!r}. {hint}".rstrip())
        self.error(f"unexpected argument {word[:80]!r}. {hint}".rstrip())


def examples(*lines: tuple[str, str]) -> str:
    """The epilog of a command: pairs of a command line and what it does."""
    width = max(len(line) for line, _ in lines)
    return "examples:\n" + "\n".join(f"  {line:<{width}}   {what}" for line, what in lines)


def add_settings(parser: argparse.ArgumentParser, command: str) -> None:
    """The flags of all settings that the command has, and --set for every setting there is."""
    for setting in schema.of_command(command):
        _add_setting(parser, setting)
    parser.add_argument(
        "--set",
        dest="assignments",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="any setting by its name in the file of settings, such as"
        " vars.address-groups.HOME_NET=[10.0.0.0/8]; may be repeated",
    )


def _add_setting(parser: argparse.ArgumentParser, setting: schema.Setting) -> None:
    options: dict[str, Any] = {
        "dest": SETTING_PREFIX + setting.name,
        "default": argparse.SUPPRESS,
        "help": setting.help + default_text(setting),
    }
    if setting.kind.name == "true or false":
        parser.add_argument(*setting.flags, action=argparse.BooleanOptionalAction, **options)
        return
    if setting.kind.choices:
        options["choices"] = setting.kind.choices
    elif setting.kind.repeat:
        options["action"] = "append"
    else:
        options["type"] = _reader(setting)
    parser.add_argument(*setting.flags, metavar=setting.metavar, **options)


def default_text(setting: schema.Setting) -> str:
    """ " (default: ...)", where the help does not say it already and there is one."""
    if setting.default in ("", (), None, False) or "default" in setting.help:
        return ""
    default = f"{setting.default:g}" if isinstance(setting.default, float) else str(setting.default)
    return f" (default: {default})"


def _reader(setting: schema.Setting) -> Callable[[str], Any]:
    def read(text: str) -> Any:
        try:
            return setting.kind.read(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(f"{error}, not {text[:80]!r}") from None

    return read


def given_settings(args: argparse.Namespace) -> dict[str, Any]:
    """The values of the flags that were given, by name of the setting."""
    return {
        name.removeprefix(SETTING_PREFIX): tuple(value) if isinstance(value, list) else value
        for name, value in vars(args).items()
        if name.startswith(SETTING_PREFIX)
    }
