"""detect: signatures and what they match. rules/ reads the language, match/ evaluates it."""
