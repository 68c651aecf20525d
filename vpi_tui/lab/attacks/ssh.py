"""Guessing at an SSH server: many short sessions of a scripting library."""

from __future__ import annotations

from typing import Final

from vpi_tui.lab.attacks.attack import Attack, Expected
from vpi_tui.lab.attacks.wire import tcp
from vpi_tui.lab.namespaces import inside
from vpi_tui.lab.plan import LabSwitch

SESSIONS: Final = 15
BANNER: Final = b"SSH-2.0-libssh_0.10.6\r\n"


def _run(switch: LabSwitch) -> str:
    rogue, db = switch.guest("rogue"), switch.guest("db")
    said = inside(rogue.namespace, lambda: [tcp(db, 22, BANNER) for _ in range(SESSIONS)])
    server = said[0].partition(b"\r\n")[0].decode("latin-1", "replace") or "nothing"
    return f"{rogue.name} opened {SESSIONS} SSH sessions to {db.name}:22, which says {server!r}"


ATTACK = Attack(
    "ssh",
    "15 SSH sessions within seconds, as a guesser of passwords opens them",
    "T1110.001",
    "rogue",
    "db",
    (
        Expected(9000200, "BRUTE FORCE SSH: 12 sessions from one source"),
        Expected(9000201, "BRUTE FORCE SSH: sessions of a scripting library"),
        Expected(9000412, "LATERAL SSH: one guest opens 12 sessions to other guests"),
    ),
    _run,
)
