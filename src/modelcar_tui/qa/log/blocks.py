"""Lines of one message put together: an exception of a traceback, an error event, or a line of its own.

Only what was said is kept, and no source lines, docstrings and values that pytest prints round an exception:
they hold the words of every failure that the code knows of.
"""

from __future__ import annotations

from typing import NamedTuple

from modelcar_tui.qa.log.saying import ends_event, is_event, is_traced, message, quiet, said, without_logger

MAX_LINES = 400
MAX_CHARS = 32 * 1024
_INTERNAL = "INTERNALERROR>"
_DATA = "'\"{[("


class Block(NamedTuple):
    """What one message says."""

    lines: tuple[str, ...]
    number: int
    """The first line's number in the log."""
    loud: bool = False
    """An exception or an error event, not just a line."""


class Blocks:
    """Feed it the lines that are no structure of pytest's, in order; it gives the messages that end."""

    def __init__(self) -> None:
        self.section = False
        """Where pytest prints a failure or its summary: only exceptions are said."""
        self._kind = ""
        """Of the open message: `E`, `I`, `event`, or `quiet` for one of ordinary work; empty outside."""
        self._lines: list[str] = []
        self._chars = self._number = self._indent = 0

    def feed(self, line: str, number: int) -> tuple[Block, ...]:
        """The messages that this line ends or is."""
        if line[0] == "E" and is_traced(line):
            return self._traced(line, number)
        if line.startswith(_INTERNAL):
            return self._internal(line, number)
        if is_event(line):
            return self._event(line, number)
        if self._kind == "quiet":
            self._kind = "" if ends_event(line) else "quiet"
            return ()
        if self._kind == "event":
            ends = ends_event(line)
            self._add(without_logger(message(line)))
            return self.close() if ends else ()
        closed = self.close()
        text = "" if self.section else said(line)
        return (*closed, Block((text,), number)) if text else closed

    def close(self) -> tuple[Block, ...]:
        """The open message, which ends here."""
        block = Block(tuple(self._lines), self._number, True) if self._lines else None
        self._kind, self._lines, self._chars = "", [], 0
        return (block,) if block else ()

    def _traced(self, line: str, number: int) -> tuple[Block, ...]:
        indent = len(line) - len(line[1:].lstrip())
        closed = self._open("E", number)
        if not self._lines:
            self._indent = indent
        text = message(line)
        # Below an exception of the Kubernetes client stands its "original traceback", source lines and all.
        code = indent >= self._indent + 4 and text[:1] not in _DATA
        if not code and not text.startswith('File "'):
            self._add(text)
        return closed

    def _internal(self, line: str, number: int) -> tuple[Block, ...]:
        closed = self._open("I", number)
        text = line[len(_INTERNAL) :].removeprefix(" ")
        if text[:1] not in (" ", "") and not text.startswith(("Traceback", "During handling", "The above")):
            self._add(text)
        return closed

    def _event(self, line: str, number: int) -> tuple[Block, ...]:
        closed = self.close()
        if quiet(line):
            self._kind = "" if "[" not in line[20:50] or ends_event(line) else "quiet"
            return closed
        self._open("event", number)
        self._add(message(line))
        # Loggers of older suites put their name first: such a message has one line.
        return (*closed, *self.close()) if "[" not in line[20:50] or ends_event(line) else closed

    def _open(self, kind: str, number: int) -> tuple[Block, ...]:
        if self._kind == kind and kind != "event":
            return ()
        closed = self.close()
        self._kind, self._number = kind, number
        return closed

    def _add(self, text: str) -> None:
        if text.startswith("Function: "):
            # What a wait was called with is no part of what it met.
            text = text.partition(" Kwargs: ")[0]
        if text and len(self._lines) < MAX_LINES and self._chars < MAX_CHARS:
            self._lines.append(text[: MAX_CHARS - self._chars])
            self._chars += len(text)
