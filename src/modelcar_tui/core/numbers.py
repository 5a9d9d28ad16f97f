"""Masks that tell two secrets apart and tell nothing else: `*secret-1*`, `*secret-2*`, in the order shown.

A number belongs to a value for as long as the process lives. Of a value only a keyed hash is kept, whose key
is drawn anew by each process and never leaves it.
"""

from __future__ import annotations

import os
import re
import threading
from typing import Final

MOST: Final = 10_000
"""So many values get a number of their own; all others are `*secret*`."""
MASKED: Final = re.compile(r"\*secret(?:-(\d{1,9}))?\*")


class Numbers:
    """Gives each value its number at the first time that it is to be shown. Safe from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._key: Final = os.urandom(32)
        self._numbers: dict[bytes, int] = {}
        self._taken = 0

    def mask(self, value: str) -> str:
        """What is shown in the place of a value."""
        import hashlib  # with OpenSSL behind it, and no part of the first frame

        found = hashlib.blake2b(value.encode(errors="surrogatepass"), key=self._key, digest_size=16).digest()
        with self._lock:
            number = self._numbers.get(found)
            if number is None and len(self._numbers) < MOST:
                self._taken += 1
                number = self._numbers[found] = self._taken
        return "*secret*" if number is None else f"*secret-{number}*"

    def leave_out(self, text: str) -> None:
        """Give no number again that stands in `text`, such as the journal of the run that is resumed."""
        highest = max((int(found[1] or 0) for found in MASKED.finditer(text)), default=0)
        with self._lock:
            self._taken = max(self._taken, highest)


_process = Numbers()


def mask_of(value: str) -> str:
    """`*secret-N*` for a value, the same each time within this process; a mask stays as it is."""
    return value if is_mask(value) else _process.mask(value)


def leave_out(text: str) -> None:
    """See `Numbers.leave_out`; for the process."""
    _process.leave_out(text)


def holds_mask(text: str) -> bool:
    """Whether a secret was masked in `text`."""
    return MASKED.search(text) is not None


def unnumbered(text: str) -> str:
    """`text` with `*secret*` for every mask: what two processes that gave other numbers have in common."""
    return MASKED.sub("*secret*", text)


def is_mask(text: str) -> bool:
    """Whether `text` is a mask and nothing else."""
    return MASKED.fullmatch(text) is not None
