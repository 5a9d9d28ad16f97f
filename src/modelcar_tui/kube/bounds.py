"""How much of one list is read, whatever the server says of its end; and how long one question may wait."""

from __future__ import annotations

import time

from modelcar_tui.core.credentials import without_login
from modelcar_tui.core.text import clean
from modelcar_tui.kube.errors import ClusterError, endless

PAGES = 2_000
"""Of 500 objects: a million nodes."""
EMPTY_PAGES = 20
"""One after the other; a filter may leave a page empty."""
ITEMS = 1_000_000
BYTES = 4 * 2**30
LIST_S = 150.0
"""Less than the 180 s that the cluster has in all, so that the rest is asked, too."""
RESTARTS = 3
"""How often a list that grew too old in the middle is gone on with."""
WAITS_S = 60.0
"""What one question may wait in all, as the server wishes, before it is given up."""


class Extent:
    """What was read of one list so far."""

    def __init__(self, server: str) -> None:
        self._server = clean(without_login(server), limit=200)
        self._until = time.monotonic() + LIST_S
        self._tokens: set[int] = set()
        self.pages = self._restarts = self._empty = self._items = self._bytes = 0

    def end(self, token: str, items: int, size: int) -> ClusterError | None:
        """Count a page; why no other one is asked for, if so.

        Args:
            token: by which the server would go on; empty at the list's end.
            items: on the page.
            size: of its body in bytes.
        """
        self.pages += 1
        self._empty = 0 if items else self._empty + 1
        self._items += items
        self._bytes += size
        if not token:
            return None
        mark = hash(token)
        again = mark in self._tokens
        self._tokens.add(mark)
        why = (
            ("the same continue token came twice" if again else "")
            or (f"{self._empty} empty pages came in a row" if self._empty >= EMPTY_PAGES else "")
            or (f"at most {PAGES:,} are read" if self.pages >= PAGES else "")
            or (f"at most {ITEMS:,} objects are read" if self._items >= ITEMS else "")
            or (f"at most {BYTES / 2**30:g} GiB are read" if self._bytes >= BYTES else "")
            or (f"it took more than {LIST_S:.0f} s" if time.monotonic() > self._until else "")
        )
        return endless(self._server, self.pages, why) if why else None

    def goes_on(self, error: ClusterError) -> bool:
        """Whether the list is gone on with after a page that failed: too old (410), and not too often."""
        self._restarts += 1
        return error.status == 410 and self._restarts <= RESTARTS

    def unfit(self) -> ClusterError:
        """Why a list ends whose continue token is no text."""
        return endless(self._server, self.pages, "its continue token is no text")
