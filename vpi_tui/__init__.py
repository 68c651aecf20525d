"""vpi-tui: Virtual Packet Inspection, sight into the traffic between guests of one host."""

__version__ = "0.1.0"
