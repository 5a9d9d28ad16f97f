"""The terminal that a browser shows: its rows, and keys for it."""

from __future__ import annotations

import asyncio
import re

from playwright.async_api import Page

from support.browsing import Seen

HOOK = """
Object.defineProperty(Object.prototype, "terminal", {
  configurable: true,
  set(made) {
    Object.defineProperty(this, "terminal", { value: made, writable: true, configurable: true });
    if (made && made.buffer) window.shownTerminal = made;
  },
});
"""
"""Keeps hold of the terminal that textual.js makes, whose screen is a canvas."""
ROWS = """() => {
  const terminal = window.shownTerminal;
  if (!terminal) return "";
  const rows = [];
  for (let y = 0; y < terminal.rows; y++) {
    rows.push(terminal.buffer.active.getLine(y + terminal.buffer.active.viewportY)?.translateToString(true));
  }
  return rows.join("\\n");
}"""
KEYS = ".xterm-helper-textarea"


async def rows(page: Page) -> str:
    """What the terminal shows."""
    return str(await page.evaluate(ROWS))


async def shows(page: Page, words: str, *, within_s: float = 60) -> str:
    """The rows as soon as `words` (an expression) stand in them."""
    shown = ""
    async with asyncio.timeout(within_s):
        try:
            while not re.search(words, shown := await rows(page)):
                await page.wait_for_timeout(50)
        except asyncio.CancelledError:
            raise AssertionError(f"{words!r} is not in:\n{shown}") from None
    return shown


async def press_until(page: Page, keys: str, words: str, *, gone: bool = False, within_s: float = 60) -> str:
    """Press keys, again each half second, until `words` stand in the rows, or no more: screens are deaf at
    first."""
    shown = ""
    async with asyncio.timeout(within_s):
        try:
            while True:
                for key in keys:
                    await page.keyboard.press(key)
                for _ in range(10):
                    shown = await rows(page)
                    if bool(re.search(words, shown)) is not gone:
                        return shown
                    await page.wait_for_timeout(50)
        except asyncio.CancelledError:
            raise AssertionError(f"{words!r} {'is still' if gone else 'is not'} in:\n{shown}") from None


def faults(seen: Seen) -> list[str]:
    """What the browser complained of; textual.js tells of its pings and its socket's end."""
    return [line for line in seen.told if line != "CLOSED" and not line.startswith("ping=")]
