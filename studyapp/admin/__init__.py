"""The researcher's side in Django's admin: one module for each thing it shows, listed in `registry`.

What the site knows and does lies elsewhere (`opening`, `catalogue`, `jobs`, `export`); here it is shown,
asked for, and refused in words.
"""
