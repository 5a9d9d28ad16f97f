"""No screen says what is not said."""

from __future__ import annotations

import pytest

from pilot import support as s
from support.words import faults

KEYS = ("1", "2", "3", "g", "g b", "o", "a", "d", "1 question_mark", "3 question_mark", "g question_mark")
"""What is pressed on the dashboard; each leads to another screen."""


@pytest.mark.parametrize("keys", KEYS)
async def test_no_screen_says_what_is_not_said(keys: str) -> None:
    async with s.dashboard(s.FakeEngine(s.decided()), (200, 60)) as (app, pilot):
        await pilot.press(*keys.split())
        await s.wait_for(pilot, lambda: len(set(s.screen_text(app))) > 5, "the screen is drawn")
        assert not [fault for line in s.screen_text(app) for fault in faults(line)]
