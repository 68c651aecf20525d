"""A YAML file as a small tree in which every value knows its line.

Bounded, because a file may be hostile: size, depth and number of values are limited, aliases
(`*name`) and tags (`!name`) are refused, so that a few bytes cannot unfold into much or into
anything but text, numbers and booleans.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vpi_tui.config.nearest import did_you_mean
from vpi_tui.model.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_BYTES = 2 << 20
MAX_DEPTH = 16
MAX_VALUES = 200_000
_TAGS = ("bool", "int", "float", "null")
"""Of the tags that plain YAML text resolves to; all others (dates, binary) stay text."""


@dataclass(frozen=True, slots=True)
class Node:
    """One value and where it stands. value: str, int, float, bool, None, a list of Node, or a Mapping."""

    value: Any
    path: str
    line: int

    def error(self, what: str, hint: str = "") -> ConfigError:
        return ConfigError(f"{self.path}:{self.line}: {what}", hint=hint)

    def mapping(self, what: str) -> Mapping:
        """This value as a mapping; `what` names it in the error."""
        if isinstance(self.value, Mapping):
            return self.value
        raise self.error(f"{what} must be a mapping of keys to values.")

    def items(self) -> list[Node]:
        """This value as a list; one value alone is a list of one, nothing is an empty one."""
        if isinstance(self.value, list):
            return self.value
        if self.value is None:
            return []
        return [self]

    def text(self, what: str) -> str:
        """This value as text; a number is fine where a name is expected, a list or nothing is not."""
        if isinstance(self.value, str):
            return self.value
        if isinstance(self.value, int | float) and not isinstance(self.value, bool):
            return str(self.value)
        raise self.error(f"{what} must be text.")


@dataclass(frozen=True, slots=True)
class Mapping:
    """Keys in order, each with the node that carries its line (of the key) and its value."""

    entries: dict[str, Node]
    lines: dict[str, int]
    path: str

    def __iter__(self) -> Iterator[str]:
        return iter(self.entries)

    def get(self, key: str) -> Node | None:
        return self.entries.get(key)

    def only(self, known: Iterable[str], what: str) -> None:
        """Raises ConfigError for the first key that is not known, with the nearest one that is."""
        allowed = list(known)
        for key in self.entries:
            if key not in allowed:
                raise ConfigError(
                    f"{self.path}:{self.lines[key]}: unknown key {key[:80]!r} in {what}.",
                    hint=did_you_mean(key, allowed) or f"Known keys: {', '.join(allowed)}.",
                )


def read_document(path: Path) -> Node | None:
    """The tree of a file; None when it holds nothing. Raises ConfigError, also when it cannot be read."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}.") from error
    if len(data) > MAX_BYTES:
        raise ConfigError(f"{path}: is larger than {MAX_BYTES >> 20} MiB.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{path}:{line}: is not UTF-8 text.") from error
    return parse_document(text, str(path))


def parse_document(text: str, path: str) -> Node | None:
    """The tree of YAML text; `path` is only named in errors. Raises ConfigError."""
    import yaml

    try:
        loader = yaml.SafeLoader(text)
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise ConfigError(
            f"{path}:{line}: holds a control character (U+{ord(text[error.position]):04X})."
        ) from None
    try:
        return _Builder(path).build(loader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{path}:{mark.line + 1}" if mark else path
        problem = getattr(error, "problem", None) or "it is not YAML"
        raise ConfigError(
            f"{where}: {str(problem)[:200]}.", hint="Check quotes, colons and indentation."
        ) from None
    finally:
        loader.dispose()


def _line(event: Any) -> int:
    """1-based; every event of a parsed text has a mark, though PyYAML's types let it be None."""
    return int(event.start_mark.line) + 1


class _Builder:
    """Builds the tree from parser events, so that every bound holds before memory is used."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._values = 0

    def build(self, loader: Any) -> Node | None:
        import yaml

        self._yaml = yaml
        self._loader = loader
        loader.get_event()  # start of stream
        if isinstance(loader.get_event(), yaml.StreamEndEvent):
            return None
        root = self._node(loader.get_event(), 0)
        loader.get_event()  # end of document
        extra = loader.get_event()
        if not isinstance(extra, yaml.StreamEndEvent):
            raise self._error(extra, "a second document begins here; only one is read.")
        return None if root.value is None else root

    def _error(self, event: Any, what: str) -> ConfigError:
        return ConfigError(f"{self._path}:{_line(event)}: {what}")

    def _node(self, event: Any, depth: int) -> Node:
        yaml = self._yaml
        self._values += 1
        if self._values > MAX_VALUES:
            raise self._error(event, f"more than {MAX_VALUES} values.")
        if depth > MAX_DEPTH:
            raise self._error(event, f"nested more than {MAX_DEPTH} deep.")
        if isinstance(event, yaml.AliasEvent):
            raise self._error(event, "YAML aliases are not allowed; write the value out.")
        line = _line(event)
        if isinstance(event, yaml.SequenceStartEvent):
            return Node(self._sequence(depth), self._path, line)
        if isinstance(event, yaml.MappingStartEvent):
            return Node(self._mapping(depth), self._path, line)
        return Node(self._scalar(event), self._path, line)

    def _sequence(self, depth: int) -> list[Node]:
        items: list[Node] = []
        while not isinstance(event := self._loader.get_event(), self._yaml.SequenceEndEvent):
            items.append(self._node(event, depth + 1))
        return items

    def _mapping(self, depth: int) -> Mapping:
        entries: dict[str, Node] = {}
        lines: dict[str, int] = {}
        while not isinstance(event := self._loader.get_event(), self._yaml.MappingEndEvent):
            if not isinstance(event, self._yaml.ScalarEvent):
                raise self._error(event, "a key must be plain text.")
            key = str(event.value)
            if key in entries:
                raise self._error(
                    event, f"the key {key[:80]!r} stands here twice (first on line {lines[key]})."
                )
            lines[key] = _line(event)
            value = self._node(self._loader.get_event(), depth + 1)
            entries[key] = Node(value.value, value.path, max(value.line, lines[key]))
        return Mapping(entries, lines, self._path)

    def _scalar(self, event: Any) -> Any:
        if event.tag is not None and event.tag != "!":
            raise self._error(event, f"the tag {event.tag[:40]!r} is not allowed.")
        tag = self._loader.resolve(self._yaml.ScalarNode, event.value, event.implicit)
        kind = tag.rpartition(":")[2]
        if kind not in _TAGS:
            return str(event.value)
        node = self._yaml.ScalarNode(tag, event.value)
        try:
            return getattr(self._loader, f"construct_yaml_{kind}")(node)
        except (ValueError, OverflowError):
            return str(event.value)
