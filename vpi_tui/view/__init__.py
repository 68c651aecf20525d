"""view: snapshot in, rows and figures out. Pure; no Textual, no packets."""
