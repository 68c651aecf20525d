"""Keywords about files: what they take, and what they refuse with a reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from vpi_tui.detect.rules.loader import load
from vpi_tui.model.signature import Content, FileTest

MD5 = "0123456789abcdef0123456789abcdef"


def loaded(tmp_path: Path, options: str) -> tuple[tuple[object, ...], list[str], list[str]]:
    (tmp_path / "good.md5").write_text(f"{MD5}\n\n# none\n{MD5.upper()} name.bin\n")
    (tmp_path / "bad.md5").write_text("0123\n")
    rules = tmp_path / "a.rules"
    rules.write_text(f"alert http any any -> any any ({options}; sid:1;)\n")
    found = load([rules])
    steps = tuple(step for s in found.signatures for step in s.steps)
    return steps, [e.reason for e in found.errors], [n.text for n in found.notices]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ('filename:"A|2e|B"', Content("file.name", b"A.B", nocase=True)),
        ('fileext:!"JPG"', Content("file.name", b".JPG", nocase=True, negated=True, endswith=True)),
        ("filesize:1kb<>2kb", FileTest("size", spans=((1025, 2047),))),
        ("filemd5:good.md5", FileTest("md5", digests=frozenset({bytes.fromhex(MD5)}))),
        ("filemd5:!good.md5", FileTest("md5", digests=frozenset({bytes.fromhex(MD5)}), negated=True)),
        ("filestore:response,file", FileTest("any")),
    ],
)
def test_what_is_taken(tmp_path: Path, options: str, expected: Content | FileTest) -> None:
    assert loaded(tmp_path, options)[:2] == ((expected,), [])


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ("filemd5:bad.md5", "no list of md5"),
        ("filesha1:good.md5", "no list of sha1"),
        ("filemd5:missing.md5", "cannot be read"),
        ("filemd5:../good.md5", "cannot be read"),
        ("filemd5:/dev/zero", "no regular file"),
        ("filestore:sideways", "filestore"),
        ('filemagic:"PDF"', "libmagic"),
        ("filesize:x", "not a number"),
    ],
)
def test_what_is_refused(tmp_path: Path, options: str, reason: str) -> None:
    steps, errors, _ = loaded(tmp_path, options)
    assert not steps
    assert reason in errors[0]


def test_a_file_is_not_kept_and_the_rule_says_so(tmp_path: Path) -> None:
    steps, _, notices = loaded(tmp_path, 'filename:"a"; filestore')
    assert [step.kind for step in steps if isinstance(step, FileTest)] == ["any"]
    assert "not kept" in notices[0]
