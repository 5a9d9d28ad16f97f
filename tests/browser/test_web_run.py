"""A run in the browser from the upload to QA's log, by keys alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import Page

from support.browsing import Seen
from support.web_page import HOOK, KEYS, faults, press_until, shows
from support.web_server import SAMPLE, served

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_an_uploaded_manifest_is_judged_approved_written_and_tested(
    page: Page, seen: Seen, tmp_path: Path
) -> None:
    await page.add_init_script(HOOK)
    async with served(MODELCAR_TUI_QA_SPEED="0") as server:
        await page.goto(await server.address())
        assert "token" not in page.url
        await page.set_input_files("#manifest", str(SAMPLE))
        await page.focus("#demo")
        await page.keyboard.press("Space")
        await page.keyboard.press("Enter")

        await page.wait_for_selector(KEYS, state="attached")
        assert await page.evaluate("document.activeElement.className") == "xterm-helper-textarea"
        await shows(page, "NO-GO.*llama-3.3-70b-instruct")
        await page.keyboard.press("A")
        await shows(page, "2 required accepted")
        await press_until(page, "W", "type write")
        await press_until(page, "write", "type write", gone=True)
        assert "cluster-admin" in await shows(page, "skip it")
        await press_until(page, "X", "skip it", gone=True)
        await shows(page, "QA_OK: 5 passed")

        await page.keyboard.press("F6")
        assert await page.evaluate("document.activeElement.id") == "all"
        await page.keyboard.press("Tab")
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/files")
        async with page.expect_download() as begun:
            await page.click("text=sample_modelcar_config.generated.yaml")
        kept = tmp_path / "kept.yaml"
        await (await begun.value).save_as(kept)
        assert "--tensor-parallel-size=2" in kept.read_text()

        await page.click("text=show it")
        await page.wait_for_selector(KEYS, state="attached")
        await press_until(page, "l", r"\[QA\]")
    assert seen.left_loopback == []
    assert faults(seen) == []
