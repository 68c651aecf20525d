"""A learned policy as lines to be read, beside the one in force; and how far the learning is."""

from __future__ import annotations

import difflib
import posixpath

from vpi_tui.model.matrix import Segmentation
from vpi_tui.view import humanize
from vpi_tui.view.cells import Row, Rows
from vpi_tui.view.escape import safe

MOST_LINES = 20_000
LONGEST = 400
NAME = "policy.yaml"
_STYLES = {"+": "good", "-": "error", " ": "text"}


def policy_rows(learned: str, current: str) -> Rows:
    """One column: the learned policy. Where one is in force, a sign stands before each line that the learned
    one adds (+) or lacks (-)."""
    new = learned.splitlines()[:MOST_LINES]
    if not current:
        return Rows([Row(n, ((safe(text, LONGEST), _plain_style(text)),)) for n, text in enumerate(new)])
    old = current.splitlines()[:MOST_LINES]
    told = difflib.unified_diff(old, new, n=max(len(old), len(new)), lineterm="")
    lines = list(told)[3:] or [f" {text}" for text in new]
    return Rows([Row(n, ((safe(text, LONGEST), _diff_style(text)),)) for n, text in enumerate(lines)])


def _plain_style(text: str) -> str:
    return "muted" if text.lstrip().startswith("#") else "text"


def _diff_style(text: str) -> str:
    style = _STYLES.get(text[:1], "text")
    return _plain_style(text[1:]) if style == "text" else style


def proposed_path(current: str, directory: str) -> str:
    """Where a learned policy would be written: beside the one in force, or into the directory."""
    if not current:
        return posixpath.join(directory, NAME)
    return posixpath.join(posixpath.dirname(current), f"learned-{posixpath.basename(current)}")


def _kinds(number: int) -> str:
    return f"{humanize.count(number)} kind{'s' * (number != 1)}"


def state_of(state: Segmentation, now_ns: int) -> tuple[tuple[str, str], ...]:
    """The baseline and the policy in a line: text and style."""
    spans: list[tuple[str, str]] = []
    if state.learning_since_ns:
        since = humanize.ago(state.learning_since_ns, now_ns)
        what = f"learning for {since}: {_kinds(state.learned)} of connection; b ends it"
        spans.append((what, "new"))
    elif state.learned_until_ns:
        what = f"baseline of {_kinds(state.learned)} of connection; y makes a policy of it"
        spans.append((what, "text"))
    if state.policy:
        name = safe(posixpath.basename(state.policy), 40)
        spans.append((f"policy {name}: {humanize.counted(state.lines, 'line')}, ", "text"))
        plural = "s" * (state.violations != 1)
        broken = f"{humanize.count(state.violations)} connection{plural} broke it"
        spans.append((broken, "warning" if state.violations else "muted"))
    elif not spans:
        spans.append(("No policy: b learns who speaks to whom, and y makes a policy of it.", "muted"))
    return _apart(spans)


def _apart(spans: list[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """With a gap between what was learned and the policy."""
    out: list[tuple[str, str]] = []
    for text, style in spans:
        if out and text.startswith("policy "):
            out.append(("  ", "muted"))
        out.append((text, style))
    return tuple(out)
