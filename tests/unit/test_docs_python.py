"""The examples of docs/python.md, as they stand there: each runs, prints what the page says, and is typed.

Run as a program it writes what they print into the page.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

import modelcar_tui

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/python.md"
_BLOCK = re.compile(r"^```python\n(.*?)^```\n\n```text\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_TITLE = re.compile(r"^## (.+)$", re.MULTILINE)


def examples() -> list[tuple[str, str, str]]:
    """Heading, code and output of each."""
    text = PAGE.read_text()
    return [
        (_TITLE.findall(text[: found.start()])[-1], found[1], found[2]) for found in _BLOCK.finditer(text)
    ]


def printed(code: str, folder: Path) -> str:
    """What a fresh interpreter prints, in a folder with nothing in it."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "LD_LIBRARY_PATH") if name in os.environ}
    own = {
        "HOME": str(folder),
        "PYTHONPATH": str(ROOT / "src"),
        "MODELCAR_TUI_STATE_DIR": str(folder / "state"),
    }
    done = subprocess.run(
        [sys.executable, "-W", "error::RuntimeWarning", "-c", code],
        cwd=folder,
        env={**kept, **own},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.mark.parametrize(("title", "code", "output"), examples(), ids=[title for title, _, _ in examples()])
def test_an_example_prints_what_the_page_says(title: str, code: str, output: str, tmp_path: Path) -> None:
    assert printed(code, tmp_path) == output


def test_every_example_is_complete_and_has_its_output() -> None:
    assert PAGE.read_text().count("```python") == len(examples()) >= 8


def test_the_page_names_all_that_can_be_imported() -> None:
    text = PAGE.read_text()
    assert [name for name in modelcar_tui.__all__ if name not in text and name != "__version__"] == []


def test_all_examples_are_typed(tmp_path: Path) -> None:
    files = []
    for number, (_, code, _) in enumerate(examples()):
        files.append(tmp_path / f"example_{number}.py")
        files[-1].write_text(code)
    words = ["--strict", f"--config-file={ROOT / 'pyproject.toml'}", f"--cache-dir={ROOT / '.mypy_cache'}"]
    done = subprocess.run(
        [sys.executable, "-m", "mypy", *words, *map(str, files)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def write_outputs() -> None:
    """Run every example and write what it prints below it."""

    def ran(found: re.Match[str]) -> str:
        with tempfile.TemporaryDirectory() as folder:
            return f"```python\n{found[1]}```\n\n```text\n{printed(found[1], Path(folder))}```"

    PAGE.write_text(_BLOCK.sub(ran, PAGE.read_text()))


if __name__ == "__main__":
    write_outputs()
