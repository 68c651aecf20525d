"""Rule packs: rules in YAML, beside or instead of Suricata's text.

A pack is one YAML file. The smallest one:

```yaml
name: lab-recon
description: Somebody looks around in the lab network.
version: "1.0"
rules:
  - sid: 9000001
    msg: Telnet between two guests
    protocol: tcp
    src: $HOME_NET
    dest: $HOME_NET
    dest_port: 23
    flow: [established, to_server]
    classtype: policy-violation
    technique: T1021
    scope: {direction: east-west}

  - suricata: >-
      alert icmp any any -> $HOME_NET any (msg:"Ping sweep"; itype:8;
      threshold:type both, track by_src, count 20, seconds 10;
      classtype:network-scan; metadata:mitre_technique_id T1018; sid:9000002; rev:1;)
```

Pack keys: `name` and `rules` are required; `description`, `version`, `author`, `references` (a list)
and `scope` (holds for each rule that has none of its own) are optional.

A rule is one of

- a string, or a mapping with `suricata:`, holding one rule in Suricata's text (`scope` and `enabled`
  may stand beside it);
- a mapping of the fields below. They are turned into Suricata's options in the order in which they are
  written, and parsed by the one parser there is: whatever a field accepts, the text accepts, and vice
  versa.

| field | value | default |
|---|---|---|
| sid | number, unique among all rules | required |
| rev | number | 1 |
| gid | number | 1 |
| msg | what the operator reads | required |
| action | alert, pass, drop, reject | alert |
| protocol | ip, ipv4, ipv6, tcp, tcp-pkt, tcp-stream, udp, icmp, icmpv4, icmpv6, sctp | ip |
| src, dest | address, network, range, $VARIABLE, `!` before it, or a list | any |
| src_port, dest_port | port, `1024:2048`, `1024:`, $VARIABLE, `!` before it; or a list | any |
| bidirectional | true: also with source and destination changed | false |
| flow | one or a list of: established, to_server, to_client, not_established, stateless, ... | |
| content | a pattern, a mapping (below), or a list of them | |
| pcre | `/expression/flags`, `!` before it: does not match; or a list | |
| flowbits | `set,name`, `isset,name`, ..., or a list | |
| threshold | {type: limit|threshold|both, track: by_src|by_dst|..,  count, seconds} | |
| detection_filter | {track, count, seconds} | |
| classtype | a name from the classification table; gives the priority | |
| priority | 1 (high) to 255 | of the classtype |
| technique | ATT&CK technique, T1046 or T1021.002 | |
| tactic | ATT&CK tactic, TA0007 or its name | |
| reference | `url,example.org/page`, or a list | |
| metadata | a mapping of names to values (or lists of values) | |
| noalert | true: match (and set flowbits) without an alert | false |
| enabled | false: loaded, but off until the operator switches it on | true |
| scope | where in the virtual topology the rule holds (below) | everywhere |
| any keyword (dsize, flags, ttl, byte_test, ..) | as in the text; `true` = no value; a list repeats it | |

A content mapping: `pattern` in Suricata's syntax (`|0d 0a|` for bytes; a leading `!` is text here, see
`negated`), and any of `negated: true`, `nocase: true`, `startswith: true`, `endswith: true`,
`rawbytes: true`, `offset`, `depth`, `distance`, `within` (a number, or a variable of byte_extract or
byte_math) and `fast_pattern` (`true`, `only`, or `offset,length`).

```yaml
  - sid: 9000003
    msg: Directory listing of a Windows share over SMB
    protocol: tcp
    dest_port: [139, 445]
    flow: [established, to_server]
    content:
      - {pattern: "|fe|SMB", offset: 4, depth: 4}
      - {pattern: "|0e 00|", distance: 8, within: 2}
    threshold: {type: limit, track: by_src, count: 1, seconds: 60}
    classtype: attempted-recon
    technique: T1135
    tactic: Discovery
    reference: ["url,attack.mitre.org/techniques/T1135"]
    scope: {direction: east-west, switch: [br-dmz, "ovs-*"], guest: "web*", tag: production}
```

`scope` restricts a rule to a part of the virtual topology. `direction` is `east-west` (both ends are
guests of this host), `north-south` (one end is not) or `any`. `switch`, `guest` and `tag` each take a
name or a list; `*` stands for any characters. All that are given must hold; of a list, one must.

Mistakes are reported with file and line; the rest of the pack is loaded. YAML aliases (`*name`) are
refused, so that a few bytes cannot unfold into a huge pack.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from vpi_tui.detect.rules.ast import Refused, Skipped
from vpi_tui.detect.rules.pack_fields import (
    Compiled,
    FieldProblem,
    boolean,
    check_keys,
    compile_fields,
    listed,
    read_scope,
    scalar,
    unknown_key,
)
from vpi_tui.detect.rules.parser import Parser
from vpi_tui.detect.rules.yamltree import Fields, Items, Node, Scalar, YamlProblem, read_tree
from vpi_tui.model.errors import RuleError
from vpi_tui.model.signature import Origin, Scope, Signature

_PACK_KEYS = ("name", "description", "version", "author", "references", "scope", "rules")
_TEXT_KEYS = ("suricata", "scope", "enabled")


@dataclass(frozen=True, slots=True)
class Pack:
    """What a pack says of itself."""

    name: str
    path: str
    description: str = ""
    version: str = ""
    author: str = ""
    references: tuple[str, ...] = ()
    rules: int = 0
    """Rules that were loaded."""


@dataclass(slots=True)
class PackContent:
    """One pack that was read: its good rules, and an error for each other."""

    pack: Pack | None = None
    """None when the file is no pack at all."""
    signatures: list[Signature] = field(default_factory=list)
    errors: list[RuleError] = field(default_factory=list)


def read_pack(path: str, text: str, parser: Parser) -> PackContent:
    """Read one pack; raises nothing."""
    content = PackContent()
    try:
        root = read_tree(text)
    except YamlProblem as problem:
        content.errors.append(RuleError(path, problem.line, problem.reason))
        return content
    if not isinstance(root, Fields) or "rules" not in root.nodes:
        content.errors.append(RuleError(path, root.line, "a pack is a mapping with `name` and `rules`"))
        return content
    _Reader(path, root, parser, content).read()
    return content


class _Reader:
    """Reads the rules of one pack."""

    def __init__(self, path: str, root: Fields, parser: Parser, content: PackContent) -> None:
        self._path = path
        self._root = root
        self._parser = parser
        self._content = content
        self._name = ""
        self._scope = Scope()

    def read(self) -> None:
        root = self._root
        for key, line in root.key_lines.items():
            if key not in _PACK_KEYS:
                self._fail(line, unknown_key(key, _PACK_KEYS))
        self._name = self._text("name")
        if not self._name:
            self._fail(root.line, "name is missing")
        try:
            self._scope = read_scope(root.nodes["scope"]) if "scope" in root.nodes else Scope()
        except FieldProblem as problem:
            # Without its scope a pack would alert everywhere; rather not at all.
            self._fail(problem.line, problem.reason)
            return
        self._rules(root.nodes["rules"])
        references = listed(root.nodes["references"]) if "references" in root.nodes else []
        self._content.pack = Pack(
            self._name,
            self._path,
            self._text("description"),
            self._text("version"),
            self._text("author"),
            tuple(item.text for item in references if isinstance(item, Scalar)),
            len(self._content.signatures),
        )

    def _fail(self, line: int, reason: str, sid: int = 0) -> None:
        self._content.errors.append(RuleError(self._path, line, reason, sid=sid))

    def _text(self, key: str) -> str:
        node = self._root.nodes.get(key)
        if node is None:
            return ""
        if not isinstance(node, Scalar):
            self._fail(node.line, f"{key}: needs one value")
            return ""
        return " ".join(node.text.split())

    def _rules(self, node: Node) -> None:
        if not isinstance(node, Items):
            self._fail(node.line, "rules: needs a list")
            return
        for item in node.nodes:
            try:
                self._content.signatures.append(self._rule(item))
            except FieldProblem as problem:
                self._fail(problem.line, problem.reason, _sid(item))
            except Skipped as skipped:
                self._parser.notices.append((self._origin(item), skipped.reason))
            except Refused as refused:
                self._content.errors.append(refused.at(self._path, item.line, _raw(item)))

    def _rule(self, node: Node) -> Signature:
        if isinstance(node, Scalar):
            return self._parser.parse(_one_line(node.text), self._origin(node), scope=self._scope)
        if not isinstance(node, Fields):
            raise FieldProblem(node.line, "a rule is a text or a mapping")
        scope = read_scope(node.nodes["scope"]) if "scope" in node.nodes else self._scope
        if "suricata" in node.nodes:
            check_keys(node, _TEXT_KEYS)
            text = _one_line(scalar(node.nodes["suricata"], "suricata"))
            enabled = "enabled" not in node.nodes or boolean(node.nodes["enabled"], "enabled")
            return self._parser.parse(text, self._origin(node), scope=scope, enabled=enabled)
        return self._built(compile_fields(node), self._origin(node), scope)

    def _built(self, made: Compiled, origin: Origin, scope: Scope) -> Signature:
        try:
            return self._parser.build(made.syntax, made.raw, origin, scope=scope, enabled=made.enabled)
        except Skipped:
            raise
        except Refused as refused:
            at_option = 0 <= refused.option < len(made.lines)
            line = made.lines[refused.option] if at_option else origin.line
            raise FieldProblem(line, refused.reason) from None

    def _origin(self, node: Node) -> Origin:
        return Origin(self._path, node.line, self._name)


def _one_line(text: str) -> str:
    return " ".join(text.split("\n")).strip()


def _raw(node: Node) -> str:
    found = node.nodes.get("suricata") if isinstance(node, Fields) else node
    return found.text if isinstance(found, Scalar) else ""


def _sid(node: Node) -> int:
    found = node.nodes.get("sid") if isinstance(node, Fields) else None
    text = found.text.strip() if isinstance(found, Scalar) else ""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 11 else 0
