"""Which small files fit into a budget, by need, and what is said of the others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from modelcar_tui.core.counting import several
from modelcar_tui.image.files.small import Need, calls_for_code, in_order, most_of, need_of

_MOST_FILES = 400
_MOST_TOLD = 100
FIX = "give an image or a folder that has the model's config.json"


def mib(size: int) -> str:
    """`17.0 MiB`, `900 bytes`."""
    return f"{size / 2**20:,.1f} MiB" if size >= 100_000 else f"{size:,} bytes"


def too_much(size: int, most: int) -> str:
    """What is said of a file that is larger than may be read of it."""
    return f"has {mib(size)}, and at most {mib(most)} are read"


class Gathering:
    """The files that were kept, and why others were not.

    Args:
        budget: The most bytes of all files together.
    """

    def __init__(self, budget: int) -> None:
        self.room = budget
        """Bytes that may still be kept."""
        self._budget = budget
        self._files: dict[str, bytes] = {}
        self._left: dict[str, str] = {}
        self._reserved: dict[str, int] = {}

    def choose(self, costs: Mapping[str, tuple[int, int]], at_hand: int) -> list[str]:
        """The files to read next: those most needed that fit; the others are left, code that nothing calls
        for without a word.

        Args:
            costs: By path the bytes of the file, and those that reading it takes.
            at_hand: Bytes that may still be read.
        """
        code = calls_for_code(raw for path, raw in self._files.items() if path.endswith(".json"))
        fresh = {
            path: size
            for path, (size, _) in costs.items()
            if not self._is_settled(path) and (code or need_of(path) is not Need.CODE)
        }
        chosen = []
        for path in in_order(fresh):
            size, cost = costs[path]
            if why := self.too_large(path, size, cost, at_hand):
                self._left[path] = why
                continue
            self._reserved[path] = size
            self.room -= size
            at_hand -= cost
            chosen.append(path)
        return chosen

    def too_large(self, path: str, size: int, cost: int, at_hand: int) -> str:
        """Why a file does not fit, whose reading takes `cost` of `at_hand` bytes; empty where it does."""
        most = min(most_of(path), self._budget)
        if size > most:
            return too_much(size, most)
        if size > self.room or cost > at_hand:
            left = min(self.room, at_hand)
            return f"has {mib(size)}, and of {mib(self._budget)} that may be read {mib(left)} are left"
        if len(self._files) + len(self._reserved) >= _MOST_FILES:
            return f"is not among the {several(_MOST_FILES, 'file')} that are read at most"
        return ""

    def most_of(self, path: str) -> int:
        """The most bytes that a chosen file may turn out to have."""
        return min(most_of(path), max(0, self._reserved.get(path, 0) + self.room))

    def keep(self, path: str, data: bytes) -> None:
        """A chosen file's bytes."""
        self.room += self._reserved.pop(path, 0) - len(data)
        self._files[path] = data
        self._left.pop(path, None)

    def leave(self, why: Mapping[str, str]) -> None:
        """Say why files are not read, of those that are not settled."""
        for path, text in why.items():
            if path in self._reserved or not self._is_settled(path):
                self.room += self._reserved.pop(path, 0)
                self._left[path] = text

    def forget(self, paths: Iterable[str]) -> None:
        """Give kept files up: others have come in their place."""
        for path in list(paths):
            self.room += len(self._files.pop(path, b""))

    def files(self) -> dict[str, bytes]:
        """What was kept, in the order of need."""
        sizes = {path: len(raw) for path, raw in self._files.items()}
        return {path: self._files[path] for path in in_order(sizes)}

    def left_out(self) -> tuple[tuple[str, str], ...]:
        """What was not, in the same order, and why; of very many the rest in one line."""
        told = [(path, self._left[path]) for path in in_order(dict.fromkeys(self._left, 0))]
        more = len(told) - _MOST_TOLD
        rest = [(several(more, "more file"), "not read either")] if more > 0 else []
        return (*told[:_MOST_TOLD], *rest)

    def _is_settled(self, path: str) -> bool:
        return path in self._files or path in self._left or path in self._reserved
