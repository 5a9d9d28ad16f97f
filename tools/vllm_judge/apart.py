"""Processes of their own: a fresh interpreter for each release, and a fork with limits for each question."""

from __future__ import annotations

import os
import pickle
import resource
import select
import signal
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any, NoReturn, ParamSpec, TypeVar

Asked = ParamSpec("Asked")
Answer = TypeVar("Answer")


class NoAnswer(Exception):  # noqa: N818
    """The work took too long, too much memory, or ended the process."""


def apart(function: Callable[Asked, Answer], *args: Asked.args, **options: Asked.kwargs) -> Answer:
    """What `function` gives back, or raises, in a fresh interpreter; all of it has to be picklable.

    A process reads one release of vLLM (`absent.py`). Sets are printed in the same order each time.
    """
    before = os.environ.get("PYTHONHASHSEED")
    os.environ["PYTHONHASHSEED"] = before or "0"
    try:
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            return pool.submit(function, *args, **options).result()
    finally:
        if before is None:
            del os.environ["PYTHONHASHSEED"]


def forked(work: Callable[[], Answer], *, seconds: float, mebibytes: int) -> Answer:
    """What `work` gives back in a fork without network; what it does to the process ends with it.

    Raises:
        NoAnswer: it took more than `seconds` or `mebibytes` (of addresses), or broke.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.close(reading)
        _work(work, writing, int(seconds) + 1, mebibytes)
    os.close(writing)
    try:
        answered = _read(reading, seconds)
    finally:
        os.close(reading)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    if not answered:
        raise NoAnswer(f"no answer within {seconds:.0f} s and {mebibytes} MiB")
    answer: Answer = pickle.loads(answered)
    return answer


def _work(work: Callable[[], object], writing: int, seconds: int, mebibytes: int) -> NoReturn:
    """Never returns, so that no `finally` of the parent's runs twice."""
    try:
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
        resource.setrlimit(resource.RLIMIT_AS, (mebibytes << 20, mebibytes << 20))
        sys.addaudithook(_no_network)
        silent = os.open(os.devnull, os.O_RDWR)
        for standard in (0, 1, 2):
            os.dup2(silent, standard)
        with os.fdopen(writing, "wb") as answer:
            answer.write(pickle.dumps(work()))
    finally:
        os._exit(0)


def _read(reading: int, seconds: float) -> bytes:
    """All of it, or nothing."""
    parts: list[bytes] = []
    while select.select([reading], [], [], seconds)[0]:
        part = os.read(reading, 1 << 16)
        if not part:
            return b"".join(parts)
        parts.append(part)
    return b""


def _no_network(event: str, _: tuple[Any, ...]) -> None:
    if event == "socket.__new__":
        raise PermissionError("a question is answered without network")
