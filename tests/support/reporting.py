"""States of runs for the tests of reports: those that the dashboard's tests look at, and hostile ones."""

from __future__ import annotations

import re
import time
from enum import Enum
from pathlib import Path
from typing import Any

import msgspec

from modelcar_tui.qa.types import QaMeasured
from modelcar_tui.supervisor import events as e
from modelcar_tui.supervisor.state import RunState, fold
from pilot.states import STATES

HOSTILE = {
    "tag": "<script>alert(1)</script>",
    "picture": "<img src=x onerror=alert(1)>",
    "attribute": "\" onmouseover='x' a=\"",
    "link": "[click](https://evil.example/x)",
    "image": "![x](https://evil.example/x.png)",
    "bare address": "see https://evil.example/login or www.evil.example",
    "autolink": "<https://evil.example>",
    "reference": "[x][1] ][ [1]: https://evil.example",
    "e-mail": "a@evil.example and @everyone",
    "issue": "#12 o/r#12 GH-12 !34 %5 ^alert#1 &6",
    "smiley": ":smile: :+1: :100:",
    "heading": "# GO",
    "setext": "===",
    "rule": "---",
    "list": "- [x] 1. item",
    "number": "1. item",
    "quote": "> said",
    "cell": "a | b || c",
    "code": "a ` b `` c ``` d ~~~",
    "emphasis": "*a* _b_ **c** __d__ ~~e~~",
    "entity": "&lt;b&gt; &#35; &amp;",
    "backslash": "a\\",
    "lines": "a\n\n# GO\n\n```\n<b>\n",
    "carriage": "a\rb\u2028c\u0085d",
    "comment": "--> ]]> <!-- modelcar-tui report -->",
    "cdata": "]]></failure><failure/>",
    "control": "a\x00b\x1b[2Jc\x08\ufffe\uffff",
    "bidi": "a\u202egnp.exe\u2066\u200b",
    "surrogate": "a\ud800b",
    "formula": "$x$ $$y$$",
    "template": "{{ 7*7 }} {% x %} ${x}",
}
_OURS = re.compile(
    "status|severity|origin|phase|by|what|name|code|operation|verdict|url|sha256|id|"
    "plan_digest|accepted|rejected"
)
"""Fields by whose words the product decides; no text from outside stands in them as it came."""


def state_of(name: str, folder: Path) -> RunState:
    """The state of one of `STATES`; `folder` takes its files."""
    make, _ = STATES[name]
    return told(make(folder))


def told(events: list[e.AnyEvent]) -> RunState:
    """The state after these events."""
    return fold(stamped(events))


def stamped(events: list[e.AnyEvent]) -> list[e.Stamped]:
    """The events with numbers and times, as a journal has them."""
    begin = time.mktime((2026, 10, 9, 8, 0, 0, 0, 0, 0))
    return [e.Stamped(at + 1, begin + at, event) for at, event in enumerate(events)]


def rich(folder: Path) -> RunState:
    """A run with a failed QA, figures, a note and a question: something for each part of a report."""
    state = state_of("qa-failed", folder)
    assert state.qa.outcome is not None
    figure = QaMeasured(model="m", what="weights_gib", value=15.27, line="l", predicted=15.19)
    outcome = msgspec.structs.replace(state.qa.outcome, measured=(figure,))
    asked = e.QuestionAnswered(id="q", question="why?", text="because", by="model", calls=1, tokens=9)
    return msgspec.structs.replace(
        state,
        qa=msgspec.structs.replace(state.qa, outcome=outcome),
        notices=(e.Noticed(text="look at this"),),
        answers=(asked,),
    )


def hostile(state: RunState, payload: str) -> RunState:
    """The same run with `payload` behind each text that may come from outside."""
    changed: RunState = _with(state, payload)
    return changed


def _with(value: Any, payload: str, field: str = "") -> Any:
    if isinstance(value, msgspec.Struct):
        own = {name: _with(getattr(value, name), payload, name) for name in value.__struct_fields__}
        return msgspec.structs.replace(value, **own)
    if isinstance(value, tuple):
        return tuple(_with(one, payload, field) for one in value)
    if isinstance(value, dict):
        return {key: _with(one, payload, str(key)) for key, one in value.items()}
    if type(value) is str and not isinstance(value, Enum) and value and not _OURS.fullmatch(field):
        return value + " " + payload
    return value
