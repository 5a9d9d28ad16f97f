"""conmon's log file as lines."""

from __future__ import annotations

from collections.abc import Iterator

from modelcar_tui.core.log_lines import KEEP, LineSplitter, RawLine
from modelcar_tui.core.stamps import seconds


class K8sFile:
    """Decodes conmon's `k8s-file` log: `TIME stdout|stderr F|P TEXT`, where P is a part of a longer line."""

    def __init__(self) -> None:
        self._splitter = LineSplitter()
        self._parts: dict[bytes, bytearray] = {}

    def feed(self, chunk: bytes) -> Iterator[RawLine]:
        """The whole lines that `chunk` completes; a line that is not of the format is passed as it is."""
        for record in self._splitter.feed(chunk):
            line = self._record(record)
            if line is not None:
                yield line

    def finish(self) -> Iterator[RawLine]:
        """What the container wrote last without a line end."""
        for parts in self._parts.values():
            if parts:
                yield RawLine(bytes(parts[:KEEP]), 0.0)
        self._parts.clear()

    def _record(self, record: bytes) -> RawLine | None:
        fields = record.split(b" ", 3)
        if len(fields) < 4 or fields[2] not in (b"F", b"P"):
            return RawLine(record, 0.0)
        stamp, stream, flag, text = fields
        parts = self._parts.setdefault(stream, bytearray()) if len(self._parts) < 8 else bytearray()
        if len(parts) < KEEP:
            parts += text[: KEEP - len(parts)]
        if flag == b"P":
            return None
        whole = bytes(parts)
        parts.clear()
        return RawLine(whole, seconds(stamp.decode("ascii", "replace")))
