"""An API server on loopback that knows one namespace of the suite's: its pods, its warnings and its logs."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

NAMESPACE = "standard-model-validation"
TOKEN = "sha256~planted-token-of-the-watch"


class SuiteNamespace(ThreadingHTTPServer):
    """What it holds may be changed at any time."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.pods: list[dict[str, Any]] = []
        self.events: list[dict[str, Any]] = []
        self.logs: dict[str, str] = {}
        """By pod, container and `previous` or `now`."""
        self.refused: set[str] = set()
        """`pods`, `events`, `log`, `watch`: what nobody may read."""
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.ended = threading.Event()
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def kubeconfig(self, path: Path) -> Path:
        config = {
            "current-context": "c",
            "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
            "clusters": [{"name": "c", "cluster": {"server": self.url}}],
            "users": [{"name": "u", "user": {"token": TOKEN}}],
        }
        path.write_text(json.dumps(config))
        return path

    def stop(self) -> None:
        self.ended.set()
        self.shutdown()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: SuiteNamespace

    def log_message(self, *_: object) -> None:
        """Quiet."""

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        query = dict(parse_qsl(parts.query))
        self.server.asked.append((parts.path, query))
        place = parts.path.removeprefix("/api/v1/namespaces/").split("/")
        kind = "log" if place[-1] == "log" else place[1]
        if kind in self.server.refused or ("watch" in query and "watch" in self.server.refused):
            message = f'{kind} is forbidden: User "dev" cannot list resource "{kind}" in API group ""'
            self._answer(403, json.dumps({"message": message}))
        elif kind == "log":
            when = "previous" if query.get("previous") == "true" else "now"
            text = self.server.logs.get(f"{place[2]} {query['container']} {when}")
            self._answer(400 if text is None else 200, text or json.dumps({"message": "waiting to start"}))
        else:
            held = {"pods": self.server.pods, "events": self.server.events}[kind]
            items = held if place[0] == NAMESPACE else []
            if "watch" in query:
                self._watch(lambda: self.server.pods if items is held else [])
                return
            self._answer(200, json.dumps({"metadata": {"resourceVersion": "1"}, "items": items}))

    def _watch(self, pods: Callable[[], list[dict[str, Any]]]) -> None:
        """Tell of a change, as long as somebody listens."""
        self.send_response(200)
        self.end_headers()
        self.close_connection = True
        told: object = None
        while not self.server.ended.is_set():
            now = [dict(pod) for pod in pods()]
            if now != told:
                told = now
                with suppress(OSError):
                    self.wfile.write(b'{"type": "MODIFIED", "object": {}}\n' * bool(now))
            time.sleep(0.02)

    def _answer(self, code: int, text: str) -> None:
        data = text.encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
