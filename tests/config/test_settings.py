"""Settings: from YAML, --set and values; what is wrong is told with file, line and the nearest right word."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vpi_tui.cli.order import existing
from vpi_tui.config import document, schema
from vpi_tui.config.settings import Settings, load, read_file, set_from_text
from vpi_tui.model.errors import ConfigError
from vpi_tui.model.os_policy import OsPolicy


def write(folder: Path, text: str, name: str = "config.yaml") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def refused(folder: Path, text: str) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        read_file(write(folder, text))
    return caught.value


# Reading --------------------------------------------------------------------------------------


def test_a_whole_file(tmp_path):
    path = write(
        tmp_path,
        """
interfaces: [br0, eth1]
refresh: 2
theme: dusk
ascii: yes
rules: mine.rules
inventory: /srv/inventory.yaml
memory:
  ring: 8mb
  flows: 4096
vars:
  address-groups:
    HOME_NET: [10.0.0.0/8, "!10.9.0.0/16"]
  port-groups: {HTTP_PORTS: 8080}
stream:
  midstream: true
  reassembly: {depth: 512kb}
""",
    )
    assert read_file(path) == {
        "interfaces": ("br0", "eth1"),
        "refresh": 2.0,
        "theme": "dusk",
        "ascii": True,
        "rules": (str(tmp_path / "mine.rules"),),
        "inventory": "/srv/inventory.yaml",
        "memory.ring": 8 << 20,
        "memory.flows": 4096,
        "vars.address-groups.HOME_NET": "[10.0.0.0/8,!10.9.0.0/16]",
        "vars.port-groups.HTTP_PORTS": "8080",
        "stream.midstream": True,
        "stream.reassembly.depth": 512 << 10,
    }


@pytest.mark.parametrize("text", ["", "# nothing\n", "memory:\n", "---\n"])
def test_a_file_may_say_nothing(tmp_path, text):
    assert read_file(write(tmp_path, text)) == {}


def test_later_files_win_and_missing_ones_are_no_error(tmp_path):
    first = write(tmp_path, "theme: dusk\nrefresh: 3", "etc.yaml")
    second = write(tmp_path, "theme: slate", "user.yaml")
    named = write(tmp_path, "ascii: true", "named.yaml")
    settings = load([first, tmp_path / "absent.yaml", second], named)
    assert [settings[name] for name in ("theme", "refresh", "ascii")] == ["slate", 3.0, True]
    assert settings.sources == (first, second, named)
    assert load([second, first])["theme"] == "dusk"


def test_a_home_of_nobody_is_no_error_until_it_is_looked_for(tmp_path):
    of_nobody = read_file(write(tmp_path, "eve:\n  file: ~-/eve.json\n"))
    assert of_nobody["eve.file"] == str(tmp_path / "~-/eve.json")
    with pytest.raises(ConfigError, match=r"There is no rule file ~-/a\.rules"):
        existing(("~-/a.rules",), "rule file")


def test_a_file_named_by_hand_must_be_there(tmp_path):
    with pytest.raises(ConfigError, match=r"absent\.yaml: cannot be read: No such file"):
        load([], tmp_path / "absent.yaml")


def test_defaults_stand_behind_everything():
    settings = Settings({})
    for setting in schema.TABLE:
        if "*" not in setting.name:
            assert settings[setting.name] == setting.default
    with pytest.raises(KeyError):
        settings["no.such.setting"]


def test_what_is_handed_to_the_engine():
    settings = Settings(
        {
            "vars.address-groups.HOME_NET": "[10.0.0.0/8]",
            "stream.midstream": True,
            "stream.async-oneside": False,
            "reputation-files": ("/a", "/b"),
            "theme": "dusk",
        }
    )
    assert settings.variables() == {"vars.address-groups.HOME_NET": "[10.0.0.0/8]"}
    assert settings.options() == {
        "stream.midstream": "yes",
        "stream.async-oneside": "no",
        "reputation-files": "/a,/b",
    }


# What is wrong --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("theme: dusk\nrefesh: 1\n", [":2: unknown key 'refesh'.", "Did you mean 'refresh'?"]),
        ("memory:\n  ring: 8mb\n  flow: 1\n", [":3: unknown key 'flow' in memory.", "'flows'"]),
        ("zzzz: 1\n", [":1: unknown key 'zzzz'", "Known here: interfaces, duration"]),
        ("vars:\n  adress-groups: {}\n", [":2: unknown key 'adress-groups' in vars.", "address-groups"]),
        ("\n\nrefresh: fast\n", [":3: refresh must be a number from 0.1 to 10 seconds."]),
        ("refresh: 11\n", ["must be a number from 0.1 to 10"]),
        ("refresh: .nan\n", ["must be a number"]),
        ("refresh: true\n", ["must be a number"]),
        ("memory: 5\n", [":1: the value of memory must be a mapping"]),
        ("- a\n- b\n", ["a file of settings must be a mapping"]),
        ("ascii: 1\n", ["ascii must be true or false"]),
        ("theme: [a]\n", ["theme must be text"]),
        ("interfaces:\n  - br0\n  - 5\n", ["interfaces must be text or a list of texts"]),
        ("checksums: some\n", ["checksums must be one of auto, all, none"]),
        ("memory:\n  ring: 64 apples\n", [":2: memory.ring must be a size", "such as 65536, 512kb or 64mb"]),
        ("memory:\n  flows: 10\n", ["memory.flows must be a whole number from 1024 to"]),
        ("memory:\n  flows: 4096.5\n", ["must be a whole number"]),
        ("stream:\n  inline: maybe\n", ["must be yes, no or auto"]),
        ("theme: a\ntheme: b\n", [":2: the key 'theme' stands here twice (first on line 1)"]),
        ("theme: 'x\n", ["Check quotes, colons and indentation."]),
        ("a: &x [1]\ntheme: *x\n", ["aliases are not allowed"]),
        ("theme: !!python/object:os.system x\n", ["is not allowed"]),
        ("a: 1\n---\nb: 2\n", [":2: a second document begins here"]),
        ("? [a, b]\n: c\n", ["a key must be plain text"]),
        ('eve:\n  file: "a\\0b"\n', [":2: eve.file must be a path, so without NUL characters."]),
        ('rules: [x, "a\\0b"]\n', ["rules must be a path, so without NUL"]),
        ("theme: dusk\nuser: a\x07b\n", [":2: holds a control character (U+0007)"]),
    ],
)
def test_errors_name_file_line_and_the_right_word(tmp_path, text, said):
    error = refused(tmp_path, text)
    assert str(tmp_path / "config.yaml") in error.message
    assert all(words in str(error) for words in said), str(error)


def test_what_is_no_text(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_bytes(b"theme: dusk\n# \xff\n")
    with pytest.raises(ConfigError, match=r"config\.yaml:2: is not UTF-8"):
        read_file(path)
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        read_file(tmp_path)


@pytest.mark.parametrize(
    "text",
    ["[" * 5_000, "a: " * 100 + "x", "{a: " * 2_000, "- " * 3_000, "a: 1\n" * 3, "x: [" + "1," * 2_000 + "]"],
    ids=["brackets", "colons", "braces", "dashes", "twice", "many"],
)
def test_a_hostile_file_is_refused_at_once(tmp_path, monkeypatch, text):
    monkeypatch.setattr(document, "MAX_VALUES", 1_000)
    assert refused(tmp_path, text).message


def test_a_file_too_large_is_not_read_whole(tmp_path):
    path = tmp_path / "config.yaml"
    with path.open("wb") as file:
        file.truncate(1 << 40)  # sparse
    with pytest.raises(ConfigError, match="larger than 2 MiB"):
        read_file(path)


_WORDS = "theme memory ring vars : - [ ] { } &a *a !!x | > ' \" # ? --- ... % @ 8mb ~ é"
_YAML = st.lists(
    st.sampled_from([*_WORDS.split(" "), ": ", "\n", "  ", "\t", "\x00", "\ud7ff"]), max_size=25
).map("".join)


@given(_YAML)
def test_any_text_is_read_or_refused(tmp_path_factory, text):
    path = write(tmp_path_factory.getbasetemp(), text, "fuzz.yaml")
    try:
        values = read_file(path)
    except ConfigError as error:
        values, told = {}, str(error)
    else:
        told = str(path)
    assert str(path) in told
    assert all(schema.find(name) for name in values)


# --set ----------------------------------------------------------------------------------------

GOOD = {
    "interfaces": "br0",
    "duration": "1.5",
    "user": "vpi",
    "demo.seed": "7",
    "demo.speed": "0",
    "refresh": "0.5",
    "theme": "dusk",
    "ascii": "on",
    "rules": "a.rules",
    "inventory": "inv.yaml",
    "policy": "pol.yaml",
    "checksums": "none",
    "eve.file": "eve.json",
    "eve.filetype": "unix_stream",
    "eve.types": "alert,http",
    "eve.rotate-size": "64mb",
    "eve.rotate-interval": "3600",
    "eve.keep": "7",
    "eve.payload": "on",
    "eve.packet": "on",
    "eve.stats-interval": "8",
    "memory.flows": "2048",
    "memory.stream": "2mb",
    "memory.evidence": "64kib",
    "memory.ring": "1gb",
    "rule-budget": "25",
    "parse-budget": "40",
    "vars.address-groups.*": "[10.0.0.0/8,!10.1.0.0/16]",
    "vars.port-groups.*": "80",
    "app-layer.protocols.tls.encryption-handling": "full",
    "app-layer.protocols.ssh.encryption-handling": "bypass",
    "stream.midstream": "yes",
    "stream.midstream-policy": "pass-flow",
    "stream.checksum-validation": "no",
    "stream.async-oneside": "no",
    "stream.inline": "auto",
    "stream.drop-invalid": "no",
    "stream.reassembly.check-overlap-different-data": "no",
    "stream.reassembly.urgent.policy": "inline",
    **{f"host-os-policy.{policy.value}": "[10.0.0.0/8,fd00::1]" for policy in OsPolicy},
    "decoder.vxlan.enabled": "yes",
    "decoder.vxlan.ports": "[4789,8472]",
    "decoder.geneve.enabled": "no",
    "decoder.geneve.ports": "6081",
    "decoder.teredo.enabled": "yes",
    "decoder.teredo.ports": "[3544]",
    "stream.reassembly.depth": "0",
    "app-layer.protocols.*.enabled": "detection-only",
    **{
        f"app-layer.protocols.http.libhtp.default-config.{side}-body-{name}": "64kb"
        for side in ("request", "response")
        for name in ("limit", "minimal-inspect-size", "inspect-window")
    },
    "app-layer.protocols.http.libhtp.default-config.decompression-layer-limit": "3",
    "default-reputation-path": "/x",
    "reputation-categories-file": "/y",
    "reputation-files": "/z",
    "datasets.*.type": "string",
    "datasets.*.load": "/l",
    "datasets.*.state": "/s",
    "default-data-dir": "/d",
    "datasets.rules.allow-write": "no",
    "datasets.rules.allow-absolute-filenames": "yes",
    "geoip-database": "/g",
    "packet-alert-max": "40",
    "threshold-file": "/t",
    "probes.ovs.socket": "/run/openvswitch/db.sock",
    "probes.*.enabled": "no",
    "behaviour.learning-time": "60",
    "behaviour.management-ports": "[443,5900-5999]",
    "behaviour.management-addresses": "10.9.0.0/24",
    "probes.libvirt.uri": "qemu:///system",
    "probes.docker.socket": "/run/docker.sock",
    "probes.vmware.vmx": "/vmfs",
    "probes.vmware.vcenter": "https://sensor@vcenter.example",
    "probes.vmware.password-file": "/p",
    "probes.vmware.ca-file": "/c",
}


def test_every_setting_has_an_example_here():
    assert set(GOOD) == set(schema.all_names())


@pytest.mark.parametrize("name", GOOD)
def test_every_setting_can_be_set_by_text_and_by_yaml(tmp_path, name):
    concrete = name.replace("*", "NAME")
    key, value = set_from_text(f"{concrete}={GOOD[name]}")
    assert key == concrete
    nested = "".join(f"{'  ' * depth}{part}:\n" for depth, part in enumerate(concrete.split(".")))
    text = GOOD[name] if not name.startswith("vars") else f'"{GOOD[name]}"'
    from_file = read_file(write(tmp_path, f"{nested.rstrip()} {text}\n"))
    if schema.find(concrete).kind.path:
        assert str(from_file[concrete]).replace(f"{tmp_path}/", "") == str(value)
    else:
        assert from_file == {concrete: value}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("theme", "there is no value"),
        ("=x", "there is no value"),
        ("refersh=1", "unknown setting 'refersh'. Did you mean 'refresh'?"),
        ("refresh=fast", "--set refresh: must be a number from 0.1 to 10 seconds, not 'fast'"),
        ("memory.flows=1e9", "must be a whole number"),
        ("stream.midstream=perhaps", "must be true or false"),
        ("vars.address-groups.=x", "unknown setting"),
        ("memory.how-much-at-most=1", "Possible: memory.evidence, memory.flows"),
        ("zzz.zzz=1", "Names begin with: app-layer, "),
    ],
)
def test_a_wrong_assignment(text, said):
    with pytest.raises(ConfigError) as caught:
        set_from_text(text)
    assert said in str(caught.value)


@given(st.text(max_size=60))
def test_any_assignment_is_taken_or_refused(text):
    try:
        name, _ = set_from_text(text)
    except ConfigError:
        return
    assert schema.find(name)


@pytest.mark.parametrize(
    ("text", "size"),
    [("65536", 65536), ("64 KB", 65536), ("1MiB", 1 << 20), ("2g", 2 << 30), (" 1m ", 1 << 20)],
)
def test_sizes(text, size):
    assert schema.find("memory.evidence").kind.read(text) == size


# Schema ---------------------------------------------------------------------------------------


def test_defaults_are_themselves_allowed():
    for setting in schema.TABLE:
        if setting.default is not None and not setting.kind.repeat:
            assert setting.kind.check(setting.default) == setting.default
        assert setting.help
        assert bool(setting.flags) == bool(setting.commands)


def test_names_and_flags_are_unique_on_each_command():
    assert len(set(schema.all_names())) == len(schema.TABLE)
    for command in ("live", "demo", "replay", "scan", "rules"):
        flags = [flag for setting in schema.of_command(command) for flag in setting.flags]
        assert len(set(flags)) == len(flags)


def test_levels():
    assert schema.has_below("vars")
    assert schema.has_below("app-layer.protocols.http")
    assert not schema.has_below("theme")
    assert schema.find("vars.address-groups.HOME_NET").name == "vars.address-groups.*"
    assert schema.find("vars.address-groups") is None
    assert schema.names_below("demo") == ["seed", "speed"]
