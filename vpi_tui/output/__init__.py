"""output: events out as EVE JSON; the only place that renames fields for EVE."""
