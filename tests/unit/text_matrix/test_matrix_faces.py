"""A journal that somebody sent, hostile in every text, through every face of a run."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
from markdown_it import MarkdownIt
from mcp import Client

from modelcar_tui.mcp import Asking
from modelcar_tui.mcp.serving import make_server
from modelcar_tui.report import FORMS
from modelcar_tui.report.escaping import CUT
from modelcar_tui.supervisor import Settings
from modelcar_tui.tui import SCREENS
from pilot.states import STATES
from support.drawn import rows
from support.hostile_text import GROUPS, faults, payload, shape_faults
from support.in_process import harm, harmed, said
from support.pages import Page
from support.reporting import hostile, stamped

ID = "20261009-080000-abcdef"
NUL = "a\x00P"
"""Stands in no argument and in no name of a file, but in a journal it may."""
KINDS = (*GROUPS, "nul")
STATE = ("--state-dir", "state")
FORMS_OF_A_RUN = ("text", "json", "jsonl")
LINES = {
    **{f"report {form}": ("report", "last", "--format", form) for form in FORMS},
    **{f"replay {form}": ("--replay", "last", "--format", form) for form in FORMS_OF_A_RUN},
    "runs": ("runs",),
    "ask": ("ask", "last", "why?", "--no-llm"),
    "ask json": ("ask", "last", "why?", "--no-llm", "--format", "json"),
    "facts": ("ask", "last", "--show-facts", "--no-llm"),
    "what-if": ("ask", "last", "--what-if", "model=granite-3.1-8b-instruct", "--max-model-len", "1024"),
    "cleanup": ("cleanup", "last"),
}


def plant(tmp_path: Path, text: str) -> None:
    """A run's journal with `text` behind each text of its events."""
    folder = tmp_path / "state" / "runs" / ID
    folder.mkdir(parents=True)
    (tmp_path / "state").chmod(0o700)
    events = [hostile(one, text) for one in stamped(STATES["qa-failed"][0](folder))]
    # As a hostile hand writes it: what is no UTF-8 as escapes.
    lines = [f"{json.dumps(msgspec.to_builtins(one))}\n" for one in events]
    (folder / "journal.jsonl").write_text("".join(lines))
    (folder / "settings.json").write_bytes(msgspec.json.encode(Settings(manifest="m.yaml")))


@pytest.fixture(params=KINDS)
def run(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A hostile run, which is `last` in the folder of state; what stands in it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "nonesuch"))
    text = NUL if request.param == "nul" else payload(request.param)
    plant(tmp_path, text)
    return text


def test_no_command_passes_anything_on(run: str) -> None:
    found = []
    for name, words in LINES.items():
        status, out, err = said([*words, *STATE])
        found += [f"{name}: {one}" for one in harmed(status, out, err)]
        found += [f"{name}: {one}" for one in shape_faults(name.split()[-1], out.decode()) if out]
        if name == "report html":
            found += [f"{name}: {one}" for one in page_faults(out.decode())]
        elif name == "report md":
            found += [f"{name}: {one}" for one in document_faults(out.decode())]
    found += harm(["--replay", "last", "--headless", *STATE], "modelcar-tui")
    assert not found, "\n".join(found)


def page_faults(text: str) -> list[str]:
    """What in a page can only come from a text: a comment, a tag left open, an event, an address."""
    page = Page(text)
    found = [*page.other, *page.unbalanced]
    for tag in page.tags:
        for name, value in tag.attributes:
            leads = re.match(r"(?i)\s*(?:[a-z]+:|//)", value or "") is not None
            if name.startswith("on") or (name in ("href", "src", "action", "srcset", "style") and leads):
                found.append(str(tag))
    return found


def document_faults(text: str) -> list[str]:
    """What in a Markdown document can only come from a text, as GitHub reads it."""
    reader = MarkdownIt("gfm-like")
    assert reader.linkify is not None
    reader.linkify.set({"fuzzy_link": False, "fuzzy_email": True})
    tokens = [one for token in reader.parse(text) for one in (token, *(token.children or ()))]
    found = [f"{one.type} {one.attrs} {one.content}" for one in tokens if one.type in ("link_open", "image")]
    ours = {"<details>", "<summary>", "</summary>", "</details>", CUT, "<!-- modelcar-tui report -->"}
    for one in tokens:
        if one.type in ("html_block", "html_inline"):
            found += [tag for tag in re.findall(r"<[^>]*>", one.content) if tag not in ours]
    return found


@pytest.mark.parametrize("screen", SCREENS)
def test_no_picture_of_a_screen_passes_anything_on(
    screen: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    plant(tmp_path, " ".join([NUL, *(payload(one) for one in GROUPS if one not in ("long", "bytes"))]))
    words = ["--replay", "last", "--picture", "screen.svg", "--screen", screen, *STATE]
    assert not harm(words, "modelcar-tui")
    if (file := Path("screen.svg")).exists():
        assert not faults(file.read_bytes())
        assert rows(file.read_text())


async def test_no_answer_of_mcp_passes_anything_on(run: str, tmp_path: Path) -> None:
    server = make_server(Asking(roots=(str(tmp_path),), state_dir=str(tmp_path / "state")))
    asked: dict[str, dict[str, Any]] = {
        "runs": {},
        "run": {"run": "last"},
        "lint": {"text": run},
        "estimate": {"source": run[:200], "gpu": run[:60]},
    }
    async with Client(server, read_timeout_seconds=30) as client:
        names = [one.name for one in (await client.list_tools()).tools]
        for name in names:
            given = next((value for key, value in asked.items() if key in name), {})
            told = await client.call_tool(name, given)
            assert not faults(told.model_dump_json().encode()), name
