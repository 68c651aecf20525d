"""lab: a small virtual network on this machine, with real services and attacks, to try vpi-tui on."""
