"""What a browser under test asks for and says; nothing of it leaves this machine."""

from __future__ import annotations

import shutil
from urllib.parse import urlsplit

from playwright.async_api import Page, Request, Route

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
"""What keeps it from asking its maker's servers at its start."""
_HERE = {"127.0.0.1", "localhost", "::1"}


class Seen:
    """What a browser asked for and said, in order."""

    def __init__(self) -> None:
        self.requests: list[str] = []
        self.left_loopback: list[str] = []
        self.told: list[str] = []
        """Lines of its console, and errors of the page's own scripts."""

    async def pass_on(self, route: Route, request: Request) -> None:
        """Let through what stays on this machine; note and refuse the rest."""
        self.requests.append(request.url)
        if leaves(request.url):
            self.left_loopback.append(request.url)
            await route.abort()
        else:
            await route.continue_()

    def watch(self, page: Page) -> None:
        """Note what a page says and where its sockets lead."""
        page.on("console", lambda line: self.told.append(line.text))
        page.on("pageerror", lambda error: self.told.append(str(error)))
        page.on(
            "websocket",
            lambda socket: self.left_loopback.append(socket.url) if leaves(socket.url) else None,
        )


def leaves(address: str) -> bool:
    """Whether an address is neither this machine's nor one that asks nobody (file, data, blob)."""
    parts = urlsplit(address)
    return parts.scheme not in ("file", "data", "blob", "about") and parts.hostname not in _HERE
