"""Names, labels, logs and answers are hostile: whatever they hold, the page keeps its shape and shows it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from modelcar_tui.core.text import has_hidden
from modelcar_tui.report import html_page
from modelcar_tui.supervisor import Pane, RunState, fold
from modelcar_tui.supervisor import events as e
from pilot import states as st
from pilot import support as s
from support.pages import Page

PAYLOADS = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "` autofocus onfocus=alert(1) ",
    "</title></style></textarea><h1>",
    "</svg><svg/onload=alert(1)>",
    "</td></tr></table><form action=https://198.51.100.7>",
    "<a href='javascript:alert(1)'>x</a>",
    "{{ 7 * 7 }}{% raw %}{# x #}",
    "&lt;b&gt;&amp;#60;",
    "<!-- --!> <![CDATA[ ]]> <?xml ?>",
    "} body { background: url(https://198.51.100.7/a.png) } @import 'x'",
    "\N{RIGHT-TO-LEFT OVERRIDE}live\N{POP DIRECTIONAL FORMATTING}",
    "\x1b]52;c;eA==\x07\x1b[2J\x00\x85\x9b31m",
    "\N{ZERO WIDTH SPACE}\N{SOFT HYPHEN}\ufeff",
    "line\nline\r\nline\u2028line",
    "\ud800",
    "\u0645\u0631\u062d\u0628\u0627",
    "W" * 3000,
)
OUTSIDE = frozenset(
    {
        *(
            "name",
            "model",
            "node",
            "nodes",
            "image",
            "path",
            "base",
            "target",
            "why",
            "reason",
            "settle",
            "text",
        ),
        *("server", "user", "version", "product", "note", "notes", "what", "fix", "where", "message", "line"),
        *(
            "means",
            "question",
            "host",
            "shares",
            "detail",
            "summary",
            "lines",
            "label",
            "who",
            "kept",
            "old",
            "new",
        ),
        *(
            "run_id",
            "container",
            "log",
            "reference",
            "leftovers",
            "digest",
            "title",
            "instance_type",
            "problem",
        ),
        *(
            "vllm",
            "openshift",
            "ai",
            "kserve",
            "together",
            "missing",
            "comparison",
            "why_with_changes",
            "copy",
        ),
    }
)
"""Fields whose text comes from outside, or holds such text."""


def poisoned(value: Any, payload: str, field: str = "") -> Any:
    """The same with the payload before every text from outside, so that equal names stay equal."""
    if isinstance(value, Pane):
        # A pane is found by its name, which is ours.
        return msgspec.structs.replace(_fields(value, payload), name=value.name)
    if isinstance(value, msgspec.Struct):
        return _fields(value, payload)
    if isinstance(value, tuple | list):
        return type(value)(poisoned(one, payload, field) for one in value)
    return payload + value if type(value) is str and value and field in OUTSIDE else value


def _fields(value: msgspec.Struct, payload: str) -> Any:
    names = value.__struct_fields__
    found = {name: poisoned(getattr(value, name), payload, name) for name in names}
    if "lines" in found and "header" in names:  # of a hunk: its first sign says what it is
        found["lines"] = tuple(line[:1] + payload + line[1:] for line in value.lines)  # type: ignore[attr-defined]
    return msgspec.structs.replace(value, **found)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> RunState:
    """A run that fills every part of the page."""
    joined = e.LanguageModelJoined(model="gemini:flash", host="gemini.example.com", shares=("names",))
    asked = e.QuestionAnswered(id="1", question="why?", text="It has no room.", by="model")
    events = [
        *st.qa_failed(tmp_path_factory.mktemp("hostile")),
        joined,
        asked,
        e.Noticed(text="the disk is full"),
    ]
    state = fold(s.stamp(events))
    assert state.qa.outcome is not None
    outcome = msgspec.structs.replace(state.qa.outcome, leftovers=("pod/a",), log_line=7)
    return msgspec.structs.replace(state, qa=msgspec.structs.replace(state.qa, outcome=outcome))


@pytest.mark.parametrize("payload", PAYLOADS, ids=range(len(PAYLOADS)))
def test_no_text_becomes_a_tag_an_attribute_or_a_style(payload: str, whole: RunState) -> None:
    # An answer has several lines, each of which is a paragraph; no other text has any.
    plain = html_page(poisoned(whole, "x" + "\n" * payload.count("\n")))
    text = html_page(poisoned(whole, payload))
    harmless, page = Page(plain), Page(text)
    assert page.tags == harmless.tags
    assert not page.unbalanced
    assert not page.other
    assert (
        text.partition("<style>")[2].partition("</style>")[0]
        == plain.partition("<style>")[2].partition("</style>")[0]
    )
    assert not [part for part in text.split("\n") if has_hidden(part)]
    text.encode()


def test_the_text_is_shown_as_it_is(whole: RunState) -> None:
    payload = "<script>alert(1)</script>\N{RIGHT-TO-LEFT OVERRIDE}"
    page = Page(html_page(poisoned(whole, payload)))
    shown = "<script>alert(1)</script><U+202E>"
    assert f"{shown}granite-3.1-8b-instruct" in page.text
    assert f"{shown}why?" in page.text
    assert f"{shown}pod/a" in page.text
    assert "\N{RIGHT-TO-LEFT OVERRIDE}" not in page.text


def test_what_has_the_shape_of_a_secret_is_masked(whole: RunState) -> None:
    token = "sha256~" + "Zk3uQ9xT7mB2vL5nR8wY1cD4fG6hJ0aSpEoIiUuWq_E"
    text = html_page(poisoned(whole, f"token {token} "))
    assert token not in text
    assert "granite-3.1-8b-instruct" in text


def test_a_path_in_the_title_is_a_name_alone() -> None:
    state = RunState(path=str(Path("/srv/models") / "<b>a.yaml"))
    assert "<title>NOT FINISHED: &lt;b&gt;a.yaml</title>" in html_page(state)
