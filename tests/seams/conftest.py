"""Every object that a seam's test gives a stub cluster is held against the schema of its kind."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "unit" / "cluster"))

from crd_fixture import held_against_schemas

__all__ = ["held_against_schemas"]
