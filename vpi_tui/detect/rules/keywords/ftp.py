"""Keywords about FTP that take a word; its buffers and numbers stand in applayer/names.py."""

from __future__ import annotations

from vpi_tui.detect.rules.ast import Refused
from vpi_tui.detect.rules.draft import Draft
from vpi_tui.detect.rules.registry import keyword
from vpi_tui.detect.rules.text import unquote
from vpi_tui.model.signature import Content, NumberIn

_YES = frozenset({"yes", "true", "on", "1"})
_NO = frozenset({"no", "false", "off", "0"})


@keyword("ftp.mode")
def ftp_mode(draft: Draft, text: str) -> None:
    """Who opens the data connection that a command arranges: active (the server) or passive (the client)."""
    word = unquote("ftp.mode", text, needed=False).strip().lower()
    if word not in {"active", "passive"}:
        raise Refused(f"ftp.mode: active or passive, not {word[:40]!r}")
    draft.steps.append(Content("ftp.mode", word.encode("ascii"), startswith=True, endswith=True))


@keyword("ftpdata_command")
def ftpdata_command(draft: Draft, text: str) -> None:
    """What a data connection is for: retr (the client fetches a file) or stor (it brings one)."""
    word = unquote("ftpdata_command", text, needed=False).strip()
    if word not in {"retr", "stor"}:
        raise Refused(f"ftpdata_command: retr or stor, not {word[:40]!r}")
    draft.steps.append(
        Content("ftpdata_command", word.upper().encode("ascii"), startswith=True, endswith=True)
    )


@keyword("ftpbounce", value="none")
def ftpbounce(draft: Draft, _text: str) -> None:
    """A client tells the FTP server to send data to a third host (PORT with another's address)."""
    draft.steps.append(NumberIn("ftp.bounce", ((1, 1),)))


@keyword("ftp.reply_received")
def ftp_reply_received(draft: Draft, text: str) -> None:
    """Whether the command was answered: yes or no."""
    word = unquote("ftp.reply_received", text, needed=False).strip().lower()
    if word not in _YES | _NO:
        raise Refused(f"ftp.reply_received: yes or no, not {word[:40]!r}")
    number = int(word in _YES)
    draft.steps.append(NumberIn("ftp.reply_received", ((number, number),)))
