"""coverage: what of the virtual network the sensor sees, port by port. Counts in, verdicts out.

`seen` counts what our own packets say of each port, `judge` holds that against a count that is not ours,
`causes` says why something is missing and what mends it, `signs` concludes from the traffic where nobody else
counts. No I/O, no clock.
"""
