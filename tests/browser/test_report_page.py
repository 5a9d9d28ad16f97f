"""The page of a run in Chromium: it asks for nothing, and can be read in every way."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import BrowserContext, Page

from modelcar_tui.report import html_page
from modelcar_tui.supervisor import RunState
from pilot import states as st
from support.browsing import Seen
from support.pages import hundred_read, states

pytestmark = pytest.mark.asyncio(loop_scope="session")

_CONTRAST = """() => {
  const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const rgba = colour => { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);   return [...canvas.getImageData(0, 0, 1, 1).data]; };
  const light = c => { const [r, g, b] = c.slice(0, 3).map(v => v / 255)
    .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const ground = e => { for (; e; e = e.parentElement) { const c = rgba(getComputedStyle(e).backgroundColor);
    if (c[3] === 255) return c; } return [255, 255, 255, 255]; };
  const faint = []; let looked = 0;
  for (const e of document.querySelectorAll('body *:not(svg, svg *)')) {
    if (![...e.childNodes].some(n => n.nodeType === 3 && n.data.trim())) continue;
    const [a, b] = [light(rgba(getComputedStyle(e).color)), light(ground(e))].sort((x, y) => y - x);
    looked += 1;
    if ((a + 0.05) / (b + 0.05) < 4.5)
      faint.push(e.tagName + ' ' + e.className + ' ' + e.textContent.slice(0, 40));
  }
  return {looked, faint};
}"""
_UNSEEN = """names => names.filter(name => ![...document.querySelectorAll('bdi')].some(
  e => e.textContent === name && e.checkVisibility() && e.getClientRects().length > 0))"""


@pytest.fixture
def made(tmp_path: Path) -> dict[str, RunState]:
    return states(tmp_path)


def written(folder: Path, state: RunState) -> str:
    """The page as a file; where a browser finds it."""
    file = folder / "report.html"
    file.write_text(html_page(state), encoding="utf-8")
    return file.as_uri()


@pytest.mark.parametrize("name", ["qa-failed", "no-cluster", "early", "empty"])
async def test_it_opens_from_a_file_and_asks_for_nothing_else(
    name: str, page: Page, seen: Seen, made: dict[str, RunState], tmp_path: Path
) -> None:
    address = written(tmp_path, made[name])
    await page.goto(address)
    assert await page.evaluate("document.scripts.length") == 0
    assert await page.evaluate(
        "document.querySelectorAll('table').length == document.querySelectorAll('caption').length"
    )
    assert seen.requests == [address]
    assert seen.told == []


async def test_the_policy_stops_what_would_be_slipped_in(
    page: Page, seen: Seen, made: dict[str, RunState], tmp_path: Path
) -> None:
    file = tmp_path / "slipped.html"
    bad = "<script>document.title = 'taken'</script><img src='http://127.0.0.1:9/a.png'><style>h1{display:none}</style>"
    file.write_text(html_page(made["finished"]).replace("</main>", f"{bad}</main>"), encoding="utf-8")
    await page.goto(file.as_uri())
    assert "taken" not in await page.title()
    assert await page.locator("h1").is_visible()
    assert seen.requests == [file.as_uri()]


async def test_the_accessibility_tree_names_outcome_tables_and_pictures(
    page: Page, made: dict[str, RunState], tmp_path: Path
) -> None:
    await page.goto(written(tmp_path, made["qa-failed"]))
    tree = await page.locator("body").aria_snapshot()
    for part in (
        "- main:",
        '- heading "Can these models be served? Report on granite.base.yaml" [level=1]',
        '- region "Outcome"',
        "- strong: QA FAILED",
        '- navigation "Parts of this report"',
        'table "5 models: 3 GO, 1 NO-GO, 1 UNKNOWN"',
        f'- rowheader "{st.BIG}',
        '- columnheader "Each GPU needs"',
        '- img "Memory of one GPU, model 2"',
        '- img "Who lands on which GPUs"',
        '- table "QA by model"',
    ):
        assert part in tree, part
    await page.keyboard.press("Tab")
    assert await page.evaluate("document.activeElement.className") == "skip"
    await page.keyboard.press("Enter")
    await page.wait_for_url("**#outcome")


@pytest.mark.parametrize("cells", [1280, 390])
async def test_the_page_itself_never_scrolls_sideways(cells: int, page: Page, tmp_path: Path) -> None:
    long = {"run_id": "W" * 400, "path": f"/srv/{'W' * 300}.yaml"}
    for at, state in enumerate((hundred_read(), RunState(**long), states(tmp_path)["qa-failed"])):
        await page.set_viewport_size({"width": cells, "height": 800})
        await page.goto(written(tmp_path, state))
        assert await page.evaluate("document.documentElement.scrollWidth") <= cells, at
        await page.evaluate("document.querySelectorAll('details').forEach(e => e.open = true)")
        assert await page.evaluate("document.documentElement.scrollWidth") <= cells, at


@pytest.mark.parametrize("scheme", ["light", "dark", "print"])
async def test_every_text_stands_out(
    scheme: str, page: Page, made: dict[str, RunState], tmp_path: Path
) -> None:
    if scheme == "print":
        await page.emulate_media(media="print", color_scheme="dark")
    else:
        await page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    await page.goto(written(tmp_path, made["qa-failed"]))
    await page.evaluate("document.querySelectorAll('details').forEach(e => e.open = true)")
    found = await page.evaluate(_CONTRAST)
    assert found["looked"] > 300
    assert found["faint"] == []
    dark = await page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    assert (dark == "rgb(255, 255, 255)") is (scheme != "dark")


async def test_it_prints_whole(page: Page, browser: BrowserContext, tmp_path: Path) -> None:
    """On A4: no model and no folded fact is left out, and nothing is wider than the paper."""
    state = hundred_read()
    await page.goto(written(tmp_path, state))
    await page.evaluate("document.querySelector('details[open]').open = false")
    assert await page.evaluate(_UNSEEN, [state.models[1].car.name]) == []  # named in other tables, too
    assert not await page.locator("table.facts").first.is_visible()
    await page.emulate_media(media="print")
    await page.set_viewport_size({"width": 703, "height": 1000})  # A4 less the margins of the style sheet
    assert await page.evaluate(_UNSEEN, [model.car.name for model in state.models]) == []
    assert await page.locator("table.facts").first.is_visible()
    assert await page.evaluate("document.documentElement.scrollWidth") <= 703
    paper = await page.pdf(prefer_css_page_size=True)
    assert paper.startswith(b"%PDF-")
    assert paper.count(b"/Type /Page\n") + paper.count(b"/Type /Page ") > 20
