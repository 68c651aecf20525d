"""attacks: each a module with an ATTACK, bounded in time and number, and honest about what it does."""
