"""What terminals of few colours, other charsets and odd environments are sent."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from terminal import Terminal

BIN = Path(sys.executable).parent
MANIFEST = """\
model-car:
  - name: granite-3.1-8b-instruct
    image: oci://127.0.0.1:9/rhelai1/modelcar-granite-3-1-8b-instruct:1.5
    serving_arguments: {gpu_count: 1, args: [--max-model-len=2048]}
  - name: llama-3.3-70b-instruct
    image: oci://127.0.0.1:9/rhelai1/modelcar-llama-3-3-70b-instruct:1.5
    serving_arguments: {gpu_count: 1, args: [--max-model-len=2048]}
  - name: nobody-knows-this
    image: oci://127.0.0.1:9/rhelai1/nobody-knows-this:1.5
    serving_arguments: {gpu_count: 1}
"""
"""One GO, one NO-GO, one UNKNOWN on 4 L40S."""
WORDS = {"GO": "✓", "NO-GO": "✗", "UNKNOWN": "?"}
TONES = {"GO": "green", "NO-GO": "red", "UNKNOWN": "brown"}
"""pyte calls colour 3 brown."""


def command(tmp_path: Path, *more: str, text: str = MANIFEST) -> list[str]:
    path = tmp_path / "m.base.yaml"
    path.write_text(text)
    state = ["--state-dir", str(tmp_path / "state")]
    return [str(BIN / "modelcar-tui"), str(path), "--gpu", "L40S:4", "--no-llm", *state, *more]


def judged(terminal: Terminal) -> None:
    """Wait for the summary, which comes by itself, whole."""
    terminal.wait_for(lambda text: re.search(r"Summary.*Esc back", text, re.DOTALL) is not None)


def looks(terminal: Terminal, row: int, word: str, at: int | None = None) -> set[tuple[str, bool]]:
    """Colour, and whether reversed, of the cells of a word of a row, at a column or where it comes first."""
    first = terminal.screen.display[row].index(word) if at is None else at
    cells = (terminal.screen.buffer[row][first + i] for i in range(len(word)))
    return {(cell.fg, cell.reverse) for cell in cells}


@pytest.mark.parametrize("term", ["xterm", "linux", "screen"])
def test_verdicts_differ_as_block_and_in_tables_on_sixteen_colours(tmp_path: Path, term: str) -> None:
    with Terminal(command(tmp_path), columns=120, rows=40, env={"TERM": term}) as terminal:
        judged(terminal)
        found, blocks = {}, set()
        for number, row in enumerate(terminal.screen.display):
            if (match := re.search(r"│ (NO-GO|GO|UNKNOWN) +[✗✓?]  [a-z]", row)) and "vs GPU" in row:
                found[match[1]] = looks(terminal, number, match[1], match.start(1))
            if re.search(r"│  NO-GO ✗ +│", row):
                blocks |= looks(terminal, number, "NO-GO ✗")
        assert found == {word: {(tone, False)} for word, tone in TONES.items()}
        assert blocks == {("red", True)}
        assert not re.search(rb"\x1b\[[\d;]*[34]8;[25];", bytes(terminal.sent))


@pytest.mark.parametrize(
    ("model", "word"), [("granite-3.1-8b-instruct", "GO"), ("nobody-knows-this", "UNKNOWN")]
)
def test_each_verdict_has_its_block_on_sixteen_colours(tmp_path: Path, model: str, word: str) -> None:
    text = f"model-car:\n  - name: {model}\n    image: oci://127.0.0.1:9/x/{model}:1\n"
    text += "    serving_arguments: {gpu_count: 1, args: [--max-model-len=2048]}\n"
    with Terminal(command(tmp_path, "--no-qa", text=text), env={"TERM": "xterm"}) as terminal:
        judged(terminal)
        (row,) = (
            n for n, text in enumerate(terminal.screen.display) if re.match(r"[^│]*│  [A-Z-]+.* [✓?] ", text)
        )
        assert looks(terminal, row, word) == {(TONES[word], True)}


def test_colours_that_were_asked_for_are_sent_to_any_terminal(tmp_path: Path) -> None:
    with Terminal(command(tmp_path, "--theme", "dark"), env={"TERM": "xterm"}) as terminal:
        terminal.wait_for("NO-GO")
        terminal.quiet(0.3)
        sent = bytes(terminal.sent)
        assert re.search(rb"\x1b\[[\d;]*97mNO-GO", sent)  # dark's block, as Rich puts it in sixteen colours


def test_no_color_wins_over_few_colours(tmp_path: Path) -> None:
    env = {"TERM": "xterm", "NO_COLOR": "1"}
    with Terminal(command(tmp_path), env=env) as terminal:
        terminal.wait_for("NO-GO")
        terminal.quiet(0.3)
        told = re.findall(rb"\x1b\[([\d;]+)m", bytes(terminal.sent))
        colours = {code for one in told for code in one.split(b";")} - {
            b"0",
            b"1",
            b"2",
            b"4",
            b"7",
            b"22",
            b"24",
            b"27",
            b"39",
            b"49",
        }
        assert not colours


LOCALES = [
    ({"LC_ALL": "", "LC_CTYPE": "", "LANG": ""}, True),
    ({"LC_ALL": "C"}, True),
    ({"LC_ALL": "", "LC_CTYPE": "", "LANG": "POSIX"}, True),
    ({"LC_ALL": "", "LC_CTYPE": "", "LANG": "C", "PYTHONUTF8": "1"}, True),
    ({"LC_ALL": "de_DE.ISO-8859-1", "LANG": "de_DE.UTF-8"}, True),
    ({"LC_ALL": "", "LC_CTYPE": "de_DE.UTF-8", "LANG": "C"}, False),
    ({"LC_ALL": "C.utf8"}, False),
]


@pytest.mark.parametrize(("env", "plain"), LOCALES, ids=str)
def test_signs_follow_the_charset_of_the_locale(tmp_path: Path, env: dict[str, str], plain: bool) -> None:
    with Terminal(command(tmp_path), env=env) as terminal:
        terminal.wait_for("NO-GO")
        terminal.quiet(0.3)
        assert bytes(terminal.sent).isascii() == plain
        assert ("NO-GO x" if plain else "NO-GO ✗") in terminal.text


@pytest.mark.parametrize(
    ("option", "locale", "plain"), [("--ascii", "C.UTF-8", True), ("--no-ascii", "C", False)]
)
def test_an_option_says_more_than_the_locale(tmp_path: Path, option: str, locale: str, plain: bool) -> None:
    with Terminal(command(tmp_path, option), env={"LC_ALL": locale}) as terminal:
        terminal.wait_for("NO-GO x" if plain else "NO-GO ✗")
        terminal.quiet(0.3)
        assert bytes(terminal.sent).isascii() == plain


def test_the_terminals_size_counts_not_that_of_the_environment(tmp_path: Path) -> None:
    with Terminal(command(tmp_path), env={"COLUMNS": "20", "LINES": "5"}) as terminal:
        judged(terminal)
        terminal.quiet(0.3)
        rows = terminal.screen.display
        assert max(len(row.rstrip()) for row in rows) > 70
        assert rows[23].strip()  # the footer, or the summary's frame, is in the last of 24 rows
