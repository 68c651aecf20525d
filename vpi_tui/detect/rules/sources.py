"""What rules refer to besides themselves: datasets, IP reputation, countries, limits of alerts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from vpi_tui.detect.rules.datasets import DataSets
from vpi_tui.detect.rules.reputation import Reputation


@dataclass(slots=True)
class Sources:
    """reputation None, geoip "": none is configured, and rules that need it are refused."""

    datasets: DataSets = field(default_factory=DataSets)
    reputation: Reputation | None = None
    geoip: str = ""
    threshold_file: Path | None = None

    @classmethod
    def of(cls, options: Mapping[str, str], data_dir: Path | None = None) -> Sources:
        """From settings in Suricata's spelling. Raises ConfigError for a file that cannot be read."""
        thresholds = options.get("threshold-file")
        return cls(
            DataSets(data_dir),
            _reputation(options),
            options.get("geoip-database", ""),
            Path(thresholds) if thresholds else None,
        )


def _reputation(options: Mapping[str, str]) -> Reputation | None:
    categories = options.get("reputation-categories-file")
    if not categories:
        return None
    base = Path(options.get("default-reputation-path", ""))
    names = [name.strip() for name in options.get("reputation-files", "").split(",")]
    return Reputation.read(base / categories, [base / name for name in names if name])
