"""behaviour: what no signature says. Batches in, findings out; time comes with the packets.

Importing this package registers them all.
"""

from vpi_tui.detect.behaviour import addresses, arp, arp_sweep, bindings, management, segmentation

__all__ = ["addresses", "arp", "arp_sweep", "bindings", "management", "segmentation"]
