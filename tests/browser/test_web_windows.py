"""Windows that come and go, runs that end and go on, uploads that are too large: as a browser shows them."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest
from playwright.async_api import BrowserContext, Page, Route

from support.browsing import Seen
from support.web_page import HOOK, KEYS, faults, press_until, shows
from support.web_server import served

pytestmark = pytest.mark.asyncio(loop_scope="session")

JUDGED = "accept the 2 required"


async def begin(page: Page) -> None:
    """A demo of the sample, until it is judged."""
    await page.add_init_script(HOOK)
    await page.check("#demo")
    await page.click("text=Begin >> nth=-1")
    await page.wait_for_selector(KEYS, state="attached")
    await shows(page, JUDGED)


async def test_a_run_goes_on_unwatched_and_the_last_window_has_it(
    browser: BrowserContext, page: Page, seen: Seen
) -> None:
    async with served("--no-llm") as server:
        await page.goto(await server.address())
        await begin(page)
        await page.goto("about:blank")
        await page.go_back()
        assert "DEMO" in await shows(page, JUDGED), "all of it is painted again"

        other = await browser.new_page()
        await other.add_init_script(HOOK)
        await other.set_viewport_size({"width": 800, "height": 480})
        await other.goto(page.url)
        assert "DEMO" in await shows(other, "2 required")
        await page.wait_for_selector("text=This window shows the run no more")
        assert await page.evaluate("document.activeElement.id") == "again"
        await page.keyboard.press("Enter")
        await other.wait_for_selector("text=no more: another window shows this run")
        assert not await other.is_visible("#dead")
        await shows(page, JUDGED)
        assert faults(seen) == []
        server.process.kill()  # what a page was loading just then is a fault of the browser's
        await page.wait_for_selector("text=no more: the line was cut")
        assert "start the server, anew" in await page.inner_text("#closed")


async def test_a_run_that_was_stopped_tells_its_end_and_goes_on_by_keys(page: Page, seen: Seen) -> None:
    async with served("--no-llm") as server:
        await page.goto(await server.address())
        await begin(page)
        await page.keyboard.press("q")
        await shows(page, "stop the run")
        await press_until(page, "S", "--resume")
        await page.wait_for_selector("text=no more: the run has ended")
        await page.keyboard.press("Enter")
        await page.wait_for_selector("h1:has-text('Run 1: interrupted')")
        assert "exit status 130" in await page.inner_text("main")
        await page.focus("button")
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/runs/2")
        await shows(page, JUDGED)
        await page.click("#all")
        assert re.search(r"1\s+.*interrupted[\s\S]*", await page.inner_text("table"))
        assert await page.locator("tbody tr").count() == 2
    assert seen.left_loopback == []
    assert faults(seen) == []


async def test_an_upload_that_is_too_large_is_refused_on_a_page_of_one_line(
    page: Page, tmp_path: Path, seen: Seen
) -> None:
    large = tmp_path / "large.yaml"
    with large.open("wb") as file:
        file.truncate(100_000_000)
    async with served() as server:
        await page.goto(await server.address())
        await page.set_input_files("#manifest", str(large))
        await page.click("text=Begin >> nth=-1")
        alert = await page.wait_for_selector("[role=alert]")
        assert alert is not None
        assert "at most 1 MiB are taken" in await alert.inner_text()
        await page.keyboard.press("Tab")
        await page.keyboard.press("Enter")
        await page.wait_for_selector("#manifest")


async def test_every_field_has_its_label_and_the_keyboard_reaches_all_in_order(page: Page) -> None:
    async with served() as server:
        await page.goto(await server.address())
        order = []
        for _ in range(12):
            order.append(await page.evaluate("document.activeElement.id || document.activeElement.type"))
            await page.keyboard.press("Tab")
        fields = ["manifest", "gpus", "api_key", "pull_secret", "pull_secret_file", "qa", "demo", "submit"]
        assert [one for one in order if one in fields][:8] == fields
        for name in fields[:-1]:
            assert await page.locator(f"label[for={name}]").count() == 1
        assert await page.get_attribute("#api_key", "type") == "password"
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        await page.set_viewport_size({"width": 390, "height": 700})
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")


async def test_what_a_slow_line_brings_late_is_begun_by_the_form_and_told_while_it_comes(
    page: Page, seen: Seen
) -> None:
    large = ("textual.js", "mono.ttf")
    come = asyncio.Event()

    async def late(route: Route) -> None:
        await come.wait()
        await route.fallback()

    async with served("--no-llm") as server:
        await page.goto(await server.address())
        for name in large:
            while not any(one.endswith(f"/static/{name}") for one in seen.requests):
                await page.wait_for_timeout(20)
        await page.route("**/static/textual.js", late)
        await page.add_init_script(HOOK)
        await page.check("#demo")
        await page.click("text=Begin >> nth=-1", no_wait_after=True)
        await page.wait_for_selector("text=The terminal is on its way")
        assert await page.is_visible("#all") and await page.is_visible("#files")
        come.set()
        await shows(page, JUDGED)
        assert not await page.is_visible("#coming")
        bottom = await page.evaluate(
            "document.querySelector('.xterm-screen').getBoundingClientRect().bottom - innerHeight"
        )
        assert -25 < bottom <= 0, "the terminal has the room of the line"
        assert faults(seen) == []
