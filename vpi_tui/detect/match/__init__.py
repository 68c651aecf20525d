"""match: Signatures and batches in, Matches out. Never reads a file, never looks at a clock.

ruleset.RuleSet compiles rules; matcher.Matcher runs them. One batch goes: candidates (compiled
loops: header and column tests per packet, one multi-pattern scan of the payloads), then, for the
few candidates that need it, steps, flowbits and scope in Python, then pass rules and thresholds.
"""
