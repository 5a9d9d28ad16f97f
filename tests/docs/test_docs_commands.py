"""Every command of README and docs is run as an operator would type it, or the page says why it is not.

A comment right before a block says how:

    <!-- not run: needs a cluster -->   its options and commands are checked, see test_docs_words.py
    <!-- status: 1, 0 -->               how its commands end, one number each; without it all end with 0
    <!-- output -->                     what the block before prints on stdout; ... stands for anything
    <!-- file: NAME -->                 the block is a file, which the commands after it find

One page's blocks are run one after another in one folder: a later one finds what an earlier one wrote.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from doc_pages import Block, bash_takes, blocks, pages, shell_blocks
from doc_runs import Ran, alike, furnish, home_of, run_block


def run_here(block: Block) -> bool:
    """Commands; and the README's Python: that of docs/python.md has a test of its own."""
    python = block.language == "python" and block.page == "README.md"
    return (block.language == "shell" or python) and block.note != "not run"


def as_commands(block: Block) -> str:
    if block.language == "shell":
        return block.text
    return f"{sys.executable} - <<'END'\n{block.text}END\n"


RUN = sorted({block.page for block in shell_blocks() if run_here(block)})


def expected(block: Block, ran: list[Ran]) -> list[int]:
    told = [int(word) for word in re.findall(r"\d+", block.told)] if block.note == "status" else []
    return told * len(ran) if len(told) == 1 else told or [0] * len(ran)


@pytest.mark.parametrize("page", RUN)
def test_the_commands_of_a_page_end_and_print_as_it_says(page: str, tmp_path: Path) -> None:
    environment = furnish(tmp_path / "work")
    wrong: list[str] = []
    ran: list[Ran] = []
    for block in blocks(page):
        if block.note == "file":
            (tmp_path / "work" / block.told).write_text(block.text)
        if run_here(block):
            ran = run_block(as_commands(block), tmp_path / "work", environment)
            for one, status in zip(ran, expected(block, ran), strict=True):
                if one.status != status or "Traceback" in one.err:
                    ended = f"ended with {one.status}, not {status}"
                    wrong.append(f"{block.place}: {one.text}\n{ended}: {one.err[-1500:]}")
        elif block.note == "output":
            told = "".join(one.out for one in ran).replace(home_of(environment), "~/")
            if not alike(block.text, told):
                wrong.append(f"{block.place}: shown is not what was told:\n{told}")
    assert not wrong, "\n".join(wrong)


def test_a_block_that_is_not_run_says_why() -> None:
    silent = [block.place for block in shell_blocks() if block.note == "not run" and len(block.told) < 8]
    assert silent == []


def test_every_block_of_commands_is_something_that_bash_can_parse() -> None:
    forms = re.compile(r"\[-|\.\.\.|\||<")  # what stands for a choice or for more is no command yet
    wrong = [
        block.place
        for block in shell_blocks()
        if not bash_takes(block.text) and not (block.note == "not run" and forms.search(block.text))
    ]
    assert wrong == []


def test_every_note_belongs_to_a_block() -> None:
    """A note that stands before no block would be heard by nobody."""
    for page, text in pages().items():
        notes = len(re.findall(r"^<!--\s*(?:not run|status|output|file)\b", text, re.MULTILINE))
        assert notes == sum(bool(block.note) for block in blocks(page)), page


@pytest.mark.parametrize(
    ("shown", "told", "same"),
    [
        ("a\n...\nd\n", "a\nb\nc\nd\n", True),
        ("run folder: ...\n", "run folder: /x/y\n", True),
        ("a\n", "a\nb\n", False),
        ("GO (1.2)\n", "GO (192)\n", False),
    ],
)
def test_dots_stand_for_anything_and_nothing_else_does(shown: str, told: str, same: bool) -> None:
    assert alike(shown, told) is same


def test_a_fork_of_a_loaded_interpreter_answers_as_a_process_of_its_own(tmp_path: Path) -> None:
    """Folder, variables, streams, pipes and status: `doc_server` is there for the time alone."""
    environment = furnish(tmp_path / "work")
    text = """\
PROGRAM lint nothing.yaml
(cd model && MODELCAR_TUI_THEME=odd PROGRAM config --check)
cat file.yaml | PROGRAM lint /dev/stdin --format json | head -c 40
PROGRAM estimate model/config.json --gpu L40S --vllm 0.18.0
"""
    forked = run_block(text.replace("PROGRAM", "agent"), tmp_path / "work", environment)
    alone = run_block(
        text.replace("PROGRAM", f"{sys.executable} -m modelcar_tui.agent"), tmp_path / "work", environment
    )
    assert [one[1:] for one in forked] == [one[1:] for one in alone]
    assert [one.status for one in forked][:2] == [2, 2] and forked[1].err


def test_no_page_reaches_out_or_changes_this_machine(tmp_path: Path) -> None:
    environment = furnish(tmp_path / "work")
    ran = run_block("pip install x\nsudo true\noc whoami\necho done\n", tmp_path / "work", environment)
    assert [one.status for one in ran] == [97, 97, 97, 0]
    assert "say why before the block" in ran[0].err and ran[-1].out == "done\n"
