"""Frames: named pieces of a protocol's own bytes (Suricata's user guide, "Frame keyword")."""

from __future__ import annotations

from vpi_tui.detect.applayer.frame_names import FRAMES, PROTOCOLS, frame_buffer, frames_of
from vpi_tui.detect.rules.ast import Refused
from vpi_tui.detect.rules.draft import Draft
from vpi_tui.detect.rules.registry import keyword
from vpi_tui.detect.rules.text import unquote
from vpi_tui.model.applications import RULE_WORDS


@keyword("frame")
def frame(draft: Draft, text: str) -> None:
    """The byte keywords after it look at frames of this name: smb2.hdr; smb.smb2.hdr."""
    word = unquote("frame", text, needed=False).strip().lower()
    header = draft.header.protocol.lower()
    first, dot, rest = word.partition(".")
    if dot and first in RULE_WORDS and rest:
        protocol, name = PROTOCOLS.get(first, first), rest
        if header in RULE_WORDS and protocol != PROTOCOLS.get(header, header):
            raise Refused(f"frame: {word[:40]} is not of the rule's protocol {header}")
    elif header in RULE_WORDS:
        protocol, name = PROTOCOLS.get(header, header), word
    else:
        raise Refused(f"frame: a rule for {header} has to say whose frame {word[:40]} is, as in dns.pdu")
    if name not in frames_of(protocol) and word in frames_of(protocol):
        name = word  # nfs.pdu is such a name of its own
    if name not in frames_of(protocol):
        known = ", ".join(FRAMES.get(protocol, ())) or "none but stream"
        raise Refused(f"frame: {protocol} has no frame {name[:40]!r} (it has {known})")
    draft.look_at(frame_buffer(protocol, name))
