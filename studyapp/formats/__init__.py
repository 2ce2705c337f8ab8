"""How dates read on our pages, by language."""
