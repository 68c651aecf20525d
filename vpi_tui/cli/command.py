"""What a command is: a name, a line about it, its flags, and the function that does it."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass

from vpi_tui.cli.parser import Parser


@dataclass(frozen=True, slots=True)
class Command:
    """run gives the exit code: 0 done, 1 failed, 2 wrong use."""

    name: str
    summary: str
    """One line for the list of commands."""
    description: str
    epilog: str
    configure: Callable[[Parser], None]
    run: Callable[[argparse.Namespace], int]
