"""`python -m vpi_tui.capture.demo FILE`: the demo scenario as a capture file."""

import sys

from vpi_tui.capture.demo.scenario import write_demo_pcap

if __name__ == "__main__":
    print(f"{write_demo_pcap(sys.argv[1]):,} frames of the demo in {sys.argv[1]}")
