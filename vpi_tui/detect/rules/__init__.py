"""rules: rule text and packs in, Signature out. Reports every error, keeps every good rule.

`loader.load` reads files, `parser.Parser` one rule, `packs` says how a pack is written,
`state.RuleSwitches` keeps what the operator switched, `explain.describe` puts a rule into words.
A keyword is one function in `keywords/`, registered by name in `registry`. Never matches a packet.
"""
