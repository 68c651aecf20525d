"""keywords: one module a family; each keyword registers its parser here."""
