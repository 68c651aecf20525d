"""The very start of the program, before there is a command."""

from __future__ import annotations

import subprocess
import sys

INTERRUPTED = """
import os, signal, sys

class Interrupt:
    def find_spec(self, name, *rest):
        if name == sys.argv[1]:
            os.kill(os.getpid(), signal.SIGINT)

signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's job in the background ignores it
sys.meta_path.insert(0, Interrupt())
from vpi_tui.__main__ import main
sys.exit(main())
"""

LEFT = """
import gc, sys
from vpi_tui.__main__ import main
sys.argv[1:] = ["settings"]
print(gc.get_freeze_count(), main(), gc.get_freeze_count(), file=sys.stderr)
"""


def test_ctrl_c_while_modules_are_loaded_ends_it_quietly() -> None:
    for module in ("vpi_tui.cli.main", "vpi_tui.cli.registry"):
        words = [sys.executable, "-c", INTERRUPTED, module, "--version"]
        ended = subprocess.run(words, capture_output=True, text=True, check=False)
        assert (ended.returncode, ended.stdout, ended.stderr) == (130, "", "")


def test_at_its_end_the_interpreter_walks_nothing_that_is_left() -> None:
    ended = subprocess.run([sys.executable, "-c", LEFT], capture_output=True, text=True, check=True)
    before, code, frozen = map(int, ended.stderr.splitlines()[-1].split())
    assert (before, code) == (0, 0)
    assert frozen > 10_000
