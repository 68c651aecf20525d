"""Rule sets from elsewhere: fetched, unpacked, chosen from and put in place as a whole."""
