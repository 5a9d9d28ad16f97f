"""A page in Debian's Chromium, without a screen, that reaches loopback and files alone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page, async_playwright

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


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def chromium() -> AsyncIterator[Browser]:
    """The one process: a test that asks for it has `pytest.mark.asyncio(loop_scope="session")`."""
    async with async_playwright() as playwright:
        process = await playwright.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
        yield process
        await process.close()


@pytest_asyncio.fixture(loop_scope="session")
async def browser(chromium: Browser, seen: Seen) -> AsyncIterator[BrowserContext]:
    """A browser without a past, 1280 x 800: cookies, storage, cache and windows are this test's own."""
    context = await chromium.new_context(viewport={"width": 1280, "height": 800}, locale="en-GB")
    await context.route("**/*", seen.pass_on)
    context.on("page", seen.watch)
    yield context
    await context.close()


@pytest_asyncio.fixture(loop_scope="session")
async def page(browser: BrowserContext) -> Page:
    """An empty page."""
    return await browser.new_page()
