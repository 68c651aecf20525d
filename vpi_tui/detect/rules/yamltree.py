"""YAML as a tree of text with line numbers: nothing is guessed, nothing is unfolded.

Built from parser events without recursion, so that depth and size are bounded before anything is
made of them. Aliases and tags are refused: a rule pack needs neither.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

MAX_DEPTH = 16
MAX_NODES = 2_000_000
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class YamlProblem(Exception):  # noqa: N818 - a verdict on a rule, not a fault of ours
    """What is wrong with the file, and on which line (1-based)."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(reason)
        self.line = line
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Scalar:
    """One value, as text; "" for an empty one."""

    line: int
    text: str


@dataclass(frozen=True, slots=True)
class Items:
    """A list."""

    line: int
    nodes: list[Node] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Fields:
    """A mapping; keys are text, in order."""

    line: int
    nodes: dict[str, Node] = field(default_factory=dict)
    key_lines: dict[str, int] = field(default_factory=dict)


Node = Scalar | Items | Fields


def read_tree(text: str) -> Node:
    """The one document of a YAML text. Raises YamlProblem."""
    builder = _Builder()
    try:
        for event in _events(text):
            builder.take(event)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise YamlProblem(
            line, f"not valid YAML: {error.problem or error.context or 'cannot be read'}"
        ) from None
    except (yaml.YAMLError, UnicodeError) as error:
        raise YamlProblem(1, f"not valid YAML: {str(error).splitlines()[0][:120]}") from None
    if builder.root is None:
        raise YamlProblem(1, "the file is empty")
    return builder.root


def _events(text: str) -> Iterator[Any]:
    return iter(yaml.parse(text, Loader=_LOADER))


class _Builder:
    """Puts events together; `_open` holds the collections that are not ended yet."""

    def __init__(self) -> None:
        self.root: Node | None = None
        self._open: list[Items | Fields] = []
        self._keys: list[Scalar | None] = []
        """For each open collection the key that waits for its value."""
        self._count = 0

    def take(self, event: Any) -> None:
        line = event.start_mark.line + 1
        if isinstance(event, yaml.AliasEvent):
            raise YamlProblem(
                line, f"*{event.anchor}: aliases are refused; put text that starts with * in quotes"
            )
        if isinstance(event, yaml.ScalarEvent):
            _plain_tag(event, line)
            self._add(Scalar(line, event.value))
        elif isinstance(event, yaml.SequenceStartEvent):
            _plain_tag(event, line)
            self._push(Items(line))
        elif isinstance(event, yaml.MappingStartEvent):
            _plain_tag(event, line)
            self._push(Fields(line))
        elif isinstance(event, yaml.CollectionEndEvent):
            self._open.pop()
            self._keys.pop()
        elif isinstance(event, yaml.DocumentStartEvent) and self.root is not None:
            raise YamlProblem(line, "a second document; a pack is one")

    def _push(self, node: Items | Fields) -> None:
        self._add(node)
        if len(self._open) >= MAX_DEPTH:
            raise YamlProblem(node.line, f"nested more than {MAX_DEPTH} deep")
        self._open.append(node)
        self._keys.append(None)

    def _add(self, node: Node) -> None:
        self._count += 1
        if self._count > MAX_NODES:
            raise YamlProblem(node.line, f"more than {MAX_NODES:,} values")
        if not self._open:
            self.root = node
            return
        parent = self._open[-1]
        if isinstance(parent, Items):
            parent.nodes.append(node)
        else:
            self._add_field(parent, node)

    def _add_field(self, parent: Fields, node: Node) -> None:
        key = self._keys[-1]
        if key is not None:
            parent.nodes[key.text] = node
            self._keys[-1] = None
            return
        if not isinstance(node, Scalar):
            raise YamlProblem(node.line, "a key must be a word")
        if node.text in parent.nodes:
            raise YamlProblem(node.line, f"key {node.text[:40]!r} stands twice")
        parent.key_lines[node.text] = node.line
        self._keys[-1] = node


def _plain_tag(event: Any, line: int) -> None:
    if event.tag is not None and event.tag != "!":
        raise YamlProblem(line, f"{str(event.tag)[:40]}: put text that starts with ! in quotes")
    if event.tag == "!":
        raise YamlProblem(line, "put text that starts with ! in quotes")
