"""This product's version, for every room that signs what it writes."""

from __future__ import annotations

__version__ = "0.1.0"
