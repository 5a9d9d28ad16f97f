"""`agent mcp` as a host starts it: a process of its own, over its standard streams."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
import termios
from pathlib import Path
from typing import Any

import modelcar_tui

SOURCE = str(Path(modelcar_tui.__file__).parents[1])
MAIN = "import sys\nfrom modelcar_tui import agent\nsys.exit(agent.main())\n"
ENV_SECRET = "s3cr3t-canary-of-env"


def environment(home: Path) -> dict[str, str]:
    """Of a process that knows one secret."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "LD_LIBRARY_PATH") if name in os.environ}
    return {**kept, "HOME": str(home), "PYTHONPATH": SOURCE, "OCI_REGISTRY_PULL_SECRET": ENV_SECRET}


class Raw:
    """A server whose lines are written and read as they are."""

    def __init__(self, code: str, root: Path, home: Path, *words: str) -> None:
        line = [sys.executable, "-c", code, "mcp", "--root", str(root), "--state-dir", str(home), *words]
        self.process = subprocess.Popen(
            line,
            env=environment(home),
            cwd=home,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=(home / "talk").open("w"),
        )
        self.ask(
            1,
            "initialize",
            protocolVersion="2025-11-25",
            capabilities={},
            clientInfo={"name": "t", "version": "1"},
        )
        self.answer = self.read()
        self.send({"jsonrpc": "2.0", "method": "notifications/initialized"})

    def send(self, message: Any) -> None:
        self.write(json.dumps(message).encode() + b"\n")

    def write(self, data: bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def ask(self, number: int, method: str, **params: Any) -> None:
        self.send({"jsonrpc": "2.0", "id": number, "method": method, "params": params})

    def call(self, number: int, tool: str, **arguments: Any) -> None:
        self.ask(number, "tools/call", name=tool, arguments=arguments)

    def read(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        found: dict[str, Any] = json.loads(self.process.stdout.readline())
        return found

    def unread(self) -> int:
        """Bytes that wait in the pipe of its answers."""
        assert self.process.stdout is not None
        told = fcntl.ioctl(self.process.stdout.fileno(), termios.FIONREAD, bytes(4))
        return int.from_bytes(told, sys.byteorder)

    def close(self) -> int:
        assert self.process.stdin is not None
        self.process.stdin.close()
        return self.process.wait(timeout=20)
