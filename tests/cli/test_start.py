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


def test_ctrl_c_while_modules_are_loaded_ends_it_quietly() -> None:
    for module in ("vpi_tui.cli.main", "vpi_tui.cli.registry"):
        words = [sys.executable, "-c", INTERRUPTED, module, "--version"]
        ended = subprocess.run(words, capture_output=True, text=True, check=False)
        assert (ended.returncode, ended.stdout, ended.stderr) == (130, "", "")
