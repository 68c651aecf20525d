"""`python -m vpi_tui` is `vpi-tui`."""

from vpi_tui.cli.main import main

if __name__ == "__main__":
    raise SystemExit(main())
