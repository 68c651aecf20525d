"""Settings: defaults, then /etc, then the user's file, then --config, then flags. The later one wins."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vpi_tui.config import document, schema
from vpi_tui.config.nearest import did_you_mean
from vpi_tui.config.paths import with_home
from vpi_tui.model.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Settings:
    """Values by the names of the schema; read with [name]. sources: files that were read, in order."""

    values: Mapping[str, Any]
    sources: tuple[Path, ...] = ()

    def __getitem__(self, name: str) -> Any:
        """The value, or the default; KeyError for a name that the schema does not have."""
        if name in self.values:
            return self.values[name]
        setting = schema.find(name)
        if setting is None:
            raise KeyError(name)
        return setting.default

    def with_values(self, values: Mapping[str, Any]) -> Settings:
        return Settings({**self.values, **values}, self.sources)

    def variables(self) -> dict[str, str]:
        """vars.address-groups.NAME and vars.port-groups.NAME that were set."""
        return {name: value for name, value in self.values.items() if name.startswith("vars.")}

    def options(self) -> dict[str, str]:
        """Those set in Suricata's spelling, as text: yes / no for booleans, lists joined by commas."""
        return {
            name: _as_text(value)
            for name, value in self.values.items()
            if name.startswith(schema.ENGINE_OPTIONS)
        }


def load(files: Iterable[Path], named: Path | None = None) -> Settings:
    """Read the files that exist, in order, then the one named by hand, which must. Raises ConfigError."""
    values: dict[str, Any] = {}
    sources: list[Path] = []
    for path in files:
        if _is_readable_file(path):
            values |= read_file(path)
            sources.append(path)
    if named is not None:
        values |= read_file(named)
        sources.append(named)
    return Settings(values, tuple(sources))


def _is_readable_file(path: Path) -> bool:
    """False when there is none. A file that exists and may not be read is an error, told when it is read."""
    try:
        return path.is_file()
    except PermissionError:
        return False  # a home directory that is closed to this user is one without settings


def read_file(path: Path) -> dict[str, Any]:
    """The values that one file sets, by name. Raises ConfigError with file, line and nearest right key."""
    root = document.read_document(path)
    values: dict[str, Any] = {}
    if root is not None:
        _read_level(root, "", path.absolute().parent, values)
    return values


def _possible(name: str) -> str:
    """The settings beside one that is unknown; if there are none, how names begin."""
    names = sorted(schema.all_names())
    head = name.partition(".")[0]
    beside = [known for known in names if known.startswith(f"{head}.")]
    if beside:
        return f"Possible: {', '.join(beside)}."
    return f"Names begin with: {', '.join(sorted({known.partition('.')[0] for known in names}))}."


def set_from_text(assignment: str) -> tuple[str, Any]:
    """`KEY=VALUE` of --set. Raises ConfigError."""
    name, equals, text = assignment.partition("=")
    name = name.strip()
    if not equals or not name:
        raise ConfigError(
            f"--set {assignment[:80]}: there is no value.",
            hint="Write KEY=VALUE, such as --set stream.midstream=yes.",
        )
    setting = schema.find(name)
    if setting is None:
        raise ConfigError(
            f"--set: unknown setting {name[:120]!r}.",
            hint=f"{did_you_mean(name, schema.all_names()) or _possible(name)} `vpi-tui settings` tells all.",
        )
    try:
        return name, setting.kind.read(text.strip())
    except ValueError as error:
        raise ConfigError(f"--set {name}: {error}, not {text.strip()[:80]!r}.") from None


def _read_level(node: document.Node, level: str, base: Path, values: dict[str, Any]) -> None:
    mapping = node.mapping(f"the value of {level}" if level else "a file of settings")
    for key, value in mapping.entries.items():
        name = f"{level}.{key}" if level else key
        setting = schema.find(name)
        if setting is not None:
            values[name] = _checked(setting, name, value, base)
        elif schema.has_below(name):
            if value.value is not None:
                _read_level(value, name, base, values)
        else:
            raise _unknown(mapping, key, level)


def _unknown(mapping: document.Mapping, key: str, level: str) -> ConfigError:
    where = f" in {level}" if level else ""
    known = schema.names_below(level)
    hint = did_you_mean(key, known) or f"Known here: {', '.join(known)}."
    return ConfigError(f"{mapping.path}:{mapping.lines[key]}: unknown key {key[:80]!r}{where}.", hint=hint)


def _checked(setting: schema.Setting, name: str, node: document.Node, base: Path) -> Any:
    try:
        value = setting.kind.check(_plain(node))
    except ValueError as error:
        raise node.error(f"{name} {error}.") from None
    if not setting.kind.path:
        return value
    if isinstance(value, tuple):
        return tuple(_absolute(item, base) for item in value)
    return _absolute(value, base)


def _absolute(text: str, base: Path) -> str:
    return str(base / with_home(text)) if text else ""


def _plain(node: document.Node) -> Any:
    if isinstance(node.value, list):
        return [_plain(item) for item in node.value]
    return node.value


def _as_text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ",".join(value) if isinstance(value, tuple) else str(value)
