"""Tachisto's web part: studies, sittings, the catalogue of images, exports. Knows no numerical library."""

__version__ = "0.1.0"
