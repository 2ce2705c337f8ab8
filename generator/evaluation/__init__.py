"""Evaluation: what samples are worth, measured against real images.

Pure measures in modules named for them (`frechet`, `manifold`, `detail`, `neighbours`, `parzen`, `levels`);
`checks` and `level_checks` make sections of a page out of them; `evaluate` is the whole story.
"""
