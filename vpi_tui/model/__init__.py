"""model: the frozen types that travel between rooms. Imports nothing of ours."""
