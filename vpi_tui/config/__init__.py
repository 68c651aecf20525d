"""config: YAML and flags in, frozen settings out. Knows paths and variables, opens no socket."""
