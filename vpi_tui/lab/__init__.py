"""lab: a small virtual network on this machine, with real services and attacks, to try vpi-tui on.

Takes a plan, gives switches and guests, and takes them away again. The switches and the host's ends of the
guests' cables live in the network namespace in which `lab up` runs, as those of real virtual machines do:
only there can a sensor see them. They lead nowhere: no uplink, no address of the host, no forwarding.
Everything else is inside namespaces that the lab made.
"""
