"""Writes a policy where none stands: a file that is there is never overwritten."""

from __future__ import annotations

import os
from pathlib import Path


def write_new(path: Path, text: str) -> str:
    """Write a file of its own; why that cannot be, or ""."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o644)
    except FileExistsError:
        return f"Not overwritten: {path} is there already. Give another name."
    except OSError as error:
        return f"Not written: {error.strerror}: {path}. Give another place."
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        return f"Not written to its end: {error.strerror}: {path}."
    return ""
