"""A rule in words, for `rules show` and the rule's screen."""

from __future__ import annotations

from collections.abc import Iterator

from vpi_tui.detect.rules.ast import Refused
from vpi_tui.detect.rules.explain_conditions import (
    check_text,
    column_text,
    flowbits_text,
    flowint_text,
    hostbits_text,
    scope_text,
    tag_text,
    threshold_text,
    variable_text,
)
from vpi_tui.detect.rules.explain_steps import step_text
from vpi_tui.detect.rules.explain_values import addresses, spans_text
from vpi_tui.detect.rules.lexer import split_rule
from vpi_tui.detect.rules.registry import PROTOCOLS
from vpi_tui.model.signature import ANY_ADDRESS, ANY_PORT, ANYWHERE, Ranges, Signature

_INSPECT = {
    "packet": "each packet by itself is looked at",
    "stream": "only reassembled streams are looked at",
}


def describe(signature: Signature) -> str:
    """The rule as a few lines: what it raises, on which packets, under which conditions."""
    lines = [_headline(signature), _ends(signature)]
    lines += [f"- {text}" for text in _conditions(signature)]
    return "\n".join(lines)


def _headline(signature: Signature) -> str:
    verb = "Matches without an alert" if signature.noalert else f"{signature.action.value.capitalize()}s"
    if signature.action_scope != "auto":
        verb += f" the {signature.action_scope}"
    kind = f", {signature.classtype}" if signature.classtype else ""
    technique = f", ATT&CK {signature.technique}" if signature.technique else ""
    name = f"{signature.gid}:{signature.sid} rev {signature.rev}"
    return f"{verb} as {signature.msg!r} ({name}, priority {signature.priority}{kind}{technique})"


def _ends(signature: Signature) -> str:
    header = signature.header
    written: tuple[str, ...] = ("", "", "", "")
    try:
        text = split_rule(signature.raw).header
        written = (text.src, text.src_port, text.dest, text.dest_port)
    except Refused:
        pass
    source = _end(header.src, header.src_port, written[0], written[1])
    dest = _end(header.dest, header.dest_port, written[2], written[3])
    arrow = "between {} and {}" if header.bidirectional else "from {} to {}"
    what = PROTOCOLS.get(header.protocol, header.protocol)
    goes = "go" if what.endswith(" flows") else "goes"
    return f"when {what} {goes} {arrow.format(source, dest)}, and"


def _end(address: Ranges, port: Ranges, written_address: str, written_port: str) -> str:
    where = (
        "anywhere"
        if address == ANY_ADDRESS
        else written_address
        if "$" in written_address
        else addresses(address)
    )
    if port == ANY_PORT:
        return where
    return f"{where} port {written_port if '$' in written_port else spans_text(port.spans)}"


def _conditions(signature: Signature) -> Iterator[str]:
    for test in signature.columns:
        yield column_text(test)
    if signature.inspect != "auto":
        yield _INSPECT[signature.inspect]
    for step in signature.steps:
        yield step_text(step)
    for bits in signature.flowbits:
        yield flowbits_text(bits)
    for number in signature.flowints:
        yield flowint_text(number)
    for host in signature.hostbits:
        yield hostbits_text(host)
    for check in signature.checks:
        yield check_text(check)
    for asked in signature.variables:
        yield variable_text(asked)
    if signature.threshold is not None:
        yield threshold_text(signature.threshold)
    for tag in signature.tags:
        yield tag_text(tag)
    if signature.scope != ANYWHERE:
        yield scope_text(signature.scope)
