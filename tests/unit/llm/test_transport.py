"""What goes to a service and what comes back: limits, odd streams, schemas, lists of models."""

from __future__ import annotations

import asyncio
import gzip
import json
import re
import sys
import zlib
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack
from typing import Any

import httpx
import pytest
from langchain_core.messages import HumanMessage

from modelcar_tui.core.bounded_body import MOST_BYTES, MOST_LINE, hooks
from modelcar_tui.core.secrets import Secret
from modelcar_tui.supervisor.llm import offered
from modelcar_tui.supervisor.llm.client import Client, Limits, Reply, Use
from modelcar_tui.supervisor.llm.config import choose_model
from modelcar_tui.supervisor.llm.failures import Failure, ModelError
from modelcar_tui.supervisor.llm.provider import build
from support.llm_server import LlmServer, _gemini, _openai

KEY = "test-key-0123456789abcdef"
SAID = "It is GO — the KV cache holds it."
LIMITS = Limits(first_s=5.0, total_s=8.0)
HEAD = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: text/event-stream\r\n"
SCHEMA = {
    "type": "object",
    "properties": {"say": {"type": "array", "items": {"type": "string", "enum": ["f1", "f2"]}}},
    "required": ["say"],
    "additionalProperties": False,
}
both = pytest.mark.parametrize("dialect", ["gemini", "openai"])


def client_of(server: LlmServer, scenario: str = "ok", used: list[Use] | None = None) -> Client:
    choice = choose_model(f"{server.dialect}:{scenario}", server.url)
    return Client(build(choice, Secret(KEY)), on_use=(used if used is not None else []).append)


async def ask(server: LlmServer, scenario: str = "ok", **named: Any) -> Reply:
    return await client_of(server, scenario).ask([HumanMessage("why?")], LIMITS, **named)


def events(dialect: str, *texts: str) -> list[dict[str, Any]]:
    make = _gemini if dialect == "gemini" else _openai
    return [make(text, None, "stop" if text is texts[-1] else "") for text in texts]


def stream(dialect: str, *texts: str, between: str = "", end: str = "\n") -> bytes:
    """An event stream of these texts, with `between` in front of each."""
    lines = [
        f"{between}data: {json.dumps(event, ensure_ascii=False)}\n\n" for event in events(dialect, *texts)
    ]
    return "".join(lines).replace("\n", end).encode()


def sending(*parts: bytes, head: bytes = HEAD) -> Callable[[Any], None]:
    """Writes these parts, each of which arrives alone or with its neighbours."""

    def send(out: Any) -> None:
        for part in (head + b"\r\n", *parts):
            out.write(part)
            out.flush()

    return send


async def failure_of(server: LlmServer, raw: Callable[[Any], None]) -> ModelError:
    server.raw = raw
    with server, pytest.raises(ModelError) as caught:
        await ask(server)
    return caught.value


@both
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
async def test_fields_of_an_event_stream_besides_its_data_are_no_part_of_the_reply(
    dialect: str, end: str
) -> None:
    between = ": hello\n\nretry: 10\nevent: message\nid: 3\nid\n"
    body = stream(dialect, "It is GO ", "— the KV cache holds it.", between=between, end=end)
    server = LlmServer(dialect=dialect)
    server.raw = sending(*[body[at : at + 7] for at in range(0, len(body), 7)])
    with server:
        assert (await ask(server)).text == SAID


@pytest.mark.parametrize("cut", [1, 2, 3, 1000])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
async def test_lines_are_whole_wherever_they_are_cut(cut: int, end: str) -> None:
    lines = [
        ": é",
        "event: x",
        "data: é—",
        "id",
        "retry:1",
        "data:2",
        "",
        '"id": 3',
        "identity",
        "data: last",
    ]
    whole = end.join(lines).encode()

    class Cut(httpx.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            for at in range(0, len(whole), cut):
                yield whole[at : at + cut]

    answer = httpx.MockTransport(lambda request: httpx.Response(200, stream=Cut()))
    async with httpx.AsyncClient(transport=answer, event_hooks=hooks(only_data=True)) as client:
        told = (await client.get("http://x/")).text
    assert told.splitlines() == ["data: é—", "data: 2", "", '"id": 3', "identity", "data: last"]


async def test_data_without_a_blank_after_its_colon_is_read() -> None:
    server = LlmServer()
    server.raw = sending(stream("gemini", SAID).replace(b"data: ", b"data:"))
    with server:
        assert (await ask(server)).text == SAID


@both
@pytest.mark.parametrize(
    ("name", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress), ("identity", bytes)]
)
async def test_a_packed_reply_is_read_though_none_was_asked_for(
    dialect: str, name: str, pack: Callable[[bytes], bytes]
) -> None:
    server = LlmServer(dialect=dialect)
    server.raw = sending(pack(stream(dialect, SAID)), head=HEAD + f"Content-Encoding: {name}\r\n".encode())
    with server:
        assert (await ask(server)).text == SAID
    headers = {name.casefold(): value for name, value in server.requests[0].headers.items()}
    assert headers["accept-encoding"] == "identity"


@both
@pytest.mark.parametrize(
    ("name", "body"), [("br", b"\x0b\x02\x80"), ("gzip", b"no gzip"), ("gzip, gzip", b"")]
)
async def test_a_reply_that_can_t_be_unpacked_is_none(dialect: str, name: str, body: bytes) -> None:
    head = HEAD + f"Content-Encoding: {name}\r\n".encode()
    error = await failure_of(LlmServer(dialect=dialect), sending(body, head=head))
    assert error.failure is Failure.MALFORMED


def bomb(out: Any) -> None:
    """2 GB in 2 MB."""
    packer = zlib.compressobj(9, wbits=31)
    out.write(HEAD + b"Content-Encoding: gzip\r\n\r\n" + packer.compress(b"data: "))
    block = b"x" * (1 << 20)
    for _ in range(2000):
        out.write(packer.compress(block))
    out.write(packer.flush())


def endless_line(out: Any) -> None:
    out.write(HEAD + b"\r\ndata: ")
    for _ in range(400):
        out.write(b"x" * (1 << 20))


def many_lines(out: Any) -> None:
    out.write(HEAD + b"\r\n")
    for _ in range(400):
        out.write((b": " + b"x" * 1000 + b"\n") * 1000)


def crumbs(out: Any) -> None:
    """Comments, two bytes at a time."""
    out.write(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
    for _ in range(400):
        out.write(b"2\r\n:\n\r\n" * 1000)


FLOODS = {crumbs: "50,000 pieces", bomb: "1 MiB", endless_line: "1 MiB", many_lines: "4,096 KiB"}


@both
@pytest.mark.parametrize("flood", FLOODS)
async def test_what_has_no_end_is_left_at_its_limit(dialect: str, flood: Callable[[Any], None]) -> None:
    error = await failure_of(LlmServer(dialect=dialect), flood)
    assert error.failure is Failure.TOO_LONG
    assert FLOODS[flood] in str(error)
    assert MOST_LINE < MOST_BYTES


@both
async def test_an_error_without_end_is_left_too(dialect: str) -> None:
    def error(out: Any) -> None:
        out.write(b"HTTP/1.1 400 Bad\r\nContent-Type: application/json\r\n\r\n")
        for _ in range(400):
            out.write(b"x" * (1 << 20))

    assert (await failure_of(LlmServer(dialect=dialect), error)).failure is Failure.TOO_LONG


async def test_a_json_array_is_no_event_stream() -> None:
    body = b"[" + json.dumps(events("gemini", SAID)[0]).encode() + b"]"
    head = HEAD.replace(b"text/event-stream", b"application/json")
    error = await failure_of(LlmServer(), sending(body, head=head))
    assert error.failure in (Failure.MALFORMED, Failure.CUT, Failure.OTHER)
    assert "\n" not in str(error)


@both
async def test_a_thought_is_a_sign_of_life_and_an_empty_piece_is_none(dialect: str) -> None:
    for scenario, first_s, late in (
        ("flood-empty", 0.4, "no word within 0.4 s"),
        ("thinking", 1.5, "not done within 2 s"),
    ):
        quick = Limits(first_s=first_s, total_s=2.0, chunks=10**6, weight=10**9)
        with LlmServer(dialect=dialect) as server, pytest.raises(ModelError) as caught:
            await client_of(server, scenario).ask([HumanMessage("why?")], quick)
        assert caught.value.failure is Failure.TIMED_OUT
        assert late in str(caught.value)


@both
async def test_thoughts_are_no_part_of_the_reply(dialect: str) -> None:
    event = events(dialect, "")[0]
    if dialect == "gemini":
        event["candidates"][0]["content"]["parts"] = [{"text": "999 GiB", "thought": True}]
        del event["candidates"][0]["finishReason"]
    else:
        event["choices"][0] |= {"delta": {"reasoning_content": "999 GiB"}, "finish_reason": None}
    server = LlmServer(dialect=dialect)
    server.raw = sending(b"data: " + json.dumps(event).encode() + b"\n\n" + stream(dialect, SAID))
    with server:
        reply = await ask(server)
    assert reply.text == SAID


@both
async def test_a_call_that_is_stopped_is_counted(dialect: str) -> None:
    used: list[Use] = []
    with LlmServer(dialect=dialect) as server:
        asking = asyncio.create_task(
            client_of(server, "stall-before", used).ask([HumanMessage("why?")], LIMITS)
        )
        while not server.requests:
            await asyncio.sleep(0.01)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
    assert [(use.failed, use.problem) for use in used] == [(1, "stopped before it was done")]
    assert used[0].seconds > 0


@both
async def test_a_schema_is_sent_as_each_service_takes_it(dialect: str) -> None:
    answer = '{"say": ["f1"]}'
    with LlmServer(lambda asked: answer, dialect=dialect) as server:
        assert (await ask(server, schema=SCHEMA)).text == answer
        await ask(server)
    held, free = (request.body for request in server.requests)
    if dialect == "gemini":
        wanted = held["generationConfig"]
        assert (wanted["responseMimeType"], wanted["responseJsonSchema"]) == ("application/json", SCHEMA)
        assert not {"responseMimeType", "responseJsonSchema"} & set(free["generationConfig"])
    else:
        shape = {"name": "answer", "strict": True, "schema": SCHEMA}
        assert held["response_format"] == {"type": "json_schema", "json_schema": shape}
        assert held["stream"] is True
        assert "response_format" not in free


@both
async def test_a_service_that_refuses_a_schema_is_asked_once_without_and_never_again_with_one(
    dialect: str,
) -> None:
    used: list[Use] = []
    with LlmServer(lambda asked: "{}", dialect=dialect) as server:
        client = client_of(server, "plain-only", used)
        for _ in range(2):
            assert (await client.ask([HumanMessage("why?")], LIMITS, schema=SCHEMA)).text == "{}"
    sent = ["schema" in request.text.casefold() for request in server.requests]
    assert sent == [True, False, False]
    assert [use.failed for use in used] == [1, 0, 0]
    client.breaker.check()


@both
async def test_a_refused_key_is_no_refused_schema(dialect: str) -> None:
    with LlmServer(dialect=dialect) as server, pytest.raises(ModelError) as caught:
        await ask(server, "bad-key", schema=SCHEMA)
    assert caught.value.failure is Failure.BAD_KEY
    assert len(server.requests) == 1


def test_anthropic_s_library_sends_the_schema() -> None:
    service = build(choose_model("anthropic:any", None), Secret(KEY))
    payload = service.model._get_request_payload([HumanMessage("why?")], **service.shaped(SCHEMA))
    assert payload["output_config"] == {"format": {"type": "json_schema", "schema": SCHEMA}}
    assert service.model._async_client._client.event_hooks["response"]


@both
async def test_a_model_that_is_not_there_is_told_with_those_that_are(dialect: str) -> None:
    used: list[Use] = []
    names = ["embed-1", *(f"other-{number}" for number in range(20)), "unknown-models", "bad name", "\x1b[2J"]
    server = LlmServer(dialect=dialect)
    server.offers = names
    with server, pytest.raises(ModelError) as caught:
        await client_of(server, "unknown-model", used).ask([HumanMessage("why?")], LIMITS)
    told = str(caught.value)
    assert used[0].problem == told
    assert len(told) < 300 and told.isprintable()
    default = "; the default is gemini:gemini-3.8-flash" if dialect == "gemini" else ""
    assert told.startswith(f"there is no such model: HTTP 404{default}; it offers unknown-models, other-")
    assert told.endswith(f" and {13 if dialect == 'gemini' else 14} more")
    assert "embed" not in told
    (asked,) = server.asked_for_lists
    assert KEY not in asked.path
    assert KEY in str(asked.headers)


@both
@pytest.mark.parametrize(
    "offers", [None, "no json", "[" * 100_000, '{"data": 7, "models": {}}', '{"data": []}', "x" * 300_000, []]
)
async def test_a_list_that_can_t_be_read_costs_the_list_only(dialect: str, offers: Any) -> None:
    server = LlmServer(dialect=dialect)
    server.offers = offers
    with server, pytest.raises(ModelError) as caught:
        await ask(server, "unknown-model")
    default = "; the default is gemini:gemini-3.8-flash" if dialect == "gemini" else ""
    assert str(caught.value) == f"there is no such model: HTTP 404{default}"


async def test_an_address_without_its_v1_is_told() -> None:
    with LlmServer(dialect="openai") as server, pytest.raises(ModelError) as caught:
        server.offers = None
        choice = choose_model("openai:unknown-model", server.url.removesuffix("/v1"))
        await Client(build(choice, Secret(KEY))).ask([HumanMessage("why?")], LIMITS)
    assert str(caught.value).endswith("HTTP 404; does --model-url lack /v1 at its end?")


async def test_a_list_that_does_not_come_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(offered, "LIMIT_S", 0.2)
    server = LlmServer()
    with server:
        monkeypatch.setattr(server, "_list", lambda handler: server.release.wait(60))
        with pytest.raises(ModelError) as caught:
            await ask(server, "unknown-model")
    assert str(caught.value).endswith("the default is gemini:gemini-3.8-flash")


MOST_MIB = 150
MEASURED = """
import runpy, sys
from pathlib import Path
sys.argv[0] = "agent"
try:
    runpy.run_module("modelcar_tui.agent", run_name="__main__")
finally:
    status = Path("/proc/self/status").read_text()
    print("peak", status.partition("VmHWM:")[2].split()[0], file=sys.stderr)
"""
"""The command, which tells the most memory that it held: `getrusage` of a child counts its parent's, too."""


async def test_a_flood_fills_no_memory(go: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    supervisor, _ = await go(None)
    asked = [(dialect, flood) for dialect in ("gemini", "openai") for flood in (bomb, endless_line)]
    with ExitStack() as open_now:
        processes = []
        for dialect, flood in asked:
            server = open_now.enter_context(LlmServer(dialect=dialect))
            server.raw = flood
            monkeypatch.setenv(f"{dialect.upper()}_API_KEY", KEY)
            model = ["--llm", "--model", f"{dialect}:any", "--model-url", server.url]
            command = [sys.executable, "-c", MEASURED, "ask", str(supervisor.folder), "why?", *model]
            processes.append(
                (server, await asyncio.create_subprocess_exec(*command, stdout=PIPE, stderr=PIPE))
            )
        for (dialect, flood), (server, process) in zip(asked, processes, strict=True):
            out, err = (part.decode() for part in await process.communicate())
            assert len(server.requests) == 1
            assert "an answer without end: a line of more than 1 MiB" in out + err
            peak = int(re.search(r"^peak (\d+)$", err, re.MULTILINE)[1]) / 1024
            assert peak < MOST_MIB, (dialect, flood.__name__)
