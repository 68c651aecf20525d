"""Entry point of the console script: parse, run one command, turn errors into one clear line.

Importing this module imports no stage, no ui and none of their libraries: `--version` and `--help` are quick.
"""

from __future__ import annotations

import errno
import os
import signal
import sys
from pathlib import Path

from vpi_tui.cli import EXIT_INTERRUPTED
from vpi_tui.cli.parser import EXIT_FAILED, EXIT_USAGE, Parser
from vpi_tui.cli.registry import BY_NAME, DEFAULT, build_parser
from vpi_tui.config.nearest import nearest
from vpi_tui.engine.garbage import hold_off
from vpi_tui.model.errors import ConfigError, VpiError

EXIT_PIPE = 128 + signal.SIGPIPE
_FULL = frozenset([errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO])
"""Why a file that standard output was sent to takes no more."""
_ALONE = frozenset(["--version", "-h", "--help"])
"""Flags of the program itself, after which no command is needed."""


def main(argv: list[str] | None = None) -> int:
    """Run one command line; the exit code."""
    hold_off()
    given = list(sys.argv[1:] if argv is None else argv)
    parser = build_parser()
    words = with_command(given, parser)
    args, extra = parser.parse_known_args(words)
    if extra:
        _innermost(parser, words).refuse(extra, _misplaced(given, extra) if words != given else "")
    try:
        code = BY_NAME[args.command].run(args)
        sys.stdout.flush()
    except VpiError as error:
        if args.debug:
            raise
        _say(error)
        return EXIT_USAGE if isinstance(error, ConfigError) else EXIT_FAILED
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # The reader of our output has gone. Python would complain when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_PIPE
    except OSError as error:
        if args.debug or error.filename is not None or error.errno not in _FULL:
            raise  # not of what was printed
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        print(f"vpi-tui: Standard output cannot be written: {error.strerror}.", file=sys.stderr)
        return EXIT_FAILED
    return code


def _say(error: VpiError) -> None:
    print(f"vpi-tui: {error.message}", file=sys.stderr)
    if error.hint:
        print(f"  {error.hint}", file=sys.stderr)


def with_command(words: list[str], parser: Parser) -> list[str]:
    """The same words with the default command put in where none is named. Ends the program when unknown."""
    at = 0
    while at < len(words) and words[at].startswith("-"):
        if words[at] in _ALONE:
            return words
        if words[at] == "--debug" or words[at].startswith("--config="):
            at += 1
        elif words[at] == "--config":
            if at + 1 == len(words):
                return words  # the parser says what is missing
            at += 2
        else:
            break
    if at >= len(words) or words[at].startswith("-"):
        return [*words[:at], DEFAULT, *words[at:]]
    if words[at] not in BY_NAME:
        parser.error(f"unknown command {words[at][:80]!r}. {_meant(words[at])}")
    return words


def _meant(word: str) -> str:
    near = nearest(word, BY_NAME)
    if near:
        return f"Did you mean `vpi-tui {near}`?"
    if Path(word).is_file():
        return f"To look into a capture file: `vpi-tui replay {word}`."
    return f"Commands: {', '.join(BY_NAME)}."


def _misplaced(given: list[str], extra: list[str]) -> str:
    """What to do when a command stands behind flags, and so was taken for an argument of the default one."""
    command = next((word for word in extra if word in BY_NAME), "")
    flag = next((word for word in given if word.startswith("-")), "").partition("=")[0]
    return f"Flags follow the command: `vpi-tui {command} {flag[:80]} ...`." if command else ""


def _innermost(parser: Parser, words: list[str]) -> Parser:
    """The parser of the command (and its subcommand) that the words name."""
    for word in words:
        parser = parser.commands().get(word, parser)
    return parser
