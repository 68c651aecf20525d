"""Flag letters with a modifier, the common form of `flags` and `fragbits`; and numbers of columns."""

from __future__ import annotations

from collections.abc import Mapping

from vpi_tui.detect.rules.ast import Refused
from vpi_tui.detect.rules.draft import Draft
from vpi_tui.detect.rules.numbers import bits_in


def number_test(draft: Draft, column: str, name: str, text: str, highest: int) -> None:
    """A column's number: 5, <5, 1-5, &0x0f=3. name: the keyword. Raises Refused."""
    inside, mask = bits_in(name, text, highest)
    draft.test(column, inside, mask=mask)


def bit_test(
    draft: Draft,
    name: str,
    column: str,
    text: str,
    letters: Mapping[str, int],
    *,
    everything: int,
    ignore: int = 0,
) -> int:
    """`SA` exactly these, `+S` these and maybe others, `*SA` one of these, `!SA` not all of these.

    everything: all bits that the keyword looks at; ignore: those of them that do not count. Returns those
    that are named.
    """
    modifier, bits = "", 0
    for letter in text.replace(" ", "").upper():
        if letter in "+*!":
            if modifier:
                raise Refused(f"{name}: more than one of + * !")
            modifier = letter
        elif letter in letters:
            bits |= letters[letter]
        elif letter != "0":
            raise Refused(f"{name}: unknown flag {letter!r}; there are {''.join(letters)}")
    wanted = bits & ~ignore
    if not bits and modifier != "*":
        # None at all: what else does not count counts here, as in Suricata.
        draft.test(column, ((0, 0),), mask=everything, negated=modifier == "!")
    elif modifier == "*":
        draft.test(column, ((0, 0),), mask=wanted, negated=True)
    elif modifier in {"+", "!"}:
        draft.test(column, ((bits, bits),), mask=wanted, negated=modifier == "!")
    else:
        draft.test(column, ((bits, bits),), mask=everything & ~ignore)
    return bits
