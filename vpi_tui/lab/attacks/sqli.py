"""SQL injection into a web shop: three ways to ask for what is not for sale."""

from __future__ import annotations

from typing import Final

from vpi_tui.lab.attacks.attack import Attack, Expected
from vpi_tui.lab.attacks.wire import http
from vpi_tui.lab.namespaces import inside
from vpi_tui.lab.plan import LabSwitch

TARGETS: Final = (
    "/items?id=1%20UNION%20SELECT%20name,password%20FROM%20users",
    "/items?id=1%27%20OR%20%271%27=%271",
    "/items?id=1%20AND%20SLEEP(5)",
)


def _run(switch: LabSwitch) -> str:
    rogue, web = switch.guest("rogue"), switch.guest("web")
    said = inside(rogue.namespace, lambda: [http(web, target) for target in TARGETS])
    return (
        f"{rogue.name} sent {len(said)} requests with SQL in them to {web.name}:80; it answered {said[0]!r}"
    )


ATTACK = Attack(
    "sqli",
    "three HTTP requests with SQL in them",
    "T1190",
    "rogue",
    "web",
    (
        Expected(9000300, "WEB SQL injection: UNION SELECT"),
        Expected(9000301, "WEB SQL injection: a quote followed by OR"),
        Expected(9000303, "WEB SQL injection: the database is told to wait"),
    ),
    _run,
)
