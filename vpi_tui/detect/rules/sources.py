"""What rules refer to besides themselves: datasets, IP reputation, countries, limits of alerts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from operator import and_
from pathlib import Path
from typing import Final

from vpi_tui.detect.rules.datasets import DATA_DIR, DATASETS, DataSets, Writing, declared
from vpi_tui.detect.rules.inputs import Inputs
from vpi_tui.detect.rules.reputation import Reputation
from vpi_tui.detect.rules.sets import complement, subtract
from vpi_tui.model import edges
from vpi_tui.model.signature import ANY_ADDRESS, IP_MAX, Ranges

SETTINGS: Final = (
    "threshold-file",
    "geoip-database",
    "reputation-categories-file",
    "reputation-files",
    "default-reputation-path",
    "data-dir",
    DATA_DIR,
)
"""What is read of the settings, and all that begin with DATASETS."""


def settings_read(options: Mapping[str, str]) -> dict[str, str]:
    """Those of the settings that change what rules are."""
    return {name: value for name, value in options.items() if name in SETTINGS or name.startswith(DATASETS)}


@dataclass(slots=True)
class Sources:
    """reputation None, geoip "": none is configured, and rules that need it are refused."""

    datasets: DataSets = field(default_factory=DataSets)
    reputation: Reputation | None = None
    geoip: str = ""
    threshold_file: Path | None = None
    inputs: Inputs = field(default_factory=Inputs)
    """All files that were read, those of rules too."""
    _common: dict[tuple[Ranges, Ranges], Ranges] = field(default_factory=dict)
    """Rules about one list and one network share what both hold: of a million entries it takes long."""

    @classmethod
    def of(cls, options: Mapping[str, str], data_dir: Path | None = None) -> Sources:
        """From settings in Suricata's spelling. Raises ConfigError for a file that cannot be read."""
        inputs = Inputs()
        thresholds, countries = options.get("threshold-file"), options.get("geoip-database", "")
        for name in filter(None, (thresholds, countries)):
            inputs.note(Path(name))
        return cls(
            DataSets(data_dir, inputs=inputs, declared=declared(options), writing=Writing.of(options)),
            _reputation(options, inputs),
            countries,
            Path(thresholds) if thresholds else None,
            inputs,
        )

    def common(self, first: Ranges, second: Ranges) -> Ranges:
        """The addresses of both sets."""
        if first == ANY_ADDRESS:
            return second
        if not first.is_large and not second.is_large:
            return Ranges(subtract(first.spans, complement(second.spans, IP_MAX)))
        found = self._common.get((first, second))
        if found is None:
            made = Ranges.of(edges.combined(first.edges, second.edges, and_))
            found = self._common[first, second] = made
        return found


def reputation_files(options: Mapping[str, str]) -> list[Path]:
    """The one with the categories, then the lists; none when no categories are configured."""
    categories = options.get("reputation-categories-file")
    if not categories:
        return []
    base = Path(options.get("default-reputation-path", ""))
    names = [name.strip() for name in options.get("reputation-files", "").split(",")]
    return [base / name for name in (categories, *filter(None, names))]


def _reputation(options: Mapping[str, str], inputs: Inputs) -> Reputation | None:
    files = reputation_files(options)
    for path in files:
        inputs.note(path)
    return Reputation.read(files[0], files[1:]) if files else None
