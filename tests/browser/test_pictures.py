"""Pictures of screens in a real browser: columns stay columns, and nothing is asked for."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import Page

from support.browsing import Seen

pytestmark = pytest.mark.asyncio(loop_scope="session")

FOLDER = Path(__file__).parents[2] / "docs" / "pictures"
QUARTER = 2.5
"""Of a cell, in units of the picture: what a letter may stand out of its cells."""
MEASURE = """() => [...document.querySelectorAll("text")].map(one => [
    one.textContent, Number(one.getAttribute("textLength")), one.getBBox().x - one.getAttribute("x"),
    one.getBBox().width,
])"""


async def test_every_piece_is_at_its_cells_and_nothing_is_asked_for(page: Page, seen: Seen) -> None:
    pictures = sorted(FOLDER.glob("*.svg"))
    assert pictures
    for picture in pictures:
        await page.goto(picture.as_uri())
        pieces = await page.evaluate(MEASURE)
        assert len(pieces) > 40
        odd = [one for one in pieces if abs(one[2]) > QUARTER or (one[1] and abs(one[1] - one[3]) > QUARTER)]
        assert not odd, picture.name
    assert len(seen.requests) == len(pictures) and not seen.left_loopback and not seen.told
