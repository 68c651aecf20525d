"""The styles that a theme may set: what each is for, and which one stands in when a theme leaves it out."""

from __future__ import annotations

from typing import NamedTuple


class StyleName(NamedTuple):
    """use: for the person who writes a theme. fallback: another style name; "" = the theme must set it."""

    use: str
    fallback: str = ""


STYLE_NAMES: dict[str, StyleName] = {
    "background": StyleName("ground of every screen; must set its colour with `on`"),
    "panel": StyleName("ground of dialogs and raised areas", "background"),
    "text": StyleName("what is read"),
    "muted": StyleName("secondary text: units, labels, times", "text"),
    "faint": StyleName("ornament: guides, rules, empty bars", "muted"),
    "accent": StyleName("the one colour that says: here"),
    "border": StyleName("lines round a panel", "faint"),
    "border.focus": StyleName("lines round the panel that has the keyboard", "accent"),
    "title": StyleName("title of a panel", "text"),
    "title.focus": StyleName("title of the panel that has the keyboard", "accent"),
    "good": StyleName("all is well"),
    "warning": StyleName("look at this"),
    "error": StyleName("this is wrong"),
    "new": StyleName("was not there before", "accent"),
    "severity.high": StyleName("alert of priority 1"),
    "severity.medium": StyleName("alert of priority 2"),
    "severity.low": StyleName("alert of priority 3 and more"),
    "graph.in": StyleName("traffic in", "accent"),
    "graph.out": StyleName("traffic out", "good"),
    "graph.axis": StyleName("scale and labels of a graph", "faint"),
    "graph.1": StyleName("first part of a mix", "graph.in"),
    "graph.2": StyleName("second part of a mix", "graph.out"),
    "graph.3": StyleName("third part of a mix", "warning"),
    "graph.4": StyleName("fourth part of a mix", "severity.low"),
    "graph.5": StyleName("the rest of a mix", "muted"),
    "sparkline": StyleName("small graphs in rows", "graph.in"),
    "bar": StyleName("filled part of a bar", "graph.in"),
    "bar.track": StyleName("empty part of a bar", "faint"),
    "header": StyleName("the first line of the screen", "panel"),
    "header.brand": StyleName("name of the program", "accent"),
    "header.label": StyleName("label of a figure in the header", "muted"),
    "header.value": StyleName("figure in the header", "text"),
    "header.live": StyleName("mode: live", "good"),
    "header.replay": StyleName("mode: replay", "accent"),
    "header.demo": StyleName("mode: demo", "accent"),
    "header.frozen": StyleName("the picture is frozen", "warning"),
    "breadcrumb": StyleName("where one is", "muted"),
    "breadcrumb.here": StyleName("last part of where one is", "text"),
    "tab": StyleName("name of a screen in the list of screens", "muted"),
    "tab.here": StyleName("name of the screen that is shown", "title.focus"),
    "tab.key": StyleName("number key of a screen", "faint"),
    "footer": StyleName("the last line of the screen", "panel"),
    "footer.key": StyleName("a key in the footer", "accent"),
    "footer.text": StyleName("what the key does", "muted"),
    "selection": StyleName("ground of the row with the cursor; must set its colour with `on`, or reverse"),
    "selection.blurred": StyleName("the same in a panel without the keyboard", "selection"),
    "table.header": StyleName("titles of columns", "muted"),
    "table.header.sorted": StyleName("title of the column that sorts", "accent"),
    "table.cell": StyleName("a cell without a style of its own", "text"),
    "scrollbar": StyleName("thumb of a scroll bar", "muted"),
    "scrollbar.track": StyleName("groove of a scroll bar", "faint"),
    "empty": StyleName("why a table is empty", "muted"),
    "guest": StyleName("name of a guest", "text"),
    "guest.gone": StyleName("name of a guest whose port vanished", "faint"),
    "switch": StyleName("name of a virtual switch", "accent"),
    "address": StyleName("MAC and IP addresses", "text"),
    "number": StyleName("figures", "text"),
    "protocol": StyleName("protocols and applications", "accent"),
    "time": StyleName("times and ages", "muted"),
    "signature": StyleName("name of a rule", "text"),
    "coverage.seen": StyleName("all traffic is seen", "good"),
    "coverage.partial": StyleName("a part is seen", "warning"),
    "coverage.one-way": StyleName("one direction is seen", "warning"),
    "coverage.blind": StyleName("nothing is seen", "error"),
    "coverage.unknown": StyleName("not known", "muted"),
    "rule.on": StyleName("a rule that is on", "good"),
    "rule.off": StyleName("a rule that is off", "faint"),
    "rule.refused": StyleName("a rule that did not load", "error"),
    "tree.guide": StyleName("lines of a tree", "faint"),
    "tree.field": StyleName("name of a field of a packet", "muted"),
    "tree.value": StyleName("value of a field", "text"),
    "tree.layer": StyleName("name of a protocol layer", "accent"),
    "heat.1": StyleName("a cell of the matrix with little traffic", "muted"),
    "heat.2": StyleName("some", "text"),
    "heat.3": StyleName("much", "graph.in"),
    "heat.4": StyleName("the most", "accent"),
    "hex.offset": StyleName("offsets of a hex dump", "faint"),
    "hex.byte": StyleName("bytes of a hex dump", "text"),
    "hex.zero": StyleName("zero bytes of a hex dump", "faint"),
    "hex.text": StyleName("the same bytes as text", "muted"),
    "hex.match": StyleName("bytes of the chosen field or match", "selection"),
    "notice.information": StyleName("a notice", "accent"),
    "notice.warning": StyleName("a notice to act on", "warning"),
    "notice.error": StyleName("a notice of a failure", "error"),
}

SURFACES = frozenset(["background", "panel", "header", "footer", "selection", "selection.blurred"])
"""Styles that bring their own ground. All others are drawn on one of these."""

REQUIRED = tuple(name for name, spec in STYLE_NAMES.items() if not spec.fallback)
