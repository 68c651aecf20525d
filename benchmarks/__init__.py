"""benchmarks: what vpi-tui costs, measured; `python -m benchmarks` runs them all."""
