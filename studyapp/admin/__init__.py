"""The researcher's side in Django's admin."""
