"""Keywords about a file as a whole (Suricata's user guide, "File Keywords").

Its name and its content have sticky buffers too: file.name and file.data, in applayer/names.py.
"""

from __future__ import annotations

from typing import Final, Literal

from vpi_tui.detect.applayer.files import FILE_NAME
from vpi_tui.detect.rules.ast import Refused
from vpi_tui.detect.rules.draft import PAYLOAD, ContentDraft, Draft
from vpi_tui.detect.rules.numbers import bits_in
from vpi_tui.detect.rules.registry import keyword
from vpi_tui.detect.rules.text import pattern, signed, unquote
from vpi_tui.model.signature import FileTest
from vpi_tui.model.valuetable import ValueTable

_LARGEST: Final = (1 << 64) - 1
_DIRECTIONS: Final = frozenset(
    {"request", "response", "both", "to_server", "to_client", "toserver", "toclient"}
)
_SCOPES: Final = frozenset({"file", "tx", "ssn", "flow"})


def _of_name(draft: Draft, word: str, text: str, before: bytes = b"", *, endswith: bool = False) -> None:
    """As in Suricata 8 a content of file.name in either case, which modifiers may follow; and what comes
    behind it is about the payload again."""
    negated, rest = signed(text)
    wanted = before + pattern(word, unquote(word, rest, needed=False))
    draft.steps.append(
        ContentDraft(
            FILE_NAME, wanted, negated, nocase=True, endswith=endswith, option=draft.option, moved=True
        )
    )
    draft.buffer = PAYLOAD


@keyword("filename")
def filename(draft: Draft, text: str) -> None:
    """A text that the name of a file holds, in either case; `!` before it: does not hold."""
    _of_name(draft, "filename", text)


@keyword("fileext")
def fileext(draft: Draft, text: str) -> None:
    """The extension of a file's name, in either case; `!` before it: any other."""
    _of_name(draft, "fileext", text, b".", endswith=True)


@keyword("filesize")
def filesize(draft: Draft, text: str) -> None:
    """Size of a file that has come to its end: 100, <100, >=1kb, 100<>200."""
    sizes, mask = bits_in("filesize", unquote("filesize", text, needed=False), _LARGEST)
    draft.steps.append(FileTest("size", spans=sizes, mask=mask))


def _digest(kind: Literal["md5", "sha1", "sha256"]) -> None:
    def handler(draft: Draft, text: str) -> None:
        negated, name = signed(unquote(f"file{kind}", text, needed=False))
        digests = draft.sources.datasets.digests(name.strip(), kind)
        if isinstance(digests, ValueTable):
            draft.steps.append(FileTest(kind, listed=digests, negated=negated))
        else:
            draft.steps.append(FileTest(kind, digests=digests, negated=negated))

    handler.__doc__ = f"The {kind.upper()} of a whole file is in a list, a file with one a line; `!`: is not."
    keyword(f"file{kind}")(handler)


_digest("md5")
_digest("sha1")
_digest("sha256")


@keyword("filestore", value="optional")
def filestore(draft: Draft, text: str) -> None:
    """There is a file. Its options are checked; a monitor keeps no files of those whom it watches."""
    direction, *scopes = (part.strip().lower() for part in (text or "both").split(","))
    if direction not in _DIRECTIONS or len(scopes) > 1 or not _SCOPES.issuperset(scopes):
        raise Refused(f"filestore: needs request|response|both and file|tx|ssn|flow, has {text[:40]!r}")
    if draft.bypass:
        raise Refused("filestore: of a flow that is passed by no file could be kept (bypass)")
    draft.seen.add("filestore")
    draft.notices.append("filestore: the rule alerts, the file is not kept")
    if not any(isinstance(step, FileTest) for step in draft.steps):
        draft.steps.append(FileTest("any"))


def _magic(name: str) -> None:
    def handler(_draft: Draft, _text: str) -> None:
        raise Refused(f"{name}: there is no libmagic here; look at the first bytes with file.data instead")

    handler.__doc__ = "What libmagic says of a file: refused, it is not here."
    keyword(name, value="optional")(handler)


_magic("filemagic")
_magic("file.magic")
