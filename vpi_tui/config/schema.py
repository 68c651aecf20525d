"""Every setting there is, as one table: it drives the check of YAML files, the flags and `--set`.

A name with dots is a path in the YAML file: `demo.seed` is `seed` in the mapping `demo`. A `*` stands for one
level whose name is free. Names that Suricata has too keep its spelling and meaning.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from vpi_tui.config import kinds
from vpi_tui.config.kinds import Kind
from vpi_tui.model.os_policy import OsPolicy

DASHBOARD = frozenset(["live", "demo", "replay"])
"""Commands that show the dashboard."""


@dataclass(frozen=True, slots=True)
class Setting:
    """flags: empty = only by --set. commands: those whose command line has the flags."""

    name: str
    kind: Kind
    default: Any
    help: str
    flags: tuple[str, ...] = ()
    metavar: str = ""
    commands: frozenset[str] = frozenset()


def _on(*commands: str) -> frozenset[str]:
    return frozenset(commands)


TABLE: tuple[Setting, ...] = (
    Setting(
        "interfaces",
        kinds.texts,
        (),
        "watch this interface; may be repeated (default: the ports of all virtual switches)",
        ("-i", "--interface"),
        "IF",
        _on("live", "policy", "audit"),
    ),
    Setting(
        "duration",
        kinds.number(0, 1e9, "seconds"),
        0.0,
        "end by itself after so many seconds, and print a report (0 = never)",
        ("--duration",),
        "S",
        DASHBOARD,
    ),
    Setting(
        "user",
        kinds.text,
        "nobody",
        "user to become once the ring is open, when started as root (empty = stay root)",
        ("--user",),
        "NAME",
        _on("live", "policy", "audit"),
    ),
    Setting(
        "demo.seed",
        kinds.whole(0, 2**31 - 1),
        1,
        "the same seed gives the same traffic",
        ("--seed",),
        "N",
        _on("demo"),
    ),
    Setting(
        "demo.speed", kinds.number(0, 1000, "times real time"), 1.0, "times real time; 0 = as fast as it goes"
    ),
    Setting(
        "refresh",
        kinds.number(0.1, 10, "seconds"),
        1.0,
        "seconds between two pictures",
        ("--refresh",),
        "S",
        DASHBOARD,
    ),
    Setting(
        "theme",
        kinds.text,
        "",
        "colours: a bundled theme or one of ~/.config/vpi-tui/themes",
        ("--theme",),
        "NAME",
        DASHBOARD,
    ),
    Setting(
        "ascii",
        kinds.boolean,
        False,
        "draw with ASCII only, as where UTF-8 is not spoken",
        ("--ascii",),
        "",
        DASHBOARD,
    ),
    Setting(
        "rules",
        kinds.paths,
        (),
        "rule file or pack, instead of the bundled packs and fetched rules; may be repeated",
        ("-S", "--rules"),
        "FILE",
        DASHBOARD | _on("scan", "rules"),
    ),
    Setting(
        "rule-budget",
        kinds.number(0, 100, "percent"),
        0.0,
        "switch a rule off that takes more than so many percent of the engine's CPU time (0 = never)",
        ("--rule-budget",),
        "PERCENT",
        DASHBOARD,
    ),
    Setting(
        "parse-budget",
        kinds.number(0, 100, "percent"),
        25.0,
        "while the engine falls behind: stop parsing for five minutes what two hosts say when that takes more"
        " than so many percent of its CPU time, or what a guest says when it takes twice as many (0 = never)",
        ("--parse-budget",),
        "PERCENT",
        _on("live"),
    ),
    Setting(
        "inventory",
        kinds.path,
        "",
        "names of guests and switches (inventory.yaml)",
        ("--inventory",),
        "FILE",
        DASHBOARD | _on("scan", "policy", "audit"),
    ),
    Setting(
        "policy",
        kinds.path,
        "",
        "who may speak to whom (policy.yaml); what it does not allow raises an alert",
        ("-p", "--policy"),
        "FILE",
        DASHBOARD | _on("scan"),
    ),
    Setting(
        "checksums",
        kinds.choice("auto", "all", "none"),
        "auto",
        "which checksums must be right: all, none, or auto (all, unless most of a file are wrong)",
        ("-k", "--checksums"),
        "MODE",
        DASHBOARD | _on("scan", "audit"),
    ),
    Setting(
        "eve.file",
        kinds.path,
        "",
        "write all events as EVE JSON into this file, one a line",
        ("--eve",),
        "FILE",
        DASHBOARD,
    ),
    Setting(
        "eve.filetype",
        kinds.choice("regular", "unix_stream"),
        "regular",
        "what that is: regular (a file, or a pipe that somebody reads) or unix_stream (a socket)",
    ),
    Setting("eve.types", kinds.texts, (), "types of events to write (default: all)"),
    Setting("eve.rotate-size", kinds.size(0, 1 << 50), 0, "begin a new file at so many bytes; 0 = never"),
    Setting(
        "eve.rotate-interval",
        kinds.number(0, 1e9, "seconds"),
        0.0,
        "begin a new file after so long; 0 = never",
    ),
    Setting("eve.keep", kinds.whole(0, 10_000), 0, "most rotated files that are kept; 0 = all"),
    Setting("eve.payload", kinds.boolean, False, "alerts carry the bytes that were inspected"),
    Setting("eve.packet", kinds.boolean, False, "alerts carry their frame"),
    Setting("eve.stats-interval", kinds.number(1, 1e6, "seconds"), 30.0, "seconds between two stats events"),
    Setting("memory.flows", kinds.whole(1 << 10, 1 << 24), 1 << 20, "most flows kept at once"),
    Setting("memory.stream", kinds.size(1 << 20, 1 << 36), 256 << 20, "most bytes kept for TCP reassembly"),
    Setting(
        "memory.evidence", kinds.size(1 << 16, 1 << 36), 64 << 20, "most bytes of frames kept behind alerts"
    ),
    Setting("memory.ring", kinds.size(1 << 20, 1 << 32), 64 << 20, "bytes of the capture ring"),
    Setting("vars.address-groups.*", kinds.group, None, "an address variable of the rules, such as HOME_NET"),
    Setting("vars.port-groups.*", kinds.group, None, "a port variable of the rules, such as HTTP_PORTS"),
    Setting("stream.midstream", kinds.boolean, None, "take up TCP streams whose start was not seen"),
    Setting(
        "stream.midstream-policy",
        kinds.choice("ignore", "pass-flow", "bypass"),
        None,
        "whether rules look at connections whose start was not seen: ignore (they do), pass-flow or bypass",
    ),
    Setting(
        "stream.checksum-validation",
        kinds.boolean,
        None,
        "leave out segments whose checksum is wrong (default: as -k says); keywords about checksums go on",
    ),
    Setting("stream.async-oneside", kinds.boolean, None, "take up TCP streams of which one side is seen"),
    Setting("stream.inline", kinds.switch("auto"), None, "inspect as an inline sensor would"),
    Setting(
        "stream.drop-invalid",
        kinds.boolean,
        None,
        "with stream.inline, inspect no segment that belongs to no connection (default: yes)",
    ),
    Setting(
        "stream.reassembly.depth", kinds.size(0, 1 << 40), None, "bytes of each stream to inspect; 0 = all"
    ),
    Setting(
        "stream.reassembly.check-overlap-different-data",
        kinds.boolean,
        None,
        "a segment that gives other bytes than one before is an event (default: yes)",
    ),
    Setting(
        "stream.reassembly.urgent.policy",
        kinds.choice("oob", "inline"),
        None,
        "the last byte of urgent data: past the stream, as hosts take it (oob, default), or inline",
    ),
    *(
        Setting(
            f"host-os-policy.{policy.value}",
            kinds.group,
            None,
            f"hosts that take overlapping segments and fragments as {policy.value} does",
        )
        for policy in OsPolicy
    ),
    Setting("decoder.vxlan.enabled", kinds.boolean, None, "look into VXLAN"),
    Setting("decoder.vxlan.ports", kinds.group, None, "UDP ports of VXLAN, such as [4789, 8472]"),
    Setting("decoder.geneve.enabled", kinds.boolean, None, "look into GENEVE"),
    Setting("decoder.geneve.ports", kinds.group, None, "UDP ports of GENEVE"),
    Setting("decoder.teredo.enabled", kinds.boolean, None, "look into Teredo"),
    Setting("decoder.teredo.ports", kinds.group, None, "UDP ports of Teredo"),
    Setting(
        "app-layer.protocols.*.enabled", kinds.switch("detection-only"), None, "yes, no or detection-only"
    ),
    *(
        Setting(
            f"app-layer.protocols.http.libhtp.default-config.{side}-body-{name}",
            kinds.size(0, 1 << 40),
            None,
            words,
        )
        for side in ("request", "response")
        for name, words in (
            ("limit", "bytes of a body that rules see; 0 = as many as are kept at all"),
            ("minimal-inspect-size", "bytes of a body before rules see any of it"),
            ("inspect-window", "bytes of a body that rules see again with those behind them"),
        )
    ),
    Setting(
        "app-layer.protocols.http.libhtp.default-config.decompression-layer-limit",
        kinds.whole(0, 100),
        None,
        "most layers of compression that are undone",
    ),
    *(
        Setting(
            f"app-layer.protocols.{name}.encryption-handling",
            kinds.choice("track-only", "default", "full", "bypass"),
            None,
            f"what rules see of {name.upper()} once it is encrypted: track-only (all but payload; "
            "older name: default), full, or bypass (nothing)",
        )
        for name in ("ssh", "tls")
    ),
    Setting(
        "datasets.*.type",
        kinds.choice("string", "md5", "sha256", "ipv4", "ipv6", "ip"),
        None,
        "what a dataset of that name holds, which rules ask for by its name alone",
    ),
    Setting("datasets.*.load", kinds.path, None, "a file with the values of that dataset"),
    Setting("datasets.*.state", kinds.path, None, "likewise; it may be missing, and live engines write it"),
    Setting(
        "default-data-dir",
        kinds.path,
        None,
        "where live engines keep what rules put into datasets with `save` or `state` (default: nowhere)",
    ),
    Setting(
        "datasets.rules.allow-write", kinds.boolean, None, "rules may have `save` and `state` (default: yes)"
    ),
    Setting(
        "datasets.rules.allow-absolute-filenames",
        kinds.boolean,
        None,
        "`save` and `state` of rules may name files outside of that directory (default: no)",
    ),
    Setting("default-reputation-path", kinds.path, None, "directory of the reputation files"),
    Setting("reputation-categories-file", kinds.path, None, "categories of IP reputation"),
    Setting("geoip-database", kinds.path, None, "a MaxMind database of countries"),
    Setting("probes.ovs.socket", kinds.text, None, "where the database of Open vSwitch listens"),
    Setting(
        "probes.*.enabled",
        kinds.boolean,
        None,
        "look for switches or guests of this kind (bridge, ovs, libvirt, docker, vmware)",
    ),
    Setting("probes.libvirt.uri", kinds.texts, None, "libvirt to ask, such as qemu+ssh://root@host/system"),
    Setting("probes.docker.socket", kinds.paths, None, "sockets of Docker or Podman to ask"),
    Setting("probes.vmware.vmx", kinds.paths, None, "directories with the .vmx files of VMware's guests"),
    Setting("probes.vmware.vcenter", kinds.text, None, "vCenter or ESXi to ask: https://USER@HOST"),
    Setting("probes.vmware.password-file", kinds.path, None, "file with the password of that user"),
    Setting(
        "probes.vmware.ca-file", kinds.path, None, "certificates of the authority that vCenter has its from"
    ),
    Setting(
        "behaviour.learning-time",
        kinds.number(0, 1e7, "seconds"),
        None,
        "seconds before a MAC address that nobody names is an unknown guest (default: 300)",
    ),
    Setting(
        "behaviour.management-ports",
        kinds.group,
        None,
        "ports of the management plane, such as [443, 5900-5999]",
    ),
    Setting(
        "behaviour.management-addresses",
        kinds.group,
        None,
        "addresses of the management plane besides this host's own and those of guests tagged mgmt",
    ),
    Setting(
        "packet-alert-max",
        kinds.whole(1, 255),
        None,
        "most alerts of one packet; those of rules that come later are left out (default: 15)",
    ),
    Setting("threshold-file", kinds.path, None, "limits of alerts, suppressed alerts (threshold.config)"),
    Setting("reputation-files", kinds.paths, None, "lists of IP reputation"),
)

ENGINE_OPTIONS = (
    "decoder.",
    "stream.",
    "host-os-policy.",
    "app-layer.",
    "datasets.",
    "default-data-dir",
    "default-reputation-path",
    "reputation-",
    "geoip-",
    "packet-alert-max",
    "threshold-",
    "probes.",
    "behaviour.",
)
"""Settings that are handed to the engine as they are, in Suricata's spelling."""


def find(name: str) -> Setting | None:
    """The setting of that name, the free levels of patterns filled in; None when there is none."""
    wanted = name.split(".")
    return next((setting for setting in TABLE if _fits(setting.name.split("."), wanted)), None)


def has_below(name: str) -> bool:
    """True when `name` is a level above some settings: a mapping in YAML."""
    wanted = name.split(".")
    return any(
        len(parts) > len(wanted) and _fits(parts[: len(wanted)], wanted)
        for parts in (setting.name.split(".") for setting in TABLE)
    )


def names_below(name: str) -> list[str]:
    """The keys that may stand in the mapping `name` ("" = the whole file); free names are left out."""
    level = name.split(".") if name else []
    keys: dict[str, None] = {}
    for setting in TABLE:
        parts = setting.name.split(".")
        if len(parts) > len(level) and _fits(parts[: len(level)], level) and parts[len(level)] != "*":
            keys[parts[len(level)]] = None
    return list(keys)


def all_names() -> list[str]:
    return [setting.name for setting in TABLE]


def of_command(command: str) -> Iterable[Setting]:
    """The settings that have a flag on that command."""
    return (setting for setting in TABLE if command in setting.commands)


def _fits(pattern: list[str], wanted: list[str]) -> bool:
    return len(pattern) == len(wanted) and all(
        p in ("*", w) and w for p, w in zip(pattern, wanted, strict=True)
    )
