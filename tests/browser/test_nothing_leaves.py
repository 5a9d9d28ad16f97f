"""The watch over the browser itself: what would leave this machine is refused and told."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import Page

from support.browsing import Seen, leaves


@pytest.mark.asyncio(loop_scope="session")
async def test_what_a_page_asks_of_another_machine_is_refused_and_told(
    page: Page, seen: Seen, tmp_path: Path
) -> None:
    file = tmp_path / "page.html"
    file.write_text("<h1>here</h1><img src='https://198.51.100.7/a.png' alt='away'>")
    await page.goto(file.as_uri())
    assert await page.inner_text("h1") == "here"
    await page.wait_for_function("document.images[0].complete")
    assert seen.left_loopback == ["https://198.51.100.7/a.png"]


def test_loopback_and_files_stay() -> None:
    assert not any(map(leaves, ("http://127.0.0.1:8/", "ws://localhost/x", "file:///tmp/a", "data:,a")))
    assert all(map(leaves, ("http://example.org/", "wss://198.51.100.7/x", "http://127.0.0.1.example.org/")))
