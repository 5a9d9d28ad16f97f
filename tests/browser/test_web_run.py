"""A run in the browser from the upload to QA's log, by keys alone; each step is looked at."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from playwright.async_api import Page

from support.browsing import Seen
from support.web_page import HOOK, KEYS, faults, press_until, shows
from support.web_server import SAMPLE, served

pytestmark = pytest.mark.asyncio(loop_scope="session")
_MEASURE = """async address => {
  const picture = new Image();
  picture.src = address;
  await picture.decode();
  const canvas = new OffscreenCanvas(picture.width, picture.height).getContext("2d");
  canvas.drawImage(picture, 0, 0);
  const counts = new Map();
  for (const one of new Uint32Array(canvas.getImageData(0, 0, picture.width, picture.height).data.buffer))
    counts.set(one, (counts.get(one) ?? 0) + 1);
  const most = Math.max(...counts.values());
  return [picture.width, picture.height, counts.size, 1 - most / (picture.width * picture.height)];
}"""
"""Width and height, how many colours, and the share of all that is not the commonest."""


class Album:
    """Pictures of a page, kept beside the test's files."""

    def __init__(self, page: Page, folder: Path) -> None:
        self._page = page
        self._folder = folder
        self.kept: list[Path] = []

    async def look(self, name: str) -> None:
        """Keep a picture that has the window's size, and fail where it shows next to nothing."""
        path = self._folder / f"{len(self.kept)}-{name}.png"
        data = await self._page.screenshot(path=path, caret="initial")
        looking = await self._page.context.new_page()  # its own page has no policy that forbids data:
        address = f"data:image/png;base64,{base64.b64encode(data).decode()}"
        width, height, colours, drawn = await looking.evaluate(_MEASURE, address)
        await looking.close()
        await self._page.bring_to_front()
        assert {"width": width, "height": height} == self._page.viewport_size, name
        assert colours > 20 and drawn > 0.01, (name, colours, drawn)
        self.kept.append(path)


async def tab_to(page: Page, name: str) -> None:
    """Press Tab until the field has the keys."""
    for _ in range(20):
        if await page.evaluate("document.activeElement.id || document.activeElement.type") == name:
            return
        await page.keyboard.press("Tab")
    raise AssertionError(f"Tab does not reach {name}")


async def test_an_uploaded_manifest_is_judged_approved_written_and_tested(
    page: Page, seen: Seen, tmp_path: Path
) -> None:
    await page.add_init_script(HOOK)
    album = Album(page, tmp_path)
    async with served(MODELCAR_TUI_QA_SPEED="0") as server:
        await page.goto(await server.address())
        assert "token" not in page.url
        await page.set_input_files("#manifest", str(SAMPLE))
        await tab_to(page, "demo")
        await page.keyboard.press("Space")
        await album.look("form")
        await tab_to(page, "submit")
        await page.keyboard.press("Enter")

        await page.wait_for_selector(KEYS, state="attached")
        assert await page.evaluate("document.activeElement.className") == "xterm-helper-textarea"
        await shows(page, "NO-GO.*llama-3.3-70b-instruct")
        await shows(page, "accept the 2 required")
        await album.look("verdict")
        await press_until(page, "d", "undecided  set, add, required")
        await album.look("changes")
        await press_until(page, "A", "2 of 8 accepted.*[\\s\\S]*served as the generated manifest says")
        await press_until(page, "W", "type write")
        await album.look("approval")
        await press_until(page, "write", "type write", gone=True)
        assert "cluster-admin" in await shows(page, "skip it")
        await press_until(page, "X", "skip it", gone=True)
        await shows(page, "QA_OK: 5 passed")
        await album.look("tested")

        await page.keyboard.press("F6")
        assert await page.evaluate("document.activeElement.id") == "all"
        await page.keyboard.press("Tab")
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/files")
        await album.look("files")
        async with page.expect_download() as begun:
            await page.click("text=sample_modelcar_config.generated.yaml")
        kept = tmp_path / "kept.yaml"
        await (await begun.value).save_as(kept)
        assert "--tensor-parallel-size=2" in kept.read_text()

        await page.click("text=show it")
        await page.wait_for_selector(KEYS, state="attached")
        await press_until(page, "l", r"\[QA\]")
        await album.look("log")
    assert len({path.read_bytes() for path in album.kept}) == len(album.kept) == 7
    assert seen.left_loopback == []
    assert faults(seen) == []
