"""Where the baseline and the tests' data lie; puts this tree's sources and the tests' helpers on the path."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TESTS = ROOT / "tests"
DATA = TESTS / "data" / "same"
KEPT = ROOT / ".same"
"""The answers in full, as the last run found them equal to the baseline; differences are shown by them."""
HELPERS = (TESTS / "unit" / "cluster", TESTS / "unit" / "advice")

for folder in (ROOT / "src", *HELPERS):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
