"""Processes of their own: a fresh interpreter for each release, and a fork with limits for each question."""

from __future__ import annotations

import ctypes
import fcntl
import os
import pickle
import resource
import select
import signal
import socket
import struct
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NoReturn, ParamSpec, TypeVar

_NEW_NETWORK, _NEW_USER = 0x40000000, 0x10000000
_SET_FLAGS, _UP = 0x8914, 1
"""Linux's CLONE_NEWNET, CLONE_NEWUSER, SIOCSIFFLAGS and IFF_UP."""
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


def without_network() -> None:
    """Leave this process and its forks a loopback and nothing else; said where the kernel refuses.

    To be called while there is one thread.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_NEW_NETWORK) and libc.unshare(_NEW_USER | _NEW_NETWORK):
        print("the network could not be cut off here; vLLM is told to stay offline", file=sys.stderr)
        return
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        fcntl.ioctl(control, _SET_FLAGS, struct.pack("16sH", b"lo", _UP))


def answered(ask: Callable[[], dict[str, Any]], *, seconds: float, gib: float) -> dict[str, Any]:
    """What `ask` gives back in a fork, whose error is an answer, too: `error` is its type and text.

    `gib` are GiB of addresses beyond what this process has. The fork may use sockets: call `without_network`
    before.
    """

    def safe() -> dict[str, Any]:
        try:
            return ask()
        except MemoryError:
            return {"error": f"more than {gib} GiB of memory"}
        except BaseException as error:  # noqa: BLE001 - SystemExit of a parser, too: each is an answer
            return {"error": f"{type(error).__name__}: {error}"}

    mapped = int(Path("/proc/self/statm").read_text("ascii").split()[0]) * resource.getpagesize()
    room = (mapped >> 20) + int(gib * 1024)
    try:
        return forked(safe, seconds=seconds, mebibytes=room, sockets=True)
    except NoAnswer as problem:
        return {"error": str(problem)}


def forked(work: Callable[[], Answer], *, seconds: float, mebibytes: int, sockets: bool = False) -> Answer:
    """What `work` gives back in a fork; what it does to the process ends with it.

    Args:
        work: it has no network, unless it may have `sockets`.
        seconds: of the clock.
        mebibytes: of addresses.
        sockets: whether it may open any.

    Raises:
        NoAnswer: it took more than `seconds` or `mebibytes` (of addresses), or broke.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.close(reading)
        _work(work, writing, int(seconds) + 1, mebibytes, sockets=sockets)
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


def _work(
    work: Callable[[], object], writing: int, seconds: int, mebibytes: int, *, sockets: bool
) -> NoReturn:
    """Never returns, so that no `finally` of the parent's runs twice."""
    try:
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
        resource.setrlimit(resource.RLIMIT_AS, (mebibytes << 20, mebibytes << 20))
        if not sockets:
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
