"""What a model would have read first: at most four facts that it chose, in the program's words, once."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from modelcar_tui.qa import QaOutcome
from modelcar_tui.report.text import plain
from modelcar_tui.supervisor import events as e
from modelcar_tui.supervisor.journal import read_journal
from modelcar_tui.supervisor.state import fold, reduce
from support.llm_server import LlmServer
from support.played import Seen, played

Go = Callable[..., Any]
G = "granite-3.1-8b-instruct"


def first(*what: str) -> Callable[[dict[str, Any]], str]:
    def choose(seen: Seen) -> str:
        return json.dumps({"first": [one for name in what for one in seen.ids(name)], "changes": []})

    return played(choose)


async def test_it_is_told_once_after_the_decision_in_our_words(go: Go) -> None:
    with LlmServer(first("memory left for the KV cache", "free GPUs")) as server:
        supervisor, seen = await go(server, "ok")
    kinds = [type(stamped.event).__name__ for stamped in seen]
    assert kinds.count("ReadFirst") == 1 and kinds.index("ReadFirst") > kinds.index("DecisionMade")
    lines = supervisor.state.read_first
    assert lines[0].startswith(f"{G} is GO: ") and f"{G} leaves 24.45 GiB of a GPU for its KV cache." in lines
    assert "chosen by the language model" in plain(supervisor.state) and lines[1] in plain(supervisor.state)
    assert fold(read_journal(supervisor.folder / "journal.jsonl")).read_first == lines
    assert "ReadFirst" not in server.requests[0].text and G not in server.requests[0].text


async def test_ids_that_are_none_more_than_four_and_words_are_not_told(go: Go) -> None:
    for reply in ('{"first": ["f9999"]}', '{"first": "verdict"}', "It is GO, read this.", '{"first": []}'):
        with LlmServer(lambda asked, reply=reply: reply) as server:
            supervisor, _ = await go(server, "ok")
        assert supervisor.state.read_first == () and "read this" not in str(supervisor.state)
    with LlmServer(
        first(*["verdict", "weights and 10 %, all its GPUs together", "parameters", "quantization"] * 9)
    ) as server:
        supervisor, _ = await go(server, "ok")
    assert 1 <= len(supervisor.state.read_first) <= 5


async def test_it_holds_as_long_as_the_decision_does(go: Go) -> None:
    with LlmServer(first("verdict")) as server:
        supervisor, seen = await go(server, "ok")
    state = supervisor.state
    made = next(stamped for stamped in seen if isinstance(stamped.event, e.DecisionMade))
    assert state.read_first and reduce(state, made).read_first == ()
    failed = e.QaFinished(outcome=QaOutcome(code="QA_ERROR:CUDA_OOM", message="m"))
    assert reduce(state, e.Stamped(999, 1.0, failed)).read_first == ()
