"""The ports of a run, each call counted under a name that stays the same from run to run; one of them can be
made to raise."""

from __future__ import annotations

import asyncio
import builtins
import errno
import io
import os
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch
from urllib.parse import urlsplit

from modelcar_tui.image.registry.http import Http
from modelcar_tui.kube.transport import Transport

KINDS: dict[str, Callable[[], Exception]] = {
    "OSError": lambda: OSError(errno.EIO, os.strerror(errno.EIO)),
    "TimeoutError": lambda: TimeoutError("planted"),
    "ValueError": lambda: ValueError("planted"),
    "UnicodeEncodeError": lambda: UnicodeEncodeError("ascii", "planted\x9b", 7, 8, "planted"),
    "RuntimeError": lambda: RuntimeError("planted"),
    "MemoryError": lambda: MemoryError("planted"),
    "KeyError": lambda: KeyError("planted"),
}
"""What a call raises; the texts must never be shown."""
OF_FILES: dict[str, Callable[[], Exception]] = {
    "OSError": KINDS["OSError"],
    "no room": lambda: OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)),
    "PermissionError": lambda: PermissionError(errno.EACCES, os.strerror(errno.EACCES)),
    "TimeoutError": lambda: TimeoutError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT)),
    "MemoryError": KINDS["MemoryError"],
}
"""What the system raises of a file."""
_RUN = re.compile(r"\d{8}-\d{6}-[0-9a-f]{6}")
_TEMPORARY = re.compile(r"\.[a-z0-9_]{8}$")
_HASH = re.compile(r"(?<=[/-])[0-9a-f]{40}(?=\.json)")


class Fault(NamedTuple):
    """Which call raises, and what."""

    call: str
    """`kube GET /api/v1/nodes #1`."""
    kind: str
    lasting: bool = False
    """Whether all later calls of that name raise, too."""


def kinds_of(call: str) -> dict[str, Callable[[], Exception]]:
    """What a call of this port may raise."""
    return OF_FILES if call.startswith("file ") else KINDS


class Ports:
    """Counts the calls below `rooms`, and lets `fault` happen."""

    def __init__(self, rooms: Path, fault: Fault | None = None) -> None:
        self.calls: list[str] = []
        self.raised = 0
        self._rooms = f"{rooms}/"
        self._fault = fault
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()

    def pass_by(self, name: str) -> None:
        """One call.

        Raises:
            Exception: it is the one that is to fail.
        """
        with self._lock:
            self._counts[name] += 1
            number = self._counts[name]
            call = f"{name} #{number}"
            self.calls.append(call)
            fault = self._fault
            if fault is None:
                return
            wanted, _, first = fault.call.rpartition(" #")
            hit = call == fault.call or (fault.lasting and name == wanted and number >= int(first))
            if not hit:
                return
            self.raised += 1
        raise kinds_of(call)[fault.kind]()

    def file(self, what: str, path: Any) -> None:
        """A call of the file system; others' rooms are not counted."""
        if not isinstance(path, str | os.PathLike):
            return
        text = os.fspath(path)
        if not isinstance(text, str) or not text.startswith(self._rooms):
            return
        name = _HASH.sub("HASH", _TEMPORARY.sub(".TMP", _RUN.sub("RUN", text.removeprefix(self._rooms))))
        self.pass_by(f"file {what} {name}")

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Every call within the block goes through here."""
        request, stream, send = Transport.request, Transport.stream, Http._send
        spawn = asyncio.create_subprocess_exec

        def asked(transport: Any, method: str, path: str, query: Any = None, body: Any = None) -> Any:
            told = "&".join(f"{k}={v}" for k, v in (query or {}).items() if k != "continue")
            self.pass_by(f"kube {method} {path}" + (f"?{told}" if told else ""))
            return request(transport, method, path, query, body)

        def streamed(transport: Any, path: str, query: Any, silence_s: float) -> Any:
            self.pass_by(f"kube stream {path}")
            return stream(transport, path, query, silence_s)

        async def sent(http: Any, method: str, url: str, *args: Any, **more: Any) -> Any:
            self.pass_by(f"registry {method} {urlsplit(url).path[:140]}")
            return await send(http, method, url, *args, **more)

        async def spawned(program: str, *args: Any, **more: Any) -> Any:
            last = str(args[-1]).rpartition("/")[2] if args else ""
            words = [word for word in map(str, args) if re.fullmatch(r"--raw|--config|ps|pull|inspect", word)]
            self.pass_by(f"child {Path(program).name} {' '.join(words)} {last[:100]}")
            return await spawn(program, *args, **more)

        def filed(what: str, real: Callable[..., Any], at: int = 0) -> Callable[..., Any]:
            def called(*args: Any, **more: Any) -> Any:
                if len(args) > at:
                    self.file(what, args[at])
                return real(*args, **more)

            return called

        with ExitStack() as stack:
            for room, name, real in (
                (Transport, "request", asked),
                (Transport, "stream", streamed),
                (Http, "_send", sent),
                (asyncio, "create_subprocess_exec", spawned),
                (io, "open", filed("open", io.open)),
                (builtins, "open", filed("open", builtins.open)),
                (os, "open", filed("os.open", os.open)),
                (os, "mkdir", filed("mkdir", os.mkdir)),
                (os, "replace", filed("replace", os.replace, 1)),
                (os, "link", filed("link", os.link, 1)),
                (os, "chmod", filed("chmod", os.chmod)),
            ):
                stack.enter_context(patch.object(room, name, real))
            yield
