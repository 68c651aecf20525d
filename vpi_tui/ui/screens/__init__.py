"""screens: one module a screen."""
