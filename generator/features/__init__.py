"""The project's own features of images: a small classifier, how it is trained, the weights that ship.

Distances between sets of images are measured on these features and carry their name: they are no FID, which
is defined on Inception's.
"""
