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
| protocol | ip, ipv4, ipv6, tcp, tcp-pkt, tcp-stream, udp, icmp, icmpv4, icmpv6, sctp, pkthdr | ip |
| src, dest | address, network, range, $VARIABLE, `!` before it, or a list of these | any |
| src_port, dest_port | port, `1024:2048`, `1024:`, $VARIABLE, `!` before it, or a list | any |
| bidirectional | true: also with source and destination changed | false |
| flow | one or a list of: established, not_established, to_server, to_client, stateless, only_stream, no_stream | |
| content | a pattern, a mapping (below), or a list of them | |
| pcre | `/expression/flags`, with `!` before it for "does not match"; or a list | |
| flowbits | `set,name`, `isset,name`, ..., or a list | |
| threshold | {type: limit, threshold or both; track: by_src, by_dst, by_both, by_rule or by_flow; count; seconds} | |
| detection_filter | {track, count, seconds} | |
| classtype | a name from the classification table; gives the priority | |
| priority | 1 (high) to 255 | of the classtype |
| technique | ATT&CK technique, T1046 or T1021.002 | |
| tactic | ATT&CK tactic, TA0007 or its name | |
| reference | `url,example.org/page`, or a list | |
| metadata | a mapping of names to values (or lists of values) | |
| noalert | true: match (and set flowbits) without an alert | false |
| enabled | false: loaded, but switched off until the operator switches it on | true |
| scope | where in the virtual topology the rule holds (below) | everywhere |
| any keyword of the rule language, such as dsize, flags, itype, icode, ttl, byte_test, isdataat, tcp.hdr | its value as in the text, `true` for one without a value, a list to repeat it | |

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
