"""A page in Debian's Chromium, without a screen, that reaches loopback and files alone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import BrowserContext, Page, async_playwright

from support.browsing import CHROMIUM, QUIET, Seen


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every test of this folder needs the browser."""
    skip = pytest.mark.skip(reason="no Chromium on this machine: apt-get install chromium")
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.real)
            if CHROMIUM is None:
                item.add_marker(skip)


@pytest.fixture
def seen() -> Seen:
    """What the browser of this test asked for."""
    return Seen()


@pytest.fixture
async def browser(seen: Seen) -> AsyncIterator[BrowserContext]:
    """A browser without a past, 1280 x 800."""
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
        context = await chromium.new_context(viewport={"width": 1280, "height": 800}, locale="en-GB")
        await context.route("**/*", seen.pass_on)
        context.on("page", seen.watch)
        yield context
        await context.close()
        await chromium.close()


@pytest.fixture
async def page(browser: BrowserContext) -> Page:
    """An empty page."""
    return await browser.new_page()
