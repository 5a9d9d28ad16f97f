"""Runs the programs of pages in forks of one interpreter that has loaded their modules: what a process of its
own would do, without the second that each takes to import.

Arguments, folder, environment and the three streams are those of the caller, the little program `CALL`. Where
its environment names a `PID_FILE`, the process writes its number there, for those who send it signals.
"""

from __future__ import annotations

import atexit
import functools
import gc
import importlib
import json
import os
import pkgutil
import signal
import socket
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CALL = f"""\
#!{sys.executable} -ISB
import json, os, socket, sys
told = json.dumps([%r, sys.argv, os.getcwd(), dict(os.environ)]).encode()
with socket.socket(socket.AF_UNIX) as server:
    server.connect(%r)
    socket.send_fds(server, [len(told).to_bytes(4, "big")], [0, 1, 2])
    server.sendall(told)
    sys.exit(int(server.recv(9)))
"""
_LEFT_OUT = ("modelcar_tui.tui", "modelcar_tui.web", "modelcar_tui.mcp", "modelcar_tui.demo")
"""Rooms that hardly a page needs and that take long to import."""
_LIBRARIES = (
    "langgraph.graph",
    "langgraph.types",
    "langgraph.checkpoint.sqlite.aio",
    "httpx",
    "jinja2",
    "yaml",
)
_LONGEST_S = 100


@functools.cache
def address() -> str:
    """Where the interpreter listens, which is started by the first who asks and ends with this process."""
    folder = tempfile.TemporaryDirectory(prefix="docs-")
    where = str(Path(folder.name) / "socket")
    environment = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "TZ": "UTC", "PYTHONPATH": str(ROOT / "src")}
    server = subprocess.Popen(
        [sys.executable, __file__, where],
        cwd="/",
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert server.stdin is not None and server.stdout is not None
    atexit.register(folder.cleanup)
    atexit.register(server.stdin.close)  # it ends by that, and where this process is killed, too
    assert server.stdout.readline() == b"ready\n"
    return where


def call_of(module: str) -> str:
    """The program that has `main` of a module run with its own arguments."""
    return CALL % (module, address())


def serve(where: str) -> None:
    """Take calls until standard input ends."""
    import modelcar_tui

    for found in pkgutil.walk_packages(modelcar_tui.__path__, "modelcar_tui."):
        if not found.name.startswith(_LEFT_OUT):
            importlib.import_module(found.name)
    for name in _LIBRARIES:
        importlib.import_module(name)
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(where)
    listener.listen(64)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    if os.fork() == 0:
        _end_with(os.getppid())
    while True:
        call, _ = listener.accept()
        if os.fork() == 0:
            _answer(call)
        call.close()


def _end_with(server: int) -> None:
    sys.stdin.buffer.read()
    with suppress(ProcessLookupError):
        os.kill(server, signal.SIGKILL)
    os._exit(0)


def _answer(call: socket.socket) -> None:
    """One call, in a process of its own whose status is told."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    size, streams, _, _ = socket.recv_fds(call, 4, 3)
    told = b""
    while len(told) < int.from_bytes(size, "big"):
        told += call.recv(1 << 20)
    module, argv, folder, environment = json.loads(told)
    if (process := os.fork()) == 0:
        call.close()
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
            os.close(stream)
        os.chdir(folder)
        os.environ.clear()
        os.environ.update(environment)
        sys.argv = argv
        if told_to := environment.get("PID_FILE"):
            Path(told_to).write_text(str(os.getpid()))
        os._exit(importlib.import_module(module).main())
    for stream in streams:
        os.close(stream)
    signal.signal(signal.SIGALRM, lambda *_: os.kill(process, signal.SIGKILL))
    signal.alarm(_LONGEST_S)
    _, status = os.waitpid(process, 0)
    ended = os.waitstatus_to_exitcode(status)
    with suppress(OSError):
        call.sendall(str(ended if ended >= 0 else 128 - ended).encode())
    os._exit(0)


if __name__ == "__main__":
    serve(sys.argv[1])
