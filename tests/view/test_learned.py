"""What guests say of themselves is shown, and shown as uncertain."""

from __future__ import annotations

from tests.view.samples import guest
from vpi_tui.view.learned import learned_words, shown_name

LEARNED = (("KVM", "MAC"), ("web-1", "DHCP"))


def test_only_who_has_no_name_is_shown_with_what_it_calls_itself() -> None:
    assert shown_name(guest("vnet3", port="vnet3", source="probe", learned=LEARNED), 64) == "vnet3 (web-1?)"
    assert (
        shown_name(guest("10.0.0.9", port="", source="learned", learned=LEARNED), 64) == "10.0.0.9 (web-1?)"
    )
    assert shown_name(guest("db", port="vnet3", learned=LEARNED), 64) == "db"
    assert shown_name(guest("vnet3", port="vnet3", learned=LEARNED[:1]), 64) == "vnet3"


def test_hostile_names_are_escaped() -> None:
    hostile = guest("vnet3", port="vnet3", learned=(("\x1b[2Jroot", "DHCP"),))
    assert shown_name(hostile, 64) == r"vnet3 (\x1b[2Jroot?)"
    assert learned_words(hostile) == r"\x1b[2Jroot (DHCP)"
    assert learned_words(guest("vnet3")) == ""
