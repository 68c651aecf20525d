"""A policy and a topology as the arrays that the compiled loop reads."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vpi_tui.detect.behaviour.kernels_policy import FIRST_END
from vpi_tui.model.batch import I32, U8, U16
from vpi_tui.model.policy import Policy, PolicyLine, Selector
from vpi_tui.model.topology import End, Guest, Topology

Mask = NDArray[np.bool_]


class PolicyTables(NamedTuple):
    """Ends that the same lines name are one class. Lines stand in the order in which they are asked."""

    class_of: I32
    """int32[3 + guests]: class of each end, by its number + 3."""
    start: I32
    """int32[classes + 1]: where the lines of a class as source begin in `line`."""
    line: I32
    dest_in: Mask
    """bool[lines, classes]: the line names the class as destination."""
    deny: Mask
    """bool[lines]"""
    port_start: I32
    """int32[lines + 1]: where the ports of a line begin; a line without has any."""
    port_proto: U8
    port_low: U16
    port_high: U16
    default_deny: bool


def ordered(policy: Policy) -> list[PolicyLine]:
    """Deny lines first, each kind as it stands in the file."""
    return sorted(policy.lines, key=lambda line: line.action == "allow")


def compile_policy(policy: Policy, topology: Topology) -> PolicyTables:
    lines = ordered(policy)
    masks = _Masks(topology)
    src = masks.of_lines(line.src for line in lines)
    dest = masks.of_lines(line.dest for line in lines)
    # The lines that name an end, as one long number: ends with equal ones are a class.
    none = np.zeros((1, src.shape[1]), np.bool_)
    named = np.ascontiguousarray(np.packbits(np.concatenate((src, dest, none)), axis=0).T)
    _, places, classes = np.unique(named, axis=0, return_index=True, return_inverse=True)
    source, line = np.nonzero(src[:, places].T)
    ports = [port for one in lines for port in one.ports]
    return PolicyTables(
        class_of=classes.ravel().astype(np.int32),
        start=np.searchsorted(source, np.arange(len(places) + 1)).astype(np.int32),
        line=line.astype(np.int32),
        dest_in=np.ascontiguousarray(dest[:, places]),
        deny=np.array([one.action == "deny" for one in lines], np.bool_),
        port_start=np.cumsum([0, *(len(one.ports) for one in lines)]).astype(np.int32),
        port_proto=np.array([port.proto for port in ports], np.uint8),
        port_low=np.array([port.low for port in ports], np.uint16),
        port_high=np.array([port.high for port in ports], np.uint16),
        default_deny=policy.default == "deny",
    )


def unknown_names(policy: Policy, topology: Topology) -> list[tuple[int, Selector]]:
    """(line, selector) of what names nobody who is here now."""
    masks = _Masks(topology)
    return [
        (line.line, selector)
        for line in policy.lines
        for selector in (*line.src, *line.dest)
        if selector.name and not masks.of(selector).any()
    ]


class _Masks:
    """Which ends a selector means, each asked once. bool[3 + guests]."""

    def __init__(self, topology: Topology) -> None:
        self._guests = topology.guests
        self._size = FIRST_END + len(topology.guests)
        self._known: dict[Selector, Mask] = {}
        self._by_name: dict[str, int] = {}
        for number, guest in enumerate(topology.guests):
            self._by_name.setdefault(guest.name, number)

    def of(self, selector: Selector) -> Mask:
        mask = self._known.get(selector)
        if mask is None:
            mask = self._known[selector] = self._made(selector)
        return mask

    def of_lines(self, lines: Iterable[tuple[Selector, ...]]) -> Mask:
        """bool[lines, ends]"""
        rows = [np.logical_or.reduce([self.of(selector) for selector in ends]) for ends in lines]
        return np.array(rows, np.bool_).reshape(len(rows), self._size)

    def _made(self, selector: Selector) -> Mask:
        mask = np.zeros(self._size, np.bool_)
        if selector.kind == "any":
            mask[:] = True
        elif selector.kind == "any-guest":
            mask[FIRST_END:] = True
        elif selector.kind == "guest":
            number = self._by_name.get(selector.name)
            if number is not None:
                mask[FIRST_END + number] = True
        elif selector.kind in _ENDS:
            mask[FIRST_END + _ENDS[selector.kind]] = True
        else:
            test = _TESTS[selector.kind]
            mask[FIRST_END:] = [test(guest, selector.name) for guest in self._guests]
        return mask


_ENDS: dict[str, int] = {"host": int(End.HOST), "world": int(End.WORLD)}
_TESTS: dict[str, Callable[[Guest, str], bool]] = {
    "tag": lambda guest, name: name in guest.tags,
    "switch": lambda guest, name: guest.switch == name,
}
