"""A server of the page in a process of its own, and the terminal that its browser shows."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from playwright.async_api import Page

from support.browsing import Seen

SAMPLE = Path(__file__).parents[2] / "config-yaml" / "sample_modelcar_config.base.yaml"
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


class Served:
    """A running `modelcar-tui --web`."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.lines: list[str] = []

    async def address(self) -> str:
        """The next address that it prints."""
        assert self.process.stderr is not None
        while line := (await self.process.stderr.readline()).decode():
            self.lines.append(line)
            if found := re.match(r"http://127\.0\.0\.1:\d+/\?token=\S+", line):
                return found[0]
        raise AssertionError(f"no address: {self.lines}")


@asynccontextmanager
async def served(*options: str, **environ: str) -> AsyncIterator[Served]:
    """A server at a free port, for the time of the block."""
    words = (sys.executable, "-m", "modelcar_tui.cli", "--web", "--web-port=0", *options)
    process = await asyncio.create_subprocess_exec(
        *words,
        stdin=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, **environ},
    )
    try:
        yield Served(process)
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        await asyncio.wait_for(process.wait(), 30)


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
