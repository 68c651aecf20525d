"""inventory: which virtual switches, ports and guests exist, and which flow belongs to whom."""
