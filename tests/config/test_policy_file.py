"""policy.yaml: what it says, what is wrong with it and where, and that what is written is read again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vpi_tui.config.policy_file import check_policy, parse_policy, policy_text, read_policy
from vpi_tui.model.errors import ConfigError
from vpi_tui.model.policy import Policy, PolicyLine, PortRange, Selector

EXAMPLE = """\
# production
default: deny
allow:
  - from: tag:web
    to: [tag:db, db 9]
    ports: [tcp/5432, udp/1000-1999, icmp, ip/89]
  - from: any-guest
    to: world
deny:
  - {from: "guest:host", to: host, ports: tcp, note: nobody but the backup}
"""

names = st.text(min_size=1, max_size=20).filter(lambda text: text.isprintable() and text.strip())
selectors = st.one_of(
    st.sampled_from([Selector("any"), Selector("any-guest"), Selector("host"), Selector("world")]),
    st.builds(Selector, st.sampled_from(["guest", "tag", "switch"]), names),
)
ports = st.one_of(
    st.builds(
        lambda proto, a, b: PortRange(proto, min(a, b), max(a, b)),
        st.sampled_from([6, 17, 132]),
        st.integers(0, 65_535),
        st.integers(0, 65_535),
    ),
    st.integers(0, 255).filter(lambda n: n != 58).map(PortRange),
)
lines = st.builds(
    PolicyLine,
    st.sampled_from(["allow", "deny"]),
    st.lists(selectors, min_size=1, max_size=3).map(tuple),
    st.lists(selectors, min_size=1, max_size=3).map(tuple),
    st.lists(ports, max_size=3, unique=True).map(tuple),
)
policies = st.builds(
    Policy, st.just("p.yaml"), st.sampled_from(["allow", "deny"]), st.lists(lines, max_size=6).map(tuple)
)


def plain(policy: Policy) -> tuple[str, list[str]]:
    """What it says, wherever its lines stand."""
    return policy.default, sorted(repr(replace(line, line=0)) for line in policy.lines)


def test_what_a_policy_says() -> None:
    policy, errors = parse_policy(EXAMPLE, "policy.yaml")
    assert not errors
    assert (policy.default, policy.default_line) == ("deny", 2)
    first, second, third = policy.lines
    assert (first.line, str(first)) == (4, "tag:web > tag:db, db 9 tcp/5432, udp/1000-1999, icmp, ip/89")
    assert (second.line, str(second), second.action) == (7, "any-guest > world any", "allow")
    assert third.action == "deny"
    assert (third.src, third.dest, third.ports) == (
        (Selector("guest", "host"),),
        (Selector("host"),),
        (PortRange(6),),
    )


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("allow: [{from: a}]", 1, "without `to`"),
        ("allow:\n  - {from: a, to: []}", 2, "without `to`"),
        ("default: maybe\nallow: []", 1, "allow or deny"),
        ("alow: []", 1, "unknown key 'alow'"),
        ("allow:\n- {from: a, to: b, port: [tcp/1]}", 2, "unknown key 'port'"),
        ("allow:\n- {from: a, to: b, ports: [tcp/70000]}", 2, "0 to 65535"),
        ("allow:\n- {from: a, to: b, ports: [tcp/9-1]}", 2, "0 to 65535"),
        ("allow:\n- {from: a, to: b, ports: [http]}", 2, "is no port"),
        ("allow:\n- {from: a, to: b, ports: [icmp/8]}", 2, "has no ports"),
        ("allow:\n- {from: a, to: b, ports: []}", 2, "ports is empty"),
        ("allow:\n- {from: a, to: b, ports: any}", 2, "says nothing"),
        ("allow:\n- {from: a, to: b, ports: ip/256}", 2, "number of the protocol"),
        ("allow:\n- {from: 'tag:', to: b}", 2, "names no end"),
        ("allow:\n- just text", 2, "must be a mapping"),
        ("[]", 1, "must be a mapping"),
        ("allow: [", 1, ""),
    ],
)
def test_what_is_wrong_is_told_with_its_line(text: str, line: int, reason: str) -> None:
    _, errors = parse_policy(text, "policy.yaml")
    assert len(errors) == 1
    assert str(errors[0]).startswith(f"policy.yaml:{line}: ")
    assert reason in str(errors[0])


def test_all_that_is_wrong_is_told_and_the_rest_is_read(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text("allow:\n- {from: a}\n- {from: a, to: b}\ndeny:\n- {from: x, to: y, ports: [foo]}\n")
    policy, errors = check_policy(path)
    assert [str(error).split(": ")[0] for error in errors] == [f"{path}:2", f"{path}:5"]
    assert [line.line for line in policy.lines] == [3]
    with pytest.raises(ConfigError, match="1 more"):
        read_policy(path)
    assert len(check_policy(tmp_path / "absent.yaml")[1]) == 1


@given(policies)
def test_what_is_written_is_read_again(policy: Policy) -> None:
    text = policy_text(policy, ["learned\nyesterday", "\x1b[31m"])
    again, errors = parse_policy(text, "p.yaml")
    assert not errors
    assert plain(again) == plain(policy)
    assert policy_text(again) == policy_text(policy)
    assert all(char.isprintable() or char == "\n" for char in text)


@given(st.one_of(st.text(max_size=300), policies.map(policy_text).flatmap(
    lambda text: st.tuples(st.integers(0, len(text)), st.text(max_size=5)).map(
        lambda cut: text[: cut[0]] + cut[1] + text[cut[0] + len(cut[1]) :]
    )
)))  # fmt: skip
def test_no_text_breaks_the_reader(text: str) -> None:
    policy, errors = parse_policy(text, "p.yaml")
    assert all(str(error).startswith("p.yaml") for error in errors)
    assert all(line.src and line.dest and line.line > 0 for line in policy.lines)
