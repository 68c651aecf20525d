"""Older keywords about SSH that take a value; its sticky buffers stand in applayer/names.py."""

from __future__ import annotations

import re

from vpi_tui.detect.rules.ast import Refused
from vpi_tui.detect.rules.draft import Draft
from vpi_tui.detect.rules.registry import keyword
from vpi_tui.detect.rules.text import pattern, unquote
from vpi_tui.model.signature import Content, Pcre

_PROTOCOL = re.compile(r"[0-9.]{1,16}", re.A)


@keyword("ssh.protoversion")
def ssh_protoversion(draft: Draft, text: str) -> None:
    """The protocol version of the banner: 2.0, or 2_compat for all that can speak version 2."""
    word = unquote("ssh.protoversion", text, needed=False).strip().lower()
    if word == "2_compat":
        draft.steps.append(Pcre("ssh.proto", rb"\A(?:2\b.*|1\.99)\z"))
    elif _PROTOCOL.fullmatch(word):
        draft.steps.append(Content("ssh.proto", word.encode("ascii"), startswith=True, endswith=True))
    else:
        raise Refused(f"ssh.protoversion: a version or 2_compat, not {word[:40]!r}")


@keyword("ssh.softwareversion")
def ssh_softwareversion(draft: Draft, text: str) -> None:
    """A text that the software version of the banner holds."""
    made = pattern("ssh.softwareversion", unquote("ssh.softwareversion", text, needed=False))
    draft.steps.append(Content("ssh.software", made))
