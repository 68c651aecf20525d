"""`vpi-tui completion`: completion scripts, generated from the parser so that they cannot go stale."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from vpi_tui.cli.command import Command
from vpi_tui.cli.parser import EXIT_DONE, Parser, examples

_FILES = frozenset(["FILE", "CAPTURE", "DIR", "RULES", "FILE|-"])
"""Metavars whose values are paths."""


@dataclass(frozen=True, slots=True)
class Flag:
    """value: "" = takes none, "file", "any", or "choice"."""

    names: tuple[str, ...]
    help: str
    value: str
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Level:
    """One parser: the words that lead to it, what may follow."""

    path: tuple[str, ...]
    commands: dict[str, str]
    flags: tuple[Flag, ...]
    words: tuple[str, ...]
    """Choices of a positional argument."""
    files: bool
    """True when a positional argument is a file."""

    @property
    def name(self) -> str:
        return " ".join(self.path)


def levels(parser: Parser, path: tuple[str, ...] = ()) -> Iterator[Level]:
    """Every parser of the tree, outermost first."""
    flags: list[Flag] = []
    words: list[str] = []
    files = False
    for action in parser.options():
        if isinstance(action, argparse._SubParsersAction):
            continue
        if action.option_strings:
            flags.append(_flag(action))
        elif action.choices:
            words.extend(str(choice) for choice in action.choices)
        else:
            files = files or action.metavar in _FILES
    yield Level(path, parser.summaries(), tuple(flags), tuple(words), files)
    for name, child in parser.commands().items():
        yield from levels(child, (*path, name))


def _flag(action: argparse.Action) -> Flag:
    names, text = tuple(action.option_strings), (action.help or "").split(";")[0].partition(" (default")[0]
    if action.nargs == 0:
        return Flag(names, text, "")
    if action.choices:
        return Flag(names, text, "choice", tuple(str(choice) for choice in action.choices))
    return Flag(names, text, "file" if action.metavar in _FILES or action.metavar is None else "any")


# bash -----------------------------------------------------------------------------------------


def bash(parser: Parser) -> str:
    """For bash 4 and later."""
    tree = list(levels(parser))
    known = "|".join(_pattern(level.name) for level in tree if level.path)
    lines = [
        "# vpi-tui completion for bash",
        "_vpi_tui() {",
        '    local cur="${COMP_WORDS[COMP_CWORD]}" prev="${COMP_WORDS[COMP_CWORD-1]}" path="" word try',
        '    for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do',
        '        try="${path:+$path }$word"',
        f'        case "$try" in {known}) path="$try" ;; esac',
        "    done",
        '    case "$path" in',
    ]
    for level in tree:
        lines += [
            f"    {_pattern(level.name)})",
            '        case "$prev" in',
            *_bash_values(level),
            "        esac",
        ]
        words = [*level.commands, *level.words, *(name for flag in level.flags for name in flag.names)]
        reply = f'COMPREPLY=($(compgen -W {shlex.quote(" ".join(words))} -- "$cur"))'
        if level.files:
            reply = f'[[ "$cur" == -?* ]] && {reply} || COMPREPLY=($(compgen -f -- "$cur"))'
        lines += [f"        {reply}", "        ;;"]
    lines += ["    esac", "}", "complete -o filenames -F _vpi_tui vpi-tui", ""]
    return "\n".join(lines)


def _pattern(name: str) -> str:
    return f'"{name}"'


def _bash_values(level: Level) -> Iterator[str]:
    for flag in level.flags:
        pattern = "|".join(flag.names)
        if flag.value == "choice":
            words = shlex.quote(" ".join(flag.choices))
            yield f'        {pattern}) COMPREPLY=($(compgen -W {words} -- "$cur")); return ;;'
        elif flag.value == "file":
            yield f'        {pattern}) COMPREPLY=($(compgen -f -- "$cur")); return ;;'
        elif flag.value:
            yield f"        {pattern}) COMPREPLY=(); return ;;"


# zsh ------------------------------------------------------------------------------------------


def zsh(parser: Parser) -> str:
    """A function for zsh's completion system; also works when it is sourced."""
    tree = list(levels(parser))
    lines = ["#compdef vpi-tui", "# vpi-tui completion for zsh"]
    for level in tree:
        lines += _zsh_function(level)
    lines += [
        'if [ "$funcstack[1]" = "_vpi_tui" ]; then _vpi_tui "$@"; else compdef _vpi_tui vpi-tui; fi',
        "",
    ]
    return "\n".join(lines)


def _zsh_name(path: tuple[str, ...]) -> str:
    return "_".join(["_vpi_tui", *path])


def _zsh_function(level: Level) -> Iterator[str]:
    specs = [_zsh_flag(flag) for flag in level.flags]
    yield f"{_zsh_name(level.path)}() {{"
    if level.commands:
        yield "    local -a commands; local context state line; typeset -A opt_args"
        yield "    commands=("
        yield from (f"        {shlex.quote(f'{name}:{text}')}" for name, text in level.commands.items())
        yield "    )"
        specs += ["'1: :->command'", "'*:: :->rest'"]
    elif level.words:
        specs.append(shlex.quote(f"*:word:({' '.join(level.words)})"))
    elif level.files:
        specs.append("'*:file:_files'")
    yield "    _arguments -C \\"
    yield from (f"        {spec} \\" for spec in specs)
    yield "        && return"
    if level.commands:
        yield '    case "$state" in'
        yield "    command) _describe command commands ;;"
        yield '    rest) case "$line[1]" in'
        yield from (f"        {name}) {_zsh_name((*level.path, name))} ;;" for name in level.commands)
        yield "        esac ;;"
        yield "    esac"
    yield "}"


def _zsh_flag(flag: Flag) -> str:
    text = "".join(" " if char in "[]:" else char for char in flag.help)
    value = {"": "", "file": ":file:_files", "any": ":value:", "choice": f":value:({' '.join(flag.choices)})"}
    return " ".join(shlex.quote(f"*{name}[{text}]{value[flag.value]}") for name in flag.names)


# fish -----------------------------------------------------------------------------------------


def fish(parser: Parser) -> str:
    """For fish 3 and later."""
    lines = ["# vpi-tui completion for fish"]
    for level in levels(parser):
        condition = _fish_condition(level)
        if not level.files:
            lines.append(f"complete -c vpi-tui -f -n {condition}")
        for name, text in (level.commands | dict.fromkeys(level.words, "")).items():
            lines.append(f"complete -c vpi-tui -n {condition} -a {name} -d {shlex.quote(text)}")
        lines += [f"complete -c vpi-tui -n {condition} {_fish_flag(flag)}" for flag in level.flags]
    return "\n".join([*lines, ""])


def _fish_condition(level: Level) -> str:
    terms = [f"__fish_seen_subcommand_from {word}" for word in level.path]
    if level.commands:
        terms.append(f"not __fish_seen_subcommand_from {' '.join(level.commands)}")
    return shlex.quote("; and ".join(terms))


def _fish_flag(flag: Flag) -> str:
    names = " ".join(f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}" for name in flag.names)
    value = {
        "": "",
        "file": " -r -F",
        "any": " -x",
        "choice": f" -x -a {shlex.quote(' '.join(flag.choices))}",
    }
    return f"{names} -d {shlex.quote(flag.help)}{value[flag.value]}"


SHELLS: dict[str, Callable[[Parser], str]] = {"bash": bash, "zsh": zsh, "fish": fish}


def _configure(parser: Parser) -> None:
    parser.add_argument("shell", choices=tuple(SHELLS), metavar="SHELL", help="bash, zsh or fish")


def _run(args: argparse.Namespace) -> int:
    from vpi_tui.cli.registry import build_parser

    print(SHELLS[args.shell](build_parser()), end="")
    return EXIT_DONE


COMMAND = Command(
    name="completion",
    summary="print a completion script for bash, zsh or fish",
    description="Prints a script that completes commands, flags and their values.",
    epilog=examples(
        ("source <(vpi-tui completion bash)", "in ~/.bashrc"),
        ('vpi-tui completion zsh > "${fpath[1]}/_vpi-tui"', "once, then start zsh anew"),
        ("vpi-tui completion fish > ~/.config/fish/completions/vpi-tui.fish", "once"),
    ),
    configure=_configure,
    run=_run,
)
