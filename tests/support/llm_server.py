"""Loopback servers that speak Gemini's REST protocol and OpenAI's; the model's name chooses what goes wrong."""

from __future__ import annotations

import json
import re
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
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *args: object) -> None:
                pass

            def do_POST(self) -> None:
                size = int(self.headers.get("Content-Length", 0))
                body = json.loads(self.rfile.read(size))
                request = Request(self.path, dict(self.headers.items()), body)
                outer.requests.append(request)
                self.close_connection = True
                with suppress(BrokenPipeError, ConnectionResetError):
                    outer._reply(self, request)

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
        if scenario in _ERRORS:
            status, headers, payload = _ERRORS[scenario]
            return _send(handler, status, headers, payload)
        if scenario == "once-503" and len(self.requests) == 1:
            return _send(handler, *_ERRORS["503"])
        if scenario == "malformed":
            return _send(handler, 200, {"Content-Type": "text/event-stream"}, 'data: {"candidates": [{"cont\n\n')
        return self._stream(handler, scenario, self.say(self._asked(request)))

    def _scenario(self, request: Request) -> str:
        if self.dialect == "gemini":
            match = re.search(r"/models/([^:]+):", request.path)
            return match[1] if match else ""
        return str(request.body.get("model", ""))

    def _asked(self, request: Request) -> dict[str, Any]:
        """`{"system":..., "human":..., "tools": [results]}` in any dialect."""
        body = request.body
        if self.dialect == "gemini":
            system = "".join(part.get("text", "") for part in body.get("systemInstruction", {}).get("parts", []))
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
        if isinstance(said, dict):
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

    def _done(self, handler: Any) -> None:
        if self.dialect == "openai":
            handler.wfile.write(b"data: [DONE]\n\n")

    def _event(
        self, handler: Any, *, text: str = "", tool: dict[str, Any] | None = None, finish: str = ""
    ) -> None:
        make = _gemini if self.dialect == "gemini" else _openai
        _data(handler, make(text, tool, finish))


def _gemini(text: str, tool: dict[str, Any] | None, finish: str) -> dict[str, Any]:
    part: dict[str, Any] = {"text": text}
    if tool:
        part = {"functionCall": {"name": tool["tool"], "args": tool["args"]}, "thoughtSignature": "c2ln"}
    words = {"stop": "STOP", "max": "MAX_TOKENS", "safety": "SAFETY", "odd": "MALFORMED_FUNCTION_CALL"}
    candidate: dict[str, Any] = {"content": {"role": "model", "parts": [part]}, "index": 0}
    if finish:
        candidate["finishReason"] = words[finish]
    usage = {"promptTokenCount": 40, "candidatesTokenCount": 7, "totalTokenCount": 47} if finish else {}
    return {"candidates": [candidate], "modelVersion": "test", **({"usageMetadata": usage} if usage else {})}


def _openai(text: str, tool: dict[str, Any] | None, finish: str) -> dict[str, Any]:
    delta: dict[str, Any] = {"role": "assistant", "content": text}
    words = {"stop": "stop", "max": "length", "safety": "content_filter", "odd": "aborted"}
    word = words.get(finish)
    if tool:
        call = {"name": tool["tool"], "arguments": json.dumps(tool["args"])}
        delta["tool_calls"] = [{"index": 0, "id": "call_1", "type": "function", "function": call}]
        word = "tool_calls"
    usage = {"prompt_tokens": 40, "completion_tokens": 7, "total_tokens": 47} if finish else None
    choice = {"index": 0, "delta": delta, "finish_reason": word}
    return {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice],
            "usage": usage}  # fmt: skip


def _data(handler: Any, event: dict[str, Any]) -> None:
    handler.wfile.write(b"data: " + json.dumps(event).encode() + b"\n\n")
    handler.wfile.flush()


def _send(handler: Any, status: int, headers: dict[str, str], payload: Any) -> None:
    data = payload.encode() if isinstance(payload, str) else json.dumps(payload).encode()
    handler.send_response(status)
    for name, value in {"Content-Type": "application/json", **headers, "Content-Length": str(len(data))}.items():
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
_HTML = {"Content-Type": "text/html"}
_ERRORS: dict[str, tuple[int, dict[str, str], Any]] = {
    "429": (429, {"Retry-After": "7"}, _google(429, "RESOURCE_EXHAUSTED", "quota", _RETRY)),
    "500": (500, {}, _google(500, "INTERNAL", "internal")),
    "503": (503, {}, _google(503, "UNAVAILABLE", "overloaded")),
    "bad-key": (400, {}, _google(400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key.")),
    "bad-key-401": (401, {}, _google(401, "UNAUTHENTICATED", "bad key")),
    "forbidden": (403, {}, _google(403, "PERMISSION_DENIED", "denied")),
    "unknown-model": (404, {}, _google(404, "NOT_FOUND", "no such model")),
    "html-502": (502, _HTML, "<html><body>Bad Gateway [/] \x1b]52;c;aGk=\x07</body></html>"),
    "html-200": (200, _HTML, "<html>captive portal</html>"),
}
