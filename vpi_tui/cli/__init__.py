"""cli: one module a command; the only place where the rooms are wired together."""

EXIT_INTERRUPTED = 130
"""What a shell says of a program that SIGINT ended. Here, as nothing else has to be loaded for it."""
