"""Keys, where standard input is not the terminal."""

from __future__ import annotations

import os
import pty
import sys

ASK = (
    "import os; from vpi_tui.cli.dashboard import take_keyboard; "
    "take_keyboard(); print('a terminal' if os.isatty(0) else 'none')"
)


def said_in_terminal(command: str) -> str:
    """What a shell's command says in a terminal of its own."""
    child, terminal = pty.fork()
    if child == 0:
        os.execvp("/bin/sh", ["sh", "-c", command])
    said = b""
    try:
        while part := os.read(terminal, 4096):
            said += part
    except OSError:
        pass  # Linux says so that the other side has gone
    os.close(terminal)
    os.waitpid(child, 0)
    return said.decode()


def test_keys_come_from_the_terminal_when_packets_come_through_a_pipe() -> None:
    assert "a terminal" in said_in_terminal(f'true | {sys.executable} -c "{ASK}"')
    assert "a terminal" in said_in_terminal(f'{sys.executable} -c "{ASK}"')


def test_without_a_terminal_that_is_said() -> None:
    said = said_in_terminal(f'true | setsid --wait {sys.executable} -c "{ASK}"')
    assert "there is no other to read keys from" in said
