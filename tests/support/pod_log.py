"""What every stub API server needs: answers in JSON, and pods' logs that break where a test says."""

from __future__ import annotations

import json
import threading
from datetime import datetime
from http.server import BaseHTTPRequestHandler
from typing import Any, Protocol


class Logged(Protocol):
    """A container whose output is kept, line by line with its time."""

    lines: list[tuple[datetime, bytes]]
    changed: threading.Condition

    @property
    def ended(self) -> bool: ...


class Cutting(Protocol):
    """A server that breaks logs off."""

    cut_logs_after: int
    """Lines of one connection; each cut makes the next connection 20 longer. 0 never cuts."""


def send_json(handler: BaseHTTPRequestHandler, code: int, value: Any) -> None:
    """A whole answer; a 429 says that there is no need to wait."""
    data = json.dumps(value).encode()
    handler.send_response(code)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", str(len(data)))
    if code == 429:
        handler.send_header("Retry-After", "0")
    handler.end_headers()
    handler.wfile.write(data)


def send_log(handler: BaseHTTPRequestHandler, log: Logged, query: dict[str, str], cutting: Cutting) -> None:
    """A log as it grows, to its end."""
    since = datetime.fromisoformat(query["sinceTime"]) if "sinceTime" in query else None
    follow, stamped = query.get("follow") == "true", "timestamps" in query
    handler.send_response(200)
    handler.send_header("Content-Type", "text/plain")
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()
    place = sent = 0
    while True:
        with log.changed:
            while follow and place >= len(log.lines) and not log.ended:
                log.changed.wait(0.2)
            batch, over = log.lines[place:], log.ended or not follow
            place += len(batch)
        data = b""
        for at, line in batch:
            if since is not None and at < since:
                continue
            sent += 1
            stamp = at.strftime("%Y-%m-%dT%H:%M:%S.%f") + "000Z "
            data += (stamp.encode() if stamped else b"") + line + b"\n"
            if stamped and cutting.cut_logs_after and sent >= cutting.cut_logs_after:
                # In the middle of a line. A connection that breaks has no end of the transfer; an API
                # server that loses the node ends it properly all the same.
                handler.wfile.write(b"%x\r\n%s\r\n" % (len(data) - 5, data[:-5]))
                if cutting.cut_logs_after // 20 % 2:
                    handler.wfile.write(b"0\r\n\r\n")
                cutting.cut_logs_after += 20
                handler.close_connection = True
                return
        if data:
            handler.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        if over and place >= len(log.lines):
            handler.wfile.write(b"0\r\n\r\n")
            return
