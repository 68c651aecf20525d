"""Completion scripts: complete, and run by the shells that are here."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from vpi_tui.cli.completion import SHELLS, levels
from vpi_tui.cli.registry import BY_NAME, build_parser

PARSER = build_parser()
SCRIPTS = {shell: make(PARSER) for shell, make in SHELLS.items()}


@pytest.mark.parametrize("shell", SHELLS)
def test_all_commands_and_flags_are_there(shell):
    script = SCRIPTS[shell]
    for level in levels(PARSER):
        assert all(name in script for name in level.commands)
        for flag in level.flags:
            assert all(name.lstrip("-") in script for name in flag.names)


@pytest.mark.parametrize("shell", SHELLS)
def test_the_shell_can_read_it(shell, tmp_path):
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not here")
    script = tmp_path / f"vpi-tui.{shell}"
    script.write_text(SCRIPTS[shell])
    ended = subprocess.run(
        [shell, "-n", str(script)], capture_output=True, text=True, timeout=20, check=False
    )
    assert (ended.returncode, ended.stderr) == (0, "")


def complete(*words: str) -> list[str]:
    """What bash offers for the last of the words."""
    quoted = " ".join(f"'{word}'" for word in words)
    code = f"""{SCRIPTS["bash"]}
COMP_WORDS=(vpi-tui {quoted}); COMP_CWORD={len(words)}; _vpi_tui; printf '%s\\n' "${{COMPREPLY[@]}}"
"""
    return subprocess.run(
        ["bash", "-c", code], capture_output=True, text=True, timeout=20, check=True
    ).stdout.split()


def test_bash_completes_commands():
    assert set(complete("")) >= set(BY_NAME)
    assert complete("wa") == ["warmup"]
    assert complete("--debug", "do") == ["doctor"]


def test_bash_completes_below_a_command():
    assert set(complete("rules", "")) >= {"check", "list", "show"}
    assert complete("rules", "list", "--pa") == ["--pack"]
    assert set(complete("demo", "--se")) == {"--set", "--seed"}
    assert complete("completion", "")[:3] == ["bash", "zsh", "fish"]
    assert complete("lab", "attack", "sq") == ["sqli"]


def test_bash_completes_values(tmp_path):
    assert set(complete("scan", "-k", "")) == {"auto", "all", "none"}
    assert complete("demo", "--seed", "") == []
    capture = tmp_path / "one.pcap"
    capture.write_bytes(b"")
    assert complete("scan", "-r", str(tmp_path) + "/o") == [str(capture)]
    assert complete("replay", str(tmp_path) + "/o") == [str(capture)]


@pytest.mark.skipif(shutil.which("fish") is None, reason="fish is not here")
@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("vpi-tui wa", {"warmup"}),
        ("vpi-tui rules ", {"check", "explain", "list", "show", "test", "update"}),
        ("vpi-tui rules list --pa", {"--pack"}),
        ("vpi-tui scan -k ", {"auto", "all", "none"}),
    ],
)
def test_fish_completes(line, offered, tmp_path):
    script = tmp_path / "vpi-tui.fish"
    script.write_text(SCRIPTS["fish"])
    code = f"source {script}; complete -C '{line}'"
    shown = subprocess.run(
        ["fish", "-c", code], capture_output=True, text=True, timeout=20, check=True
    ).stdout
    assert {entry.split("\t")[0] for entry in shown.splitlines()} == offered
