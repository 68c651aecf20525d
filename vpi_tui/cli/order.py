"""From the command line and the files of settings to an EngineSpec."""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING, Any

from vpi_tui.cli.parser import given_settings
from vpi_tui.config import paths, settings
from vpi_tui.config.settings import Settings
from vpi_tui.model.errors import ConfigError

if TYPE_CHECKING:
    from vpi_tui.engine.spec import EngineSpec, LogSpec, Mode


def settings_of(args: argparse.Namespace) -> Settings:
    """All settings in force: files, then --set, then flags. Raises ConfigError."""
    found = settings.load(paths.config_files(), args.config)
    assigned = dict(settings.set_from_text(text) for text in getattr(args, "assignments", ()))
    return found.with_values({**assigned, **given_settings(args)})


def engine_spec(mode: Mode, chosen: Settings, **more: Any) -> EngineSpec:
    """The order for an engine; `more` are fields of EngineSpec that are no settings. Raises ConfigError."""
    from vpi_tui.engine.spec import EngineSpec

    options: dict[str, Any] = {
        "interfaces": chosen["interfaces"],
        "duration": chosen["duration"],
        "rules": existing(rule_files(chosen), "rule file"),
        "rules_dir": str(paths.rules_dir()),
        "variables": chosen.variables(),
        "options": chosen.options(),
        "checksums": chosen["checksums"],
        "inventory": existing((chosen["inventory"],), "inventory")[0] if chosen["inventory"] else "",
        "policy": existing((chosen["policy"],), "policy")[0] if chosen["policy"] else "",
        "state_dir": str(paths.user_state_dir()),
        "cache_dir": str(paths.prepare_numba_cache()),
        "rule_cache": str(paths.rule_cache_dir()),
        "user": chosen["user"],
        "max_flows": chosen["memory.flows"],
        "stream_memory": chosen["memory.stream"],
        "evidence_memory": chosen["memory.evidence"],
        "ring_memory": chosen["memory.ring"],
        "rule_budget": chosen["rule-budget"],
        "parse_budget": chosen["parse-budget"],
        "interval": chosen["refresh"],
        "log": _log(chosen),
    }
    return EngineSpec(mode=mode, **(options | more))


def rule_files(chosen: Settings) -> tuple[str, ...]:
    """The rule files that were named; without one the bundled packs, and what `rules update` installed."""
    named: tuple[str, ...] = chosen["rules"]
    return named or (str(paths.rules_dir()), *map(str, paths.installed_rules()))


def _log(chosen: Settings) -> LogSpec:
    from vpi_tui.engine.spec import EVENT_TYPES, LogSpec

    types = tuple(one.strip() for word in chosen["eve.types"] for one in word.split(","))
    if unknown := [name for name in types if name not in EVENT_TYPES]:
        raise ConfigError(
            f"eve.types: {unknown[0][:40]!r} is no type of event.", hint=f"Known: {', '.join(EVENT_TYPES)}."
        )
    file = chosen["eve.file"]
    return LogSpec(
        file=str(paths.with_home(file).absolute()) if file else "",
        filetype=chosen["eve.filetype"],
        types=types or EVENT_TYPES,
        rotate_bytes=chosen["eve.rotate-size"],
        rotate_seconds=chosen["eve.rotate-interval"],
        keep=chosen["eve.keep"],
        payload=chosen["eve.payload"],
        packet=chosen["eve.packet"],
        stats_seconds=chosen["eve.stats-interval"],
    )


def existing(names: tuple[str, ...], what: str) -> tuple[str, ...]:
    """The paths made absolute. Raises ConfigError for the first that cannot be read."""
    found = []
    for name in names:
        path = paths.with_home(name).absolute()
        if not path.exists():
            raise ConfigError(f"There is no {what} {name}.", hint="Check the path.")
        if not os.access(path, os.R_OK):
            raise ConfigError(
                f"The {what} {name} may not be read by this user.", hint="Check its permissions."
            )
        found.append(str(path))
    return tuple(found)
