"""Plays a start of vLLM's server: the lines of a release in their order, then `/health` or the refusal.

    python tests/support/fake_vllm.py serve /mnt/models --port 8000 --tensor-parallel-size 2

It runs as a container's command with nothing but Python's standard library. The forms of the lines stand in
`tests/data/vllm/startups/structure.json`. What it does is chosen by its environment:

- `FAKE_VLLM_RELEASE`: 0.8.0 to 0.33.0; without it the newest
- `FAKE_VLLM_END`: a key of `ends` there (`starts`, `refuses-kv`, `oom-load`, `dies`, `hangs`, ...)
- `FAKE_VLLM_FIGURES`: JSON, by the names of `vllm.Figure.what`
- `FAKE_VLLM_PACE`: seconds between lines
- `FAKE_VLLM_NEEDS`: names of files that must lie in the model's folder, separated by commas
- `FAKE_VLLM_STRUCTURE`: where the forms are, if this file stands alone
"""

from __future__ import annotations

import json
import os
import shlex
import signal
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import FrameType, MappingProxyType
from typing import Any, NamedTuple

NEWEST = "0.33.0"
FIGURES = {
    "weights_gib": 15.27,
    "load_s": 4.25,
    "activation_gib": 1.42,
    "non_torch_gib": 0.12,
    "graphs_gib": 0.9,
    "graphs_estimated_gib": 0.88,
    "kv_cache_gib": 54.1,
    "kv_tokens": 354_624,
    "max_model_len": 8192,
    "concurrency": 43.29,
    "graphs_s": 9,
    "init_s": 31.2,
    "total_gib": 79.19,
    "free_gib": 78.7,
    "requested_gib": 71.27,
}
OTHER = {"compile_s": 9.25, "needed_gib": 62.0, "fits_tokens": 6000, "utilization": 0.9}
"""What lines hold besides the figures."""
_STAMP = "12-01 00:00:00"
_SITE = "/opt/app-root/lib64/python3.12/site-packages/vllm"


class Said(NamedTuple):
    """One line as the container writes it."""

    text: str
    err: bool = False
    """Whether on stderr: what Python and libraries write themselves."""


class Start(NamedTuple):
    """What is played."""

    release: str = NEWEST
    end: str = "starts"
    figures: Mapping[str, float] = MappingProxyType({})
    arguments: Sequence[str] = ("serve", "/mnt/models")

    def option(self, *names: str, default: str) -> str:
        """The value of the last of these options among the arguments."""
        found = default
        for at, word in enumerate(self.arguments):
            name, has, value = word.partition("=")
            if name in names:
                found = value if has else self.arguments[at + 1] if at + 1 < len(self.arguments) else default
        return found

    @property
    def model(self) -> str:
        """The model's folder."""
        first = self.arguments[1] if self.arguments[:1] == ("serve",) and len(self.arguments) > 1 else ""
        return self.option("--model", default=first or "/mnt/models")

    @property
    def ranks(self) -> int:
        """Processes of the engine."""
        tp = self.option("--tensor-parallel-size", "-tp", default="1")
        pp = self.option("--pipeline-parallel-size", "-pp", default="1")
        return int(tp) * int(pp)


@cache
def structure() -> dict[str, Any]:
    """The forms of the lines, and the ends."""
    here = Path(__file__).resolve().parent.parent / "data" / "vllm" / "startups" / "structure.json"
    path = Path(os.environ.get("FAKE_VLLM_STRUCTURE") or here)
    data: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return data


def played(start: Start) -> Iterator[Said]:
    """All that it writes until it serves, ends or hangs."""
    end = structure()["ends"][start.end]
    if end["by"] == "usage":
        yield from _usage(start, end)
        return
    lines = structure()["lines"]
    stop = max((at + 1 for at, line in enumerate(lines) if line["name"] == end["after"]), default=0)
    for line in lines[:stop]:
        if within(line, start.release):
            yield from _written(start, line)
    yield from _death(start, end)


def ends(release: str) -> list[str]:
    """The ends that a release knows."""
    known = structure()["ends"]
    return [name for name, end in known.items() if any(within(one, release) for one in end["errors"] or [{}])]


def status(start: Start) -> int:
    """The exit status."""
    return int(structure()["ends"][start.end]["status"])


def _written(start: Start, line: dict[str, Any]) -> Iterator[Said]:
    ranks = range(start.ranks if line.get("each") else 1)
    for rank in ranks:
        text = line["text"].format(**_values(start, rank))
        if line.get("raw"):
            prefix = _prefix(start, line["by"], rank) if _number(start.release) < (0, 31) else ""
            yield Said(prefix + text, err=True)
        else:
            yield from _logged(start, line["by"], rank, line["at"], text, line.get("level", "INFO"))


def _logged(start: Start, by: str, rank: int, at: str, text: str, level: str = "INFO") -> Iterator[Said]:
    """As vLLM's formatter writes it: every line of a text has the head."""
    head = f"{_prefix(start, by, rank)}{level} {_STAMP} [{at}] "
    for part in text.split("\n"):
        yield Said(head + part, err=level == "ERROR")


def _prefix(start: Start, by: str, rank: int) -> str:
    """Who writes: nobody is named before 0.10.1 but the workers of several GPUs."""
    release = _number(start.release)
    if by == "worker" and start.ranks > 1:
        if release < (0, 10, 1):
            return f"(VllmWorker rank={rank} pid={280 + rank}) "
        name = "VllmWorker TP" if release < (0, 10, 2) else "Worker_TP"
        return f"({name}{rank} pid={280 + rank}) "
    if release < (0, 10, 1):
        return ""
    return "(APIServer pid=1) " if by == "server" else f"({_engine(start)} pid=212) "


def _engine(start: Start) -> str:
    release = _number(start.release)
    if release < (0, 10, 2):
        return "EngineCore_0"
    return "EngineCore_DP0" if release < (0, 18) else "EngineCore"


def _values(start: Start, rank: int) -> dict[str, Any]:
    figures: dict[str, Any] = FIGURES | OTHER | dict(start.figures)
    for name in ("kv_tokens", "max_model_len", "fits_tokens"):
        figures[name] = int(figures[name])
    return figures | {
        "consumed_gib": figures["weights_gib"] + figures["non_torch_gib"],
        "peak_gib": figures["activation_gib"] + figures["graphs_estimated_gib"],
        "graphs_off_gib": abs(figures["graphs_gib"] - figures["graphs_estimated_gib"]),
        "release": start.release,
        "model": start.model,
        "arguments": ", ".join(repr(word) for word in start.arguments),
        "rank": rank,
        "world": start.ranks,
        "host": start.option("--host", default="0.0.0.0"),
        "port": start.option("--port", default="8000"),
    }


def _usage(start: Start, end: dict[str, Any]) -> Iterator[Said]:
    program = "vllm serve" if start.arguments[:1] == ("serve",) else "api_server.py"
    yield Said(f"usage: {program} [-h] [--headless] [--api-server-count API_SERVER_COUNT]", err=True)
    yield Said("                  [--served-model-name SERVED_MODEL_NAME [SERVED_MODEL_NAME ...]]", err=True)
    yield Said(f"{program}: {_error(start, end)[0]}", err=True)


def _error(start: Start, end: dict[str, Any], rank: int = 0) -> list[str]:
    """The exception's own lines in this release."""
    text = next(one["text"] for one in end["errors"] if within(one, start.release))
    return str(text.format(**_values(start, rank))).split("\n")


def _death(start: Start, end: dict[str, Any]) -> Iterator[Said]:
    """The tracebacks of all processes, the root cause first and the server's own last."""
    by = end["by"]
    if by in ("", "none"):
        return
    frames = end["frames"]
    if by == "server":
        yield from _raw(start, "server", "entrypoints/openai/api_server.py", _error(start, end), frames)
        return
    if by == "worker" and start.ranks > 1:
        yield from _worker_death(start, end)
    elif by != "silent":
        error = _error(start, end)
        yield from _told(start, "engine", 0, "core.py:866", "EngineCore failed to start.", error, frames)
        yield from _process(start, error, frames)
    finished = "{}" if by == "silent" else "{'" + _engine(start) + "': 1}"
    words = "RuntimeError: Engine core initialization failed. See root cause above. "
    words += f"Failed core proc(s): {finished}"
    yield from _raw(start, "server", "v1/engine/utils.py", [words])


def _worker_death(start: Start, end: dict[str, Any]) -> Iterator[Said]:
    early = end["after"] in ("engine", "world", "loading")
    told = "WorkerProc failed to start." if early else "WorkerProc hit an exception."
    for rank in range(start.ranks):
        yield from _told(
            start, "worker", rank, "multiproc_executor.py:597", told, _error(start, end, rank), end["frames"]
        )
    first = _error(start, end)[0].partition(": ")[2]
    parent = (
        "Exception: WorkerProc initialization failed due to an exception in a background process. "
        "See stack trace for root cause."
        if early
        else f"RuntimeError: Worker failed with error '{first}', please check the stack trace above for the "
        "root cause"
    )
    yield from _told(start, "engine", 0, "core.py:866", "EngineCore failed to start.", [parent])
    yield from _process(start, [parent])


def _told(
    start: Start, by: str, rank: int, at: str, words: str, error: list[str], frames: Sequence[str] = ()
) -> Iterator[Said]:
    """An exception that is logged."""
    text = "\n".join([words, *_trace("v1/engine/core.py", error, frames)])
    yield from _logged(start, by, rank, at, text, "ERROR")


def _process(start: Start, error: list[str], frames: Sequence[str] = ()) -> Iterator[Said]:
    """The same as Python writes it when the process ends."""
    prefix = _prefix(start, "engine", 0) if _number(start.release) < (0, 31) else ""
    yield Said(f"{prefix}Process {_engine(start)}:", err=True)
    yield from _raw(start, "engine", "v1/engine/core.py", error, frames)


def _raw(start: Start, by: str, file: str, error: list[str], frames: Sequence[str] = ()) -> Iterator[Said]:
    """What Python prints itself, without a prefix from 0.31 on."""
    prefix = _prefix(start, by, 0) if _number(start.release) < (0, 31) else ""
    for line in _trace(file, error, frames):
        yield Said(prefix + line, err=True)


def _trace(file: str, error: list[str], frames: Sequence[str] = ()) -> list[str]:
    lines = ["Traceback (most recent call last):"]
    for frame in (f"{file}:run", *frames):
        where, _, function = frame.rpartition(":")
        lines += [f'  File "{_SITE}/{where}", line 866, in {function}', "    raise error"]
    return [*lines, *error]


def within(entry: dict[str, Any], release: str) -> bool:
    """Whether a form is one of this release."""
    number = _number(release)
    until = _number(entry.get("until") or "99")
    return _number(entry.get("since") or "0") <= number and number[: len(until)] <= until


def _number(release: str) -> tuple[int, ...]:
    return tuple(int(part) for part in release.split("."))


class _Health(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/health" else 404)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args: object) -> None:
        """The probes of a kubelet are not logged."""


def main(arguments: list[str]) -> int:
    """Play it; the exit status."""
    start = Start(
        release=os.environ.get("FAKE_VLLM_RELEASE") or NEWEST,
        end=os.environ.get("FAKE_VLLM_END") or "starts",
        figures=json.loads(os.environ.get("FAKE_VLLM_FIGURES") or "{}"),
        arguments=tuple(arguments),
    )
    if start.end not in structure()["ends"]:
        print(f"FAKE_VLLM_END={start.end}: known are {', '.join(structure()['ends'])}", file=sys.stderr)
        return 2
    ended = threading.Event()

    def end(number: int, frame: FrameType | None) -> None:
        ended.set()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    for name in filter(None, os.environ.get("FAKE_VLLM_NEEDS", "").split(",")):
        if not (Path(start.model) / name).is_file():
            print(
                f"OSError: {shlex.quote(start.model)} does not appear to have a file named {name}.",
                flush=True,
            )
            return 1
    pace = float(os.environ.get("FAKE_VLLM_PACE") or 0)
    server = _server(start) if start.end == "starts" else None
    for said in played(start):
        if server and said.text.endswith("Application startup complete."):
            server.server_activate()
            threading.Thread(target=server.serve_forever, daemon=True).start()
        print(said.text, file=sys.stderr if said.err else sys.stdout, flush=True)
        if ended.is_set() or (pace and ended.wait(pace)):
            return 0
    if start.end in ("starts", "hangs"):
        ended.wait()
    return status(start)


def _server(start: Start) -> ThreadingHTTPServer:
    """Bound at once, listening only when it serves, as vLLM's socket: refused before."""
    address = (start.option("--host", default=""), int(start.option("--port", default="8000")))
    server = ThreadingHTTPServer(address, _Health, bind_and_activate=False)
    server.server_bind()
    return server


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
