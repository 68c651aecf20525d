"""applayer: bytes of a flow in, typed transactions out. No I/O, no clock; never raises on hostile bytes.

registry.py lists the protocols; each is a package or module of its own with its parser and the buffers
that rules may look at. tracker.AppLayer gives each flow its parser and hands out what progressed.
"""
