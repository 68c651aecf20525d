"""The command line as a whole: exit codes, errors that name the right word, help whose examples are true."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from vpi_tui import __version__
from vpi_tui.cli.completion import levels
from vpi_tui.cli.dashboard import takes_unicode
from vpi_tui.cli.main import EXIT_PIPE, main, with_command
from vpi_tui.cli.order import engine_spec, settings_of
from vpi_tui.cli.parser import SETTING_PREFIX
from vpi_tui.cli.registry import BY_NAME, COMMANDS, build_parser
from vpi_tui.config import paths, schema
from vpi_tui.model.errors import ConfigError

ROOT = Path(__file__).resolve().parents[2]
LEVELS = list(levels(build_parser()))


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """No settings of this machine or its user. Gives the user's file of settings."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setattr(paths, "SYSTEM_CONFIG", tmp_path / "etc.yaml")
    user = tmp_path / "config" / "vpi-tui" / "config.yaml"
    user.parent.mkdir(parents=True)
    return user


def run(*words: str) -> int:
    """The exit code, however the program ends."""
    try:
        return main(list(words))
    except SystemExit as ended:
        return int(ended.code or 0)


def test_what_the_demo_switches_off_stays_on_for_the_real_thing(monkeypatch):
    orders = []
    monkeypatch.setattr("vpi_tui.cli.dashboard.run", lambda spec, _settings: orders.append(spec) or 0)
    assert run("demo") == 0
    assert orders[0].state_dir == ""


def test_a_terminal_that_cannot_be_drawn_on_is_not_drawn_on(monkeypatch, capsys):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "dumb")
    assert run("demo") == 2
    assert "cannot be drawn on" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("encoding", "taken"), [("utf-8", True), ("UTF8", True), ("iso8859-1", False), (None, False)]
)
def test_where_utf_8_is_not_spoken_ascii_is(monkeypatch, encoding, taken):
    monkeypatch.setattr(sys, "__stderr__", SimpleNamespace(encoding=encoding))
    assert takes_unicode() is taken


# Help -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("level", LEVELS, ids=lambda level: level.name or "vpi-tui")
def test_help_has_examples_and_fits_a_terminal(level, capsys):
    assert run(*level.path, "--help") == 0
    shown = capsys.readouterr().out
    assert "examples:" in shown or level.name == "rules"
    assert all(f" {name} " in shown or f" {name}\n" in shown for name in level.commands)
    assert max(map(len, shown.splitlines())) <= 130


def test_help_tells_defaults(capsys):
    run("demo", "--help")
    shown = " ".join(capsys.readouterr().out.split())
    assert "the same seed gives the same traffic (default: 1)" in shown
    assert "seconds between two pictures (default: 1)" in shown
    assert "may be repeated (default" not in shown
    assert "real frames through" in shown


def _examples() -> list[str]:
    epilogs = [build_parser().epilog or "", *(command.epilog for command in COMMANDS)]
    lines = [line.strip() for text in epilogs for line in text.splitlines() if "vpi-tui" in line]
    return [line[line.index("vpi-tui") :].split("   ")[0].rstrip(") ") for line in lines]


@pytest.mark.parametrize("line", _examples())
def test_examples_are_true(line):
    """Each example is understood by the parser as it stands."""
    words = shlex.split(line.partition(">")[0])[1:]
    parser = build_parser()
    args, extra = parser.parse_known_args(with_command(words, parser))
    assert not extra
    assert args.command in BY_NAME


def test_version(capsys):
    assert run("--version") == 0
    assert capsys.readouterr().out == f"vpi-tui {__version__}\n"


def test_without_a_command_it_is_live():
    parser = build_parser()
    for words in ([], ["-i", "br0"], ["--duration", "3"], ["--config", "x", "--debug", "-i", "br0"]):
        assert parser.parse_args(with_command(words, parser)).command == "live"
    assert with_command(["--version"], parser) == ["--version"]


# Wrong use ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["dmeo"], "Did you mean `vpi-tui demo`?"),
        (["qqq"], "Commands: live, demo, replay"),
        ([__file__], f"`vpi-tui replay {__file__}`"),
        (["demo", "--sede", "1"], "unknown flag '--sede'. Did you mean '--seed'?"),
        (["demo", "--see", "1"], "unknown flag"),
        (["demo", "surprise"], "unexpected argument 'surprise'"),
        (["--set", "a=b", "demo"], "'demo'. Flags follow the command: `vpi-tui demo --set ...`."),
        (["--speed=2", "demo"], "'--speed'. Flags follow the command: `vpi-tui demo --speed ...`."),
        (["demo", "--seed", "x"], "must be a whole number"),
        (["demo", "--seed", "-1"], "must be a whole number from 0"),
        (["demo", "--speed", "0"], "must be a number up to 1000, or max"),
        (["demo", "--refresh", "99"], "must be a number from 0.1 to 10 seconds, not '99'"),
        (["replay"], "the following arguments are required: FILE"),
        (["replay", "/no/such.pcap"], "There is no capture file /no/such.pcap."),
        (["scan"], "No capture is named."),
        (["scan", "-r", "/no/such.pcap"], "There is no capture file /no/such.pcap."),
        (["scan", __file__, "-r", "/no/such.pcap"], "There is no capture file /no/such.pcap."),
        (["scan", "/no/such.pcap", "-r", __file__], "There is no capture file /no/such.pcap."),
        (["scan", "-k", "most"], "'most' is not known."),
        (["scan", "-k", "nome"], "Did you mean 'none'?"),
        (["scan", "-S", "/no/such.rules", "-r", __file__], "There is no rule file /no/such.rules."),
        (["scan", "-r", __file__, "--set", "stream.midstraem=yes"], "Did you mean 'stream.midstream'?"),
        (["scan", "-r", __file__, "--set", "stream.midstream=perhaps"], "must be true or false"),
        (["rules"], "VERB"),
        (["rules", "lsit"], "Did you mean 'list'?"),
        (["rules", "list", "--pack", "recno"], "Did you mean 'recon'?"),
        (["completion", "tcsh"], "bash, zsh, fish"),
        (["--config", "/no/such.yaml", "rules", "list"], "/no/such.yaml: cannot be read"),
        (["--config"], "expected one argument"),
    ],
    ids=lambda part: " ".join(part)[-40:] if isinstance(part, list) else None,
)
def test_wrong_use_ends_with_2_and_says_what_is_right(words, said, capsys):
    assert run(*words) == 2
    shown = capsys.readouterr()
    assert said in shown.err
    assert "Traceback" not in shown.err
    assert shown.out == ""


def test_a_wrong_file_of_settings_ends_with_2(home, capsys):
    home.write_text("theme: dusk\nrulse: x\n")
    assert run("rules", "list") == 2
    assert f"{home}:2: unknown key 'rulse'." in capsys.readouterr().err


WRONG = ["rules", "list", "--pack", "none"]


def test_debug_shows_the_traceback():
    for words in (["--debug", *WRONG], [WRONG[0], "--debug", *WRONG[1:]], [*WRONG, "--debug"]):
        with pytest.raises(ConfigError):
            main(words)


# Settings -------------------------------------------------------------------------------------


def settings(*words: str) -> object:
    parser = build_parser()
    return settings_of(parser.parse_args(with_command(list(words), parser)))


def test_each_source_wins_over_the_one_before(home, tmp_path):
    """/etc, the user's file, --config, --set, the flag itself."""
    assert settings("demo")["refresh"] == 1.0
    paths.SYSTEM_CONFIG.write_text("refresh: 2")
    assert settings("demo")["refresh"] == 2.0
    home.write_text("refresh: 3")
    assert settings("demo")["refresh"] == 3.0
    named = tmp_path / "named.yaml"
    named.write_text("refresh: 4")
    for words in (
        ("--config", str(named), "demo"),
        ("demo", "--config", str(named)),
        (f"--config={named}", "demo"),
    ):
        assert settings(*words)["refresh"] == 4.0
    words = (*words, "--set", "refresh=5")
    assert settings(*words)["refresh"] == 5.0
    assert settings(*words, "--refresh", "6")["refresh"] == 6.0
    assert settings("demo", "--refresh", "6", "--set", "refresh=5")["refresh"] == 6.0


@pytest.mark.parametrize(
    ("words", "field", "value"),
    [
        ((), "parse_budget", 25.0),
        (("--parse-budget", "0"), "parse_budget", 0.0),
        (("--rule-budget", "20"), "rule_budget", 20.0),
        (("--set", "memory.flows=4096"), "max_flows", 4096),
        (("--set", "memory.stream=2mb"), "stream_memory", 2 << 20),
        (("--set", "memory.evidence=3mb"), "evidence_memory", 3 << 20),
        (("--set", "memory.ring=4mb"), "ring_memory", 4 << 20),
        (("--user", "daemon"), "user", "daemon"),
        (("--duration", "7"), "duration", 7.0),
        (("--refresh", "3"), "interval", 3.0),
        (("-k", "none"), "checksums", "none"),
        (("-i", "eth1"), "interfaces", ("eth1",)),
    ],
)
def test_what_was_set_reaches_the_engine(home, words, field, value):
    assert getattr(engine_spec("live", settings("live", *words)), field) == value


@pytest.mark.parametrize("command", ["live", "demo", "replay", "scan"])
def test_every_setting_is_a_flag(command):
    """Those that an operator often needs by a name of their own, all of them by --set."""
    (level,) = (level for level in LEVELS if level.name == command)
    flags = {name for flag in level.flags for name in flag.names}
    assert "--set" in flags
    for setting in schema.TABLE:
        assert set(setting.flags) <= flags or command not in setting.commands


def test_a_flag_that_was_not_given_sets_nothing():
    parser = build_parser()
    args = vars(parser.parse_args(["demo"]))
    assert not [name for name in args if name.startswith(SETTING_PREFIX)]
    assert settings("live", "-i", "a", "-i", "b")["interfaces"] == ("a", "b")
    assert settings("demo", "--ascii")["ascii"] is True
    assert settings("demo", "--no-ascii", "--set", "ascii=yes")["ascii"] is False


# Commands that start no engine ----------------------------------------------------------------


def test_rules_list_and_show(capsys):
    assert run("rules", "list", "--pack", "recon", "--filter", "scan") == 0
    lines = capsys.readouterr().out.splitlines()[1:]
    assert lines
    assert all("recon" in line for line in lines)
    assert any("scan" in line for line in lines)
    sid = lines[0].split()[0]
    assert run("rules", "show", sid) == 0
    shown = capsys.readouterr().out
    assert f"sid:{sid};" in shown
    assert "read from" in shown
    assert run("rules", "show", "12") == 1
    assert "There is no rule with sid 12" in capsys.readouterr().err


def test_rules_check_tells_what_does_not_load(tmp_path, capsys):
    assert run("rules", "check") == 0
    assert "0 do not." in capsys.readouterr().out
    path = tmp_path / "local.rules"
    path.write_text(
        'alert tcp any any -> any any (msg:"ok"; content:"abcd"; sid:1;)\n'
        'alert tcp any any -> any any (msg:"bad"; contnet:"x"; sid:2;)\n'
    )
    assert run("rules", "check", str(path)) == 1
    shown = capsys.readouterr().out
    assert f"{path}:2: " in shown
    assert "contnet" in shown
    assert "1 rule loads (50.00%), 1 does not." in shown


def test_a_hostile_rule_file_cannot_write_to_the_terminal(tmp_path, capsys):
    path = tmp_path / "evil.rules"
    bad = "\x1b[2Jgone\u202e"
    path.write_text(
        f'alert tcp any any -> any any (msg:"{bad}"; content:"a{bad}"; flowbits:set,{bad}; sid:1;)\n'
        f"alert tcp any any -> any any (cont{bad}; sid:2;)\n"
    )
    run("rules", "list", "-S", str(path))
    run("rules", "show", "1", "-S", str(path))
    run("rules", "check", str(path))
    shown = capsys.readouterr()
    assert "\x1b" not in shown.out + shown.err
    assert "\u202e" not in shown.out + shown.err


def test_doctor_says_of_each_thing_ok_or_what_to_do(capsys, home):
    code = run("doctor")
    lines = capsys.readouterr().out.splitlines()
    levels_seen = {line.split()[0] for line in lines if not line.startswith(" ")}
    assert levels_seen <= {"OK", "WARN", "FAIL"}
    assert code == ("FAIL" in levels_seen)
    home.write_text("nonsense: 1")
    assert run("doctor") == 1
    assert "unknown key 'nonsense'" in capsys.readouterr().out


def test_settings_lists_them_all_and_what_is_set(capsys, home):
    assert run("settings") == 0
    assert {line.split()[0] for line in capsys.readouterr().out.splitlines() if line[0] != " "} == {
        setting.name for setting in schema.TABLE
    }
    home.write_text("eve: {payload: yes, types: [alert, dns]}\nvars: {port-groups: {SHOP: '8000'}}\n")
    assert run("settings", "eve") == 0
    said = capsys.readouterr()
    assert "    eve.payload is yes" in said.out.splitlines()
    assert "    eve.types is [alert, dns]" in said.out.splitlines()
    assert "packet-alert-max" not in said.out
    assert str(home) in said.err
    assert run("settings", "port-groups") == 0
    assert "    vars.port-groups.SHOP is 8000" in capsys.readouterr().out.splitlines()
    assert run("settings", "xyzzy") == 1
    assert "No setting has 'xyzzy'" in capsys.readouterr().err


# As a process ---------------------------------------------------------------------------------


def python(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *words], capture_output=True, text=True, cwd=ROOT, timeout=60, check=False
    )


def test_the_module_can_be_run():
    ended = python("-m", "vpi_tui", "--version")
    assert (ended.returncode, ended.stdout) == (0, f"vpi-tui {__version__}\n")
    assert python("-m", "vpi_tui", "nonsense").returncode == 2


def test_a_reader_that_leaves_is_no_error():
    command = f"set -o pipefail; {shlex.quote(sys.executable)} -m vpi_tui rules list | head -n 1"
    ended = subprocess.run(
        ["bash", "-c", command], capture_output=True, text=True, cwd=ROOT, timeout=60, check=False
    )
    assert ended.returncode in (0, EXIT_PIPE)
    assert "sid" in ended.stdout
    assert "Traceback" not in ended.stderr
    assert "Exception ignored" not in ended.stderr
