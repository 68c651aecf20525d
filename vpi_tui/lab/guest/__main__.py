"""`python -m vpi_tui.lab.guest STATE NAME`: be the guest NAME of the lab that the file STATE describes."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

from vpi_tui.lab.guest import chatter, services
from vpi_tui.lab.plan import plan_of


async def live(path: Path, name: str) -> None:
    plan = plan_of(json.loads(path.read_text())["plan"])
    guest = next(guest for guest in plan.guests if guest.name == name)
    switch = plan.switch(guest.switch)
    await services.start(guest, switch, path.parent)
    await chatter.speak(guest, switch)


if __name__ == "__main__":
    asyncio.run(live(Path(sys.argv[1]), sys.argv[2]))
