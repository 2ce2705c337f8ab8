"""Image generators: data sets in, trained checkpoints and image sets out.

Importing this package loads nothing heavy; `datasets` and `image_set` work without torch. It knows
neither Django nor Celery (`generator.tasks` alone does).
"""
