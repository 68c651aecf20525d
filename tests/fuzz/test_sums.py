"""What targets have had in all, over folders and machines."""

from __future__ import annotations

from pathlib import Path

from benchmarks.fuzz import keep, recall
from tests.fuzz.report import Report
from tests.fuzz.targets import by_name

DNS, TLS = (by_name()[name] for name in ("dns", "tls"))


def test_another_folder_goes_on_from_the_sums(tmp_path: Path) -> None:
    sums, here, there = (tmp_path / name for name in ("sums.json", "here", "there"))
    recall([DNS], here, sums)
    assert not here.exists()
    (here / "dns").mkdir(parents=True)
    Report("dns", seconds=60.0, executions=7).write(here / "dns")
    keep([DNS, TLS], here, sums)

    recall([DNS, TLS], there, sums)
    assert Report.read(there / "dns") == Report("dns", seconds=60.0, executions=7)
    assert not (there / "tls").exists()


def test_a_folder_that_has_its_own_keeps_it_and_others_stay_in_the_sums(tmp_path: Path) -> None:
    sums, first, second = (tmp_path / name for name in ("sums.json", "first", "second"))
    for folder, name, seconds in ((first, "dns", 60.0), (second, "dns", 90.0), (second, "tls", 5.0)):
        (folder / name).mkdir(parents=True, exist_ok=True)
        Report(name, seconds=seconds).write(folder / name)
    keep([DNS], first, sums)
    recall([DNS], second, sums)
    assert Report.read(second / "dns").seconds == 90.0
    keep([TLS], second, sums)
    recall([DNS, TLS], tmp_path / "third", sums)
    assert [Report.read(tmp_path / "third" / name).seconds for name in ("dns", "tls")] == [60.0, 5.0]
