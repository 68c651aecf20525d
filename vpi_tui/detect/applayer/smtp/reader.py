"""A mail read while it comes: fields of its head, attachments, URLs, the digest of its body.

What it gives is what `mime.leaves` would give of the whole mail; nothing is kept but an unfinished head or
line.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Final

from vpi_tui.detect.applayer.base import Limits
from vpi_tui.detect.applayer.files import FILE, FILE_DATA, FILE_NAME, File
from vpi_tui.detect.applayer.smtp.coding import Decoder, Plain, UrlFinder, decoder
from vpi_tui.detect.applayer.smtp.mime import (
    BASE64,
    BOUNDARY_LIMIT,
    MOST_DEPTH,
    MOST_PARTS,
    Part,
    parameter,
    parse_part,
)
from vpi_tui.detect.applayer.smtp.transaction import FIELDS, MD5, URLS, SmtpTransaction
from vpi_tui.detect.applayer.window import ANY_SIZE
from vpi_tui.model.batch import Direction

HEAD_LIMIT: Final = 32_768
"""Bytes of a head that are waited for; of a longer one as much is read."""
LINE_LIMIT: Final = 512
"""Bytes of a line that may be a boundary."""
_HEAD_END: Final = re.compile(rb"(?:\A|\n)\r?\n")
_DASHES: Final = re.compile(rb"\n--")
"""What a boundary begins with; for so few bytes an expression is ten times as quick as `find`."""
_LINE_END: Final = re.compile(rb"[\r\n]")
_EDGE: Final = b"\r\n--"
"""What stands in front of a boundary: where pending bytes end with some of it, they wait."""
_MOST_OF_EDGE: Final = len(_EDGE) - 1
READS: Final = (FILE, FILE_NAME, FILE_DATA, URLS, MD5, *FIELDS)
"""Buffers for which a mail has to be read so."""


@dataclass(slots=True)
class _Level:
    """A part that has parts. depth: of these."""

    boundary: bytes
    depth: int


@dataclass(slots=True)
class _Leaf:
    """A part whose bytes are looked at: a file, or a text, or what is searched for URLs."""

    decoder: Decoder
    file: File | None = None
    finder: UrlFinder | None = None


class MailReader:
    """transaction: where it puts what it finds."""

    def __init__(self, transaction: SmtpTransaction, limits: Limits) -> None:
        self._made = transaction
        self._needs = limits.files
        self._wants_files = limits.wants(FILE, FILE_NAME, FILE_DATA)
        self._wants_urls = limits.wants(URLS)
        self._digest = hashlib.md5(usedforsecurity=False) if limits.wants(MD5) else None
        self._has_body = False
        self._pending = bytearray()
        self._at_line_start = True
        self._in_head = True
        self._searched = 0
        """Bytes of the head that is pending whose lines are known to be neither its end nor a boundary."""
        self._is_mail = True
        """The head that comes is the mail's own."""
        self._is_text = True
        """URLs are looked for in the part that began last, when it is no attachment."""
        self._carried = b""
        """The name of the attached message whose head comes."""
        self._depth = 0
        self._levels: list[_Level] = []
        self._leaf: _Leaf | None = None
        self._parts = 0

    def held(self) -> int:
        return len(self._pending) + sum(file.held() for file in self._made.files)

    def patience(self) -> int:
        """How many more bytes of a part can come before there is news, when no boundary is among them."""
        if self._in_head or self._pending or self._at_line_start:
            return 0
        leaf = self._leaf
        if leaf is None:
            return ANY_SIZE
        if leaf.file is None or leaf.finder is not None:
            return 0
        return leaf.decoder.patience(leaf.file.patience)

    def feed(self, data: bytes) -> None:
        """Some more of the mail, dots unstuffed."""
        if not self._is_mail:
            self._hash(data)
        if data and not self._pending and not self._in_head and self._is_of_part(data):
            self._take(data)
            return
        self._pending += data
        if self._in_head and b"\n" not in data and len(self._pending) <= HEAD_LIMIT:
            return  # a head, and a boundary in its place, end with a line
        while self._take_head(closing=False) if self._in_head else self._take_body(closing=False):
            pass

    def skip(self, count: int) -> None:
        """Bytes are missing."""
        if self._leaf is not None and self._leaf.file is not None:
            self._leaf.file.skip(count)

    def close(self, *, truncated: bool) -> None:
        """Nothing more comes. truncated: it should have."""
        while self._take_head(closing=True) if self._in_head else self._take_body(closing=True):
            pass
        self._end_leaf(truncated=truncated)
        if self._digest is not None and self._has_body:
            self._made.body_md5 = self._digest.hexdigest().encode("ascii")

    def _hash(self, data: bytes) -> None:
        if self._digest is None or not data:
            return
        self._has_body = True
        self._digest.update(data)

    # Heads ---------------------------------------------------------------------------------------

    def _take_head(self, *, closing: bool) -> bool:
        pending = self._pending
        found = _HEAD_END.search(pending, self._searched)
        end = found.end() if found is not None else len(pending)
        edge = self._boundary(self._searched, end)
        if edge is not None:  # the part has no body
            self._begin(parse_part(bytes(pending[: edge[0]])), bytes(pending[edge[0] :]))
            return True
        if found is None and not closing and len(pending) <= HEAD_LIMIT:
            self._searched = max(pending.rfind(b"\n"), self._searched)
            return False
        self._begin(parse_part(bytes(pending[:end])), bytes(pending[end:]))
        return True

    def _begin(self, part: Part, rest: bytes) -> None:
        """A part begins; rest: what has come of it behind its head."""
        self._pending[:] = rest
        self._searched = 0
        self._at_line_start = True
        self._in_head = False
        self._is_text = part.is_text(self._is_text)
        if self._is_mail:
            self._is_mail = False
            self._made.take_fields(part)
            self._hash(rest)
        part.carried, self._carried = self._carried, b""
        nests = self._depth < MOST_DEPTH
        boundary = parameter(part.first(b"content-type"), b"boundary")[:BOUNDARY_LIMIT]
        if nests and part.is_message:
            self._depth += 1
            self._carried = part.named
            self._in_head = True
            return
        if nests and boundary and part.kind.startswith(b"multipart/"):
            self._depth += 1
            self._levels.append(_Level(boundary, self._depth))
            if not part.named:
                return
        if self._parts < MOST_PARTS:
            self._parts += 1
            self._leaf = self._new_leaf(part)

    def _new_leaf(self, part: Part) -> _Leaf | None:
        name, made = part.file_name, self._made
        finder = UrlFinder(made.urls) if self._wants_urls and (name or self._is_text) else None
        if name and self._wants_files:
            made.is_moved = True
            file = made.open_file(Direction.TO_SERVER, name, self._needs)
            return _Leaf(decoder(part.coding), file, finder)
        if finder is None:
            return None
        undone = name or part.coding == BASE64  # quoted-printable texts are searched as sent, as in Suricata
        return _Leaf(decoder(part.coding) if undone else Plain(), finder=finder)

    # Bodies --------------------------------------------------------------------------------------

    def _take_body(self, *, closing: bool) -> bool:
        pending = self._pending
        edge = self._boundary(0, len(pending), closing=closing)
        if edge is None:
            self._give(len(pending) if closing else self._sure())
            return False
        start, end, level, is_last = edge
        before = bytes(pending[:start]).removesuffix(b"\n").removesuffix(b"\r")
        self._give(len(before))
        self._end_leaf(truncated=False)
        del self._pending[: end - len(before)]
        self._at_line_start = True
        self._depth = self._levels[level].depth
        del self._levels[level + (not is_last) :]
        self._in_head = not is_last and self._parts < MOST_PARTS
        return True

    def _is_of_part(self, data: bytes) -> bool:
        """Is there surely no boundary in these bytes, nor one that begins at their end?"""
        if not self._levels:
            return True
        if _LINE_END.search(data, len(data) - _MOST_OF_EDGE) or (self._at_line_start and data[:1] == b"-"):
            return False
        return _DASHES.search(data) is None

    def _sure(self) -> int:
        """How many pending bytes are certainly no part of a boundary, nor of the line end in front of one."""
        pending = self._pending
        if not self._levels:
            return len(pending)
        if self._at_line_start and pending == b"-":
            return 0
        at = pending.rfind(b"\n--") if _DASHES.search(pending) else -1
        begin = 0 if self._at_line_start and pending.startswith(b"--") and at < 0 else at
        if begin >= 0 and pending.find(b"\n", begin + 1) < 0 and len(pending) - begin <= LINE_LIMIT:
            return begin - (begin > 0 and pending[begin - 1] == _EDGE[0])
        for size in range(min(len(_EDGE), len(pending)), 0, -1):
            if _EDGE.startswith(pending[-size:]) or _EDGE[1:].startswith(pending[-size:]):
                return len(pending) - size
        return len(pending)

    def _boundary(self, at: int, stop: int, *, closing: bool = False) -> tuple[int, int, int, bool] | None:
        """(begin, end, level, is it the last) of the first line before `stop` that is a boundary."""
        if not self._levels:
            return None
        pending = self._pending
        if at == 0 and self._at_line_start and pending.startswith(b"--"):
            begin = 0
        else:
            dashes = _DASHES.search(pending, at)
            if dashes is None:
                return None
            begin = dashes.start() + 1
        while 0 < begin < stop or (begin == 0 and self._at_line_start and pending.startswith(b"--")):
            end = pending.find(b"\n", begin)
            if end < 0 and not closing:
                return None
            line = bytes(pending[begin : end if end >= 0 else len(pending)]).rstrip(b" \t\r")[2:]
            for level in range(len(self._levels) - 1, -1, -1):
                boundary = self._levels[level].boundary
                if line in (boundary, boundary + b"--"):
                    return begin, end + 1 if end >= 0 else len(pending), level, line != boundary
            begin = pending.find(b"\n--", begin + 1) + 1
            if not begin:
                return None
        return None

    def _give(self, count: int) -> None:
        """The first bytes that are pending are the part's."""
        if count <= 0:
            return
        data = bytes(self._pending[:count])
        del self._pending[:count]
        self._take(data)

    def _take(self, data: bytes) -> None:
        """Some bytes of the part."""
        self._at_line_start = data.endswith(b"\n")
        if self._leaf is not None:
            self._put(self._leaf, self._leaf.decoder.feed(data))

    def _put(self, leaf: _Leaf, data: bytes) -> None:
        if leaf.file is not None:
            leaf.file.append(data)
            self._made.is_moved |= leaf.file.is_due
        if leaf.finder is not None:
            self._made.tell_urls(leaf.finder.feed(data))

    def _end_leaf(self, *, truncated: bool) -> None:
        leaf, self._leaf = self._leaf, None
        if leaf is None:
            return
        self._put(leaf, leaf.decoder.close())
        if leaf.file is not None:
            leaf.file.close(truncated=truncated)
            self._made.is_moved = True
        if leaf.finder is not None:
            self._made.tell_urls(leaf.finder.close())
