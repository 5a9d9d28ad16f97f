"""A fork a job: what vLLM was imported into is never dirtied; a job that hangs or eats memory ends alone."""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import resource
import signal
import socket
import struct
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

_NEW_NETWORK = 0x40000000
_NEW_USER = 0x10000000
_SET_FLAGS = 0x8914
_UP = 1
_PAGE = resource.getpagesize()


def without_network() -> bool:
    """Leave this process and its forks a loopback and nothing else; whether the kernel allowed it.

    To be called while there is one thread.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_NEW_NETWORK) and libc.unshare(_NEW_USER | _NEW_NETWORK):
        print("the network could not be cut off here; vLLM is told to stay offline", file=sys.stderr)
        return False
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        fcntl.ioctl(control, _SET_FLAGS, struct.pack("16sH", b"lo", _UP))
    return True


def forked(ask: Callable[[], dict[str, Any]], *, seconds: int, gib: float) -> dict[str, Any]:
    """What `ask` answers in a fork of at most `seconds` and `gib` GiB beyond what this process has.

    An exception is an answer, too: `error` is its type and text, cut; `stopped` says that a limit did it.
    """
    reading, writing = os.pipe()
    started = time.monotonic()
    child = os.fork()
    if not child:
        os.close(reading)
        _answer(ask, writing, seconds=seconds, gib=gib)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        said = pipe.read()
    _, status = os.waitpid(child, 0)
    found: dict[str, Any] = json.loads(said) if said else {"error": _end(status, seconds), "stopped": True}
    return found | {"seconds": round(time.monotonic() - started, 2)}


def _answer(ask: Callable[[], dict[str, Any]], writing: int, *, seconds: int, gib: float) -> None:
    """Runs in the fork, and never returns."""
    try:
        signal.alarm(seconds)
        limit = _mapped() + int(gib * 1024**3)
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        quiet = os.open(os.devnull, os.O_WRONLY)
        os.dup2(quiet, 1)
        try:
            found = ask()
        except MemoryError:
            found = {"error": f"more than {gib} GiB of memory", "stopped": True}
        except BaseException as error:  # noqa: BLE001 - SystemExit of a parser, too: each is an answer
            if os.environ.get("VLLM_JUDGE_TRACE"):
                import traceback

                traceback.print_exc()
            found = {"error": f"{type(error).__name__}: {error}"[:500]}
        with os.fdopen(writing, "wb") as pipe:
            pipe.write(json.dumps(found).encode())
    finally:
        os._exit(0)


def _mapped() -> int:
    """Bytes of address space that this process has."""
    return int(Path("/proc/self/statm").read_text("ascii").split()[0]) * _PAGE


def _end(status: int, seconds: int) -> str:
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGALRM:
        return f"no answer within {seconds} s"
    return f"ended by itself (status {status})"
