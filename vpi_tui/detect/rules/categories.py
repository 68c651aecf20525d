"""Which packs the rules of one file belong to.

A rule file is a pack of its name. A file into which somebody has merged a whole set (suricata-update writes
one `suricata.rules`) would be one heap of tens of thousands; its rules go by what their messages begin with,
which the rules of Emerging Threats, GPL and Suricata itself all say: the publisher and a category, as in
`ET MALWARE`. (Names of categories: Emerging Threats, "Suricata and Snort rule categories".)
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

MERGED: Final = 5
"""So many categories make a merged file; the files that Emerging Threats publishes have three at most."""
_CATEGORY: Final = re.compile(r'\bmsg\s*+:\s*+"\s*+(ET|ETPRO|GPL|SURICATA)\s++([A-Z0-9_]{2,40}+)\s')


def packs_of(rules: Sequence[str], file_name: str) -> list[str]:
    """The pack of each rule, given their texts: the file's name, or in a merged file the rule's category."""
    found = [_CATEGORY.search(text) for text in rules]
    categories = ["" if match is None else f"{match[1]} {match[2]}" for match in found]
    if len(set(categories) - {""}) < MERGED:
        return [file_name] * len(rules)
    return [category or file_name for category in categories]
