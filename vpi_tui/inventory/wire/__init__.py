"""wire: what guests say of themselves: names in DHCP, mDNS, LLMNR and NBNS, addresses in ARP and ND.

All of it may be forged, so it is kept beside what is certain, marked as learned, and never in its place.
"""
