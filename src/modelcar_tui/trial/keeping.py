"""The log of a try: masked, kept on this machine, read as vLLM's start-up."""

from __future__ import annotations

import os
import time
from collections import deque
from contextlib import suppress
from pathlib import Path

from modelcar_tui.core.carried import CarriedSecrets
from modelcar_tui.core.contain import keep
from modelcar_tui.core.files import private_folder
from modelcar_tui.core.log_lines import KEEP, RawLine
from modelcar_tui.core.secrets import Redactor
from modelcar_tui.vllm import StartupLog

MOST = 64 * 1024**2
"""Bytes that are kept; of what comes after them only the end is, which says why a start failed."""
END = 1024**2
"""Bytes of that end: held in memory, written when no line comes any more."""
LINE_LIMIT = 4000
"""Characters of one line that are kept."""


class TrialLog:
    """Takes the lines of vLLM's container in order."""

    def __init__(self, path: Path, redact: Redactor) -> None:
        self.startup = StartupLog()
        self.lines = 0
        self.last_line = time.monotonic()
        """When the last one came."""
        self._path, self._redact, self._carried = path, redact, CarriedSecrets()
        self._handle: int | None = None
        self._size = 0
        self._full = self._shut = False
        self._end: deque[bytes] = deque()
        self._end_size = self._left_out = 0

    @property
    def path(self) -> str:
        """Where it is kept; empty where nothing is."""
        return str(self._path) if self._size else ""

    def take(self, raw: RawLine) -> None:
        """One line."""
        text = self._carried(self._redact.line(raw.data.decode("utf-8", "replace"), limit=KEEP))
        text = text if len(text) <= LINE_LIMIT else text[: LINE_LIMIT - 1] + "…"
        self.lines += 1
        self.last_line = time.monotonic()
        try:
            self.startup.feed(text)
        except Exception as error:  # noqa: BLE001 - one line of many; the log has it
            keep(error)
        self._keep(text)

    def close(self) -> None:
        """No line comes any more."""
        self._shut = True
        if self._left_out:
            self._write(f"[{self._left_out:,} lines are left out here; the last ones follow]\n".encode())
        self._write(b"".join(self._end))
        self._end.clear()
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def _keep(self, text: str) -> None:
        """A log that can't be kept costs no measurement."""
        if self._shut:
            return
        data = f"{text}\n".encode(errors="replace")
        if not self._full and self._size + len(data) > MOST:
            self._full = True
            self._write(f"[the log goes on; kept are its first {MOST // 1024**2} MiB and its end]\n".encode())
        if not self._full:
            self._write(data)
            return
        self._end.append(data)
        self._end_size += len(data)
        while self._end_size > END:
            self._end_size -= len(self._end.popleft())
            self._left_out += 1

    def _write(self, data: bytes) -> None:
        if not data:
            return
        with suppress(OSError):
            if self._handle is None:
                self._handle = self._opened()
            os.write(self._handle, data)
            self._size += len(data)

    def _opened(self) -> int:
        private_folder(self._path.parent)
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        return os.open(self._path, flags, 0o600)
