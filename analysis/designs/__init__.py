"""Designs beside the timed test: untimed error rates, staircases, pairs and ratings, each by reader, measure, figure.

The command is `python -m analysis.designs KIND FILE`; what each file must hold is in docs/analysis.md.
"""
