"""A loopback OCI registry, pull only, for the demo and the tests: no network, no files, no daemon."""

from __future__ import annotations

import base64
import json
import re
import secrets
import tempfile
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from urllib.parse import parse_qs, urlsplit

from modelcar_tui.demo.registry_blobs import Image

_PATH = re.compile(r"^/v2/(?P<repository>.+)/(?P<kind>manifests|blobs)/(?P<target>[^/]+)$")
_RANGE = re.compile(r"^bytes=(\d+)-(\d*)$")
_CHUNK = 1 << 20

Intercept = Callable[["Handler", str], bool]
"""Called with the handler and the path before every answer; True when it has answered itself."""


class DemoRegistry:
    """Serves images from memory on 127.0.0.1 until `stop`.

    Args:
        images: By `repository:tag`.
        login: `user:password` that is asked for, None to serve anybody.
        bearer: Ask by a token service instead of Basic.
        latency_s: Wait before each answer.
        hosts: Real registry hosts that `registries_conf_path` sends here.
        registries_conf: Where to write that file; a temporary folder by default.
    """

    def __init__(
        self,
        images: dict[str, Image],
        *,
        login: str | None = None,
        bearer: bool = False,
        latency_s: float = 0.0,
        hosts: tuple[str, ...] = (),
        registries_conf: Path | None = None,
    ) -> None:
        self.images = images
        self.login = login
        self.bearer = bearer
        self.latency_s = latency_s
        self.tokens: set[str] = set()
        self.requests: list[str] = []
        self.bytes_sent = 0
        self.intercept: Intercept | None = None
        self._folder = tempfile.TemporaryDirectory(prefix="modelcar-demo-")
        self._server = _Server(("127.0.0.1", 0), Handler)
        self._server.registry = self
        self.host = f"127.0.0.1:{self._server.server_address[1]}"
        self.registries_conf_path = registries_conf or Path(self._folder.name) / "registries.conf"
        self.registries_conf_path.write_text(self._rules(hosts))
        self._thread = threading.Thread(
            target=self._server.serve_forever,
            kwargs={"poll_interval": 0.05},
            name="demo-registry",
            daemon=True,
        )
        self._thread.start()

    def stop(self) -> None:
        """Close the port and remove the temporary files."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=5)
        self._folder.cleanup()

    def __enter__(self) -> DemoRegistry:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def find(self, repository: str, target: str) -> Image | None:
        """The image of a tag, or the one that has a manifest of this digest."""
        if image := self.images.get(f"{repository}:{target}"):
            return image
        names = (image for key, image in self.images.items() if key.rpartition(":")[0] == repository)
        return next((image for image in names if target in image.manifests or target in image.blobs), None)

    def _rules(self, hosts: tuple[str, ...]) -> str:
        own = f'[[registry]]\nlocation = "{self.host}"\ninsecure = true\n'
        others = (
            f'[[registry]]\nprefix = "{host}"\nlocation = "{self.host}"\ninsecure = true\n' for host in hosts
        )
        return "\n".join([own, *others])


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    registry: DemoRegistry

    def handle_error(self, request: object, client_address: object) -> None:
        """Silent: a client that goes away is no news, and the terminal belongs to the dashboard."""


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    server: _Server
    timeout = 60
    disable_nagle_algorithm = (
        True  # head and body are two packets: the second must not wait for the first one
    )

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Silent: the demo's terminal belongs to the dashboard."""

    def do_GET(self) -> None:
        """Every answer of a pull."""
        registry = self.server.registry
        registry.requests.append(f"{self.path} {self.headers.get('Range', '')}".strip())
        if registry.latency_s:
            time.sleep(registry.latency_s)
        if registry.intercept is not None and registry.intercept(self, urlsplit(self.path).path):
            return
        path = urlsplit(self.path).path
        if path == "/token":
            self._token()
        elif not self._allowed():
            self._challenge()
        elif path in ("/v2", "/v2/"):
            self.answer(200, b"{}")
        elif (match := _PATH.match(path)) is None:
            self.error(404, "NAME_UNKNOWN")
        elif match["kind"] == "manifests":
            self._manifest(match["repository"], match["target"])
        else:
            self._blob(match["repository"], match["target"])

    do_HEAD = do_GET  # noqa: N815

    def answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        """A whole small answer."""
        self.send_response(status)
        for key, value in ({"Content-Type": "application/json"} | (headers or {})).items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
            self.server.registry.bytes_sent += len(body)

    def error(self, status: int, code: str, headers: dict[str, str] | None = None) -> None:
        """An error as the distribution specification words it."""
        self.answer(
            status, json.dumps({"errors": [{"code": code, "message": code.lower()}]}).encode(), headers
        )

    def _manifest(self, repository: str, target: str) -> None:
        image = self.server.registry.find(repository, target)
        if image is None:
            self.error(404, "MANIFEST_UNKNOWN")
            return
        digest = target if target in image.manifests else image.digest
        raw, kind = image.manifests[digest]
        etag = f'"{digest}"'
        if self.headers.get("If-None-Match") == etag:
            self.answer(304, b"", {"ETag": etag})
            return
        self.answer(200, raw, {"Content-Type": kind, "Docker-Content-Digest": digest, "ETag": etag})

    def _blob(self, repository: str, digest: str) -> None:
        image = self.server.registry.find(repository, digest)
        if image is None:
            self.error(404, "BLOB_UNKNOWN")
            return
        blob = image.blobs[digest]
        start, end = 0, blob.size - 1
        match = _RANGE.match(self.headers.get("Range", ""))
        if match:
            start, end = int(match[1]), min(int(match[2] or end), end)
            if start > end:
                self.error(416, "RANGE_INVALID")
                return
        self.send_response(206 if match else 200)
        if match:
            self.send_header("Content-Range", f"bytes {start}-{end}/{blob.size}")
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("Content-Length", str(end - start + 1))
        self.end_headers()
        while start <= end and self.command != "HEAD":
            piece = blob.read(start, min(_CHUNK, end - start + 1))
            self.wfile.write(piece)
            self.server.registry.bytes_sent += len(piece)
            start += len(piece)

    def _allowed(self) -> bool:
        registry = self.server.registry
        given = self.headers.get("Authorization", "")
        if registry.login is None:
            return True
        if registry.bearer:
            return given.removeprefix("Bearer ") in registry.tokens
        return given == f"Basic {base64.b64encode(registry.login.encode()).decode()}"

    def _challenge(self) -> None:
        registry = self.server.registry
        told = (
            f'Bearer realm="http://{registry.host}/token",service="demo"'
            if registry.bearer
            else 'Basic realm="demo"'
        )
        self.error(401, "UNAUTHORIZED", {"WWW-Authenticate": told})

    def _token(self) -> None:
        registry = self.server.registry
        login = f"Basic {base64.b64encode((registry.login or '').encode()).decode()}"
        if self.headers.get("Authorization", "") != login or not parse_qs(urlsplit(self.path).query).get(
            "scope"
        ):
            self.error(401, "UNAUTHORIZED")
            return
        token = secrets.token_urlsafe(24)
        registry.tokens.add(token)
        self.answer(200, json.dumps({"token": token, "expires_in": 300}).encode())


def start_demo_registry(*, registries_conf: Path | None = None, latency_s: float = 0.0) -> DemoRegistry:
    """Serve the model-cars of the sample manifests under their real names; see `registries_conf_path`."""
    from modelcar_tui.demo.modelcars import demo_images

    hosts = ("registry.redhat.io", "registry.stage.redhat.io", "quay.io")
    return DemoRegistry(demo_images(), latency_s=latency_s, hosts=hosts, registries_conf=registries_conf)
