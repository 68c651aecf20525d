"""rules: rule text and packs in, Signature out. Reports every error, keeps every good rule."""
