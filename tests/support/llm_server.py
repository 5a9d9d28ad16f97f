"""Loopback servers that speak Gemini's REST protocol and OpenAI's; the model's name chooses what goes
wrong."""

from __future__ import annotations

import json
import re
import socket
import struct
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Say = Callable[[dict[str, Any]], Any]
"""What a healthy model replies: a text, or `{"tool": name, "args": {...}}`, from the request's own words."""


class Request:
    """One call as it came in."""

    def __init__(self, path: str, headers: dict[str, str], body: dict[str, Any]) -> None:
        self.path, self.headers, self.body = path, headers, body
        self.at = time.monotonic()

    @property
    def text(self) -> str:
        """Everything that left the client."""
        return json.dumps(self.body)


class LlmServer:
    """`with LlmServer(say) as server: ... --model-url server.url`; `requests` holds what was asked."""

    def __init__(self, say: Say | None = None, *, dialect: str = "gemini") -> None:
        self.say: Say = say or (lambda asked: "The facts above decide it.")
        self.dialect = dialect
        self.requests: list[Request] = []
        self.release = threading.Event()
        self.asked_for_lists: list[Request] = []
        self.offers: Any = ["gemini-3.8-flash", "gemini-2.5-pro"]
        """Names of the models that it lists; or a text, sent as it is; None: it has no list."""
        self.raw: Callable[[Any], object] | None = None
        """Writes a whole response of its own, status line and all, into the file that it is given."""
        self.elsewhere = ""
        """Where `redirect` points to."""
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *args: object) -> None:
                pass

            def end_headers(self) -> None:
                self.send_header("Connection", "close")  # else a client may ask again over what is closing
                super().end_headers()

            def do_POST(self) -> None:
                size = int(self.headers.get("Content-Length", 0))
                body = json.loads(self.rfile.read(size))
                request = Request(self.path, dict(self.headers.items()), body)
                outer.requests.append(request)
                self.close_connection = True
                with suppress(BrokenPipeError, ConnectionResetError):
                    outer._reply(self, request)

            def do_GET(self) -> None:
                outer.asked_for_lists.append(Request(self.path, dict(self.headers.items()), {}))
                self.close_connection = True
                with suppress(BrokenPipeError, ConnectionResetError):
                    outer._list(self)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> LlmServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.release.set()
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        base = f"http://127.0.0.1:{self._server.server_address[1]}"
        return base if self.dialect == "gemini" else f"{base}/v1"

    def _reply(self, handler: Any, request: Request) -> None:
        scenario = self._scenario(request)
        if self.raw is not None:
            self.raw(handler.wfile)
            return None
        if scenario in _ERRORS:
            status, headers, payload = _ERRORS[scenario]
            return _send(handler, status, headers, payload)
        if scenario == "once-503" and len(self.requests) == 1:
            return _send(handler, *_ERRORS["503"])
        if scenario == "plain-only" and "schema" in request.text.casefold():
            return _send(handler, *_ERRORS["unknown-schema"])
        if scenario in ("redirect", "redirect-302"):
            status = 307 if scenario == "redirect" else 302
            return _send(handler, status, {"Location": self.elsewhere + request.path}, "")
        if scenario == "reset":
            handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return handler.connection.close()
        if scenario == "empty-body":
            return _send(handler, 200, {"Content-Type": "text/event-stream"}, "")
        if scenario in _RAW:
            return self._raw(handler, scenario)
        if scenario == "malformed":
            return _send(
                handler, 200, {"Content-Type": "text/event-stream"}, 'data: {"candidates": [{"cont\n\n'
            )
        return self._stream(handler, scenario, self.say(self._asked(request)))

    def _list(self, handler: Any) -> None:
        if self.offers is None:
            return _send(handler, 404, {}, "")
        if isinstance(self.offers, str):
            return _send(handler, 200, {}, self.offers)
        if self.dialect == "openai":
            models = [{"id": name, "object": "model", "created": 1, "owned_by": "me"} for name in self.offers]
            return _send(handler, 200, {}, {"object": "list", "data": models})
        models = [
            {
                "name": f"models/{name}",
                "supportedGenerationMethods": ["embedContent" if "embed" in name else "generateContent"],
            }
            for name in self.offers
        ]
        return _send(handler, 200, {}, {"models": models})

    def _scenario(self, request: Request) -> str:
        if self.dialect == "gemini":
            match = re.search(r"/models/([^:]+):", request.path)
            return match[1] if match else ""
        return str(request.body.get("model", ""))

    def _asked(self, request: Request) -> dict[str, Any]:
        """`{"system":..., "human":..., "tools": [results]}` in any dialect."""
        body = request.body
        if self.dialect == "gemini":
            system = "".join(
                part.get("text", "") for part in body.get("systemInstruction", {}).get("parts", [])
            )
            parts = [part for content in body.get("contents", []) for part in content.get("parts", [])]
            human = "".join(part.get("text", "") for part in parts)
            tools = [part["functionResponse"]["response"] for part in parts if "functionResponse" in part]
        else:
            messages = body["messages"]
            system = "".join(str(m["content"]) for m in messages if m["role"] in ("system", "developer"))
            human = "".join(str(m["content"]) for m in messages if m["role"] == "user")
            tools = [m["content"] for m in messages if m["role"] == "tool"]
        return {"system": system, "human": human, "tools": tools}

    def _stream(self, handler: Any, scenario: str, said: Any) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", "text/event-stream")
        handler.end_headers()
        if scenario == "stall-before":
            self.release.wait(60)
            return None
        if isinstance(said, dict | list):
            self._event(handler, tool=said, finish="stop")
            return self._done(handler)
        finish = {"max-tokens": "max", "max-tokens-empty": "max", "safety": "safety", "odd-finish": "odd"}
        words = re.findall(r"\S+\s*", said) or [""]
        if scenario == "max-tokens":
            said = _cut_in_number(said)
            words = [said]
        if scenario in ("max-tokens-empty", "empty"):
            words = [""]
        if scenario == "prompt-block" and self.dialect == "gemini":
            _data(handler, {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}, "candidates": []})
            return None
        for index, word in enumerate(words):
            last = index == len(words) - 1
            if scenario in ("stall-after", "cut", "error-midway", "no-finish") and index == max(
                1, len(words) // 2
            ):
                if scenario == "stall-after":
                    self.release.wait(60)
                elif scenario == "error-midway":
                    _data(handler, {"error": {"code": 503, "message": "overloaded", "status": "UNAVAILABLE"}})
                return None
            if scenario == "trickle" and self.release.wait(0.3):
                return None
            self._event(handler, text=word, finish=finish.get(scenario, "stop") if last else "")
        if scenario == "endless":
            while not self.release.is_set():
                self._event(handler, text="and on " * 200)
        return self._done(handler)

    def _raw(self, handler: Any, scenario: str) -> None:
        """Streams that are no conversation: floods, keep-alives, odd bytes and odd counts."""
        handler.send_response(200)
        handler.send_header("Content-Type", "text/event-stream")
        handler.end_headers()
        if scenario == "keep-alive":
            while not self.release.wait(0.02):
                handler.wfile.write(b": ping\n\n")
                handler.wfile.flush()
        elif scenario == "flood-empty":
            while not self.release.wait(0.001):  # the server shares the test's processor
                self._event(handler, text="")
        elif scenario == "big-chunk":
            self._event(handler, text="word " * 2_000_000, finish="stop")
        elif scenario == "big-tool":
            self._event(handler, tool={"tool": "what_if", "args": {"model": "x" * 5_000_000}}, finish="stop")
        elif scenario == "thinking":
            while not self.release.wait(0.001):
                self._event(handler, thought="and what if " * 100)
        elif scenario == "bad-utf8":
            handler.wfile.write(b'data: {"candidates": [{"content": {"parts": [{"text": "\xff\xfe"}]}}]}\n\n')
        elif scenario == "null-line":
            handler.wfile.write(b"data: null\n\ndata: []\n\ndata: 7\n\n")
        elif scenario == "odd-usage":
            make = _gemini if self.dialect == "gemini" else _openai
            event = make("It is GO.", None, "stop")
            name = "usageMetadata" if self.dialect == "gemini" else "usage"
            event[name] = dict.fromkeys(event[name], -(10**30))
            _data(handler, event)
        self._done(handler)

    def _done(self, handler: Any) -> None:
        if self.dialect == "openai":
            handler.wfile.write(b"data: [DONE]\n\n")

    def _event(
        self, handler: Any, *, text: str = "", tool: Any = None, finish: str = "", thought: str = ""
    ) -> None:
        make = _gemini if self.dialect == "gemini" else _openai
        event = make(text, tool, finish)
        if thought and self.dialect == "gemini":
            event["candidates"][0]["content"]["parts"] = [{"text": thought, "thought": True}]
        elif thought:
            event["choices"][0]["delta"] = {
                "role": "assistant",
                "content": None,
                "reasoning_content": thought,
            }
        _data(handler, event)


_RAW = (
    "keep-alive",
    "flood-empty",
    "big-chunk",
    "big-tool",
    "thinking",
    "bad-utf8",
    "null-line",
    "odd-usage",
)


def _gemini(text: str, tool: Any, finish: str) -> dict[str, Any]:
    parts: list[dict[str, Any]] = [{"text": text}]
    if tool:
        calls = tool if isinstance(tool, list) else [tool]
        parts = [
            {"functionCall": {"name": call["tool"], "args": call["args"]}, "thoughtSignature": "c2ln"}
            for call in calls
        ]
    words = {"stop": "STOP", "max": "MAX_TOKENS", "safety": "SAFETY", "odd": "MALFORMED_FUNCTION_CALL"}
    candidate: dict[str, Any] = {"content": {"role": "model", "parts": parts}, "index": 0}
    if finish:
        candidate["finishReason"] = words[finish]
    usage = {"promptTokenCount": 40, "candidatesTokenCount": 7, "totalTokenCount": 47} if finish else {}
    return {"candidates": [candidate], "modelVersion": "test", **({"usageMetadata": usage} if usage else {})}


def _openai(text: str, tool: Any, finish: str) -> dict[str, Any]:
    delta: dict[str, Any] = {"role": "assistant", "content": text}
    words = {"stop": "stop", "max": "length", "safety": "content_filter", "odd": "aborted"}
    word = words.get(finish)
    if tool:
        calls = tool if isinstance(tool, list) else [tool]
        delta["tool_calls"] = [
            {
                "index": index,
                "id": f"call_{index}",
                "type": "function",
                "function": {"name": call["tool"], "arguments": json.dumps(call["args"])},
            }
            for index, call in enumerate(calls)
        ]
        word = "tool_calls"
    usage = {"prompt_tokens": 40, "completion_tokens": 7, "total_tokens": 47} if finish else None
    choice = {"index": 0, "delta": delta, "finish_reason": word}
    return {
        "id": "c",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "m",
        "choices": [choice],
        "usage": usage,
    }


def _data(handler: Any, event: dict[str, Any]) -> None:
    handler.wfile.write(b"data: " + json.dumps(event).encode() + b"\n\n")
    handler.wfile.flush()


def _send(handler: Any, status: int, headers: dict[str, str], payload: Any) -> None:
    data = payload.encode() if isinstance(payload, str) else json.dumps(payload).encode()
    handler.send_response(status)
    for name, value in {
        "Content-Type": "application/json",
        **headers,
        "Content-Length": str(len(data)),
    }.items():
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(data)


def _cut_in_number(text: str) -> str:
    """`text` up to the middle of its last number of several digits."""
    numbers = list(re.finditer(r"\d{2,}", text))
    return text[: numbers[-1].start() + 1] if numbers else text[: len(text) // 2]


def _google(code: int, status: str, message: str, *details: dict[str, Any]) -> dict[str, Any]:
    return {"error": {"code": code, "status": status, "message": message, "details": list(details)}}


_RETRY = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "7s"}
_NEVER = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "315576000000s"}
_HTML = {"Content-Type": "text/html"}
_ERRORS: dict[str, tuple[int, dict[str, str], Any]] = {
    "unknown-schema": (400, {}, _google(400, "INVALID_ARGUMENT", "the schema is too deep")),
    "429": (429, {"Retry-After": "7"}, _google(429, "RESOURCE_EXHAUSTED", "quota", _RETRY)),
    "500": (500, {}, _google(500, "INTERNAL", "internal")),
    "503": (503, {}, _google(503, "UNAVAILABLE", "overloaded")),
    "bad-key": (400, {}, _google(400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key.")),
    "bad-key-401": (401, {}, _google(401, "UNAUTHENTICATED", "bad key")),
    "forbidden": (403, {}, _google(403, "PERMISSION_DENIED", "denied")),
    "unknown-model": (404, {}, _google(404, "NOT_FOUND", "no such model")),
    "html-502": (502, _HTML, "<html><body>Bad Gateway [/] \x1b]52;c;aGk=\x07</body></html>"),
    "retry-never": (
        429,
        {"Retry-After": "999999999999"},
        _google(429, "RESOURCE_EXHAUSTED", "quota", _NEVER),
    ),
    "retry-past": (503, {"Retry-After": "-5"}, _google(503, "UNAVAILABLE", "soon", {"retryDelay": "-1s"})),
    "error-list": (400, {}, [_google(400, "INVALID_ARGUMENT", "\x1b[2Jodd [/] shape")]),
    "error-string": (418, {}, '"just text"'),
    "html-200": (200, _HTML, "<html>captive portal</html>"),
}
