"""Tries in processes that kill themselves: each line on stdin is one try, in a fork of this loaded
interpreter; its exit status comes back on stdout.

    {"folder": "...", "kubeconfig": "...", "method": "POST", "kind": "secrets", "count": 2, "after": false}
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

from modelcar_tui.core.secrets import Redactor
from modelcar_tui.kube import ClusterOptions, connect, find_credentials
from modelcar_tui.kube.transport import Transport
from modelcar_tui.trial import run_trial
from support.trial_bench import ready


def kind_of(path: str) -> str:
    parts = path.split("/")
    return next((one for one in ("log", "jobs", "secrets", "pods") if one in parts), "")


def deadly(told: dict[str, Any]) -> None:
    """Kill the process at a certain request, before it is sent or after it was answered."""
    count = 0

    def die() -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    for name in ("request", "stream"):
        real = getattr(Transport, name)

        def asked(self: Transport, *args: Any, real: Any = real, name: str = name, **more: Any) -> Any:
            nonlocal count
            method, path = ("GET", args[0]) if name == "stream" else (args[0], args[1])
            hit = method == told["method"] and kind_of(path) == told["kind"]
            count += hit
            if hit and count == told["count"] and not told["after"]:
                die()
            answer = real(self, *args, **more)
            if hit and count == told["count"] and told["after"]:
                die()
            return answer

        setattr(Transport, name, asked)


async def one(told: dict[str, Any]) -> None:
    folder, options = Path(told["folder"]), ClusterOptions(kubeconfig=told["kubeconfig"])
    async with connect(find_credentials(options), options) as client:
        await run_trial(
            ready(**told.get("ready", {})),
            client,
            lambda news: None,
            folder=folder,
            log=folder / "vllm.log",
            redact=Redactor(),
            poll_s=0.02,
        )


def main() -> None:
    for line in sys.stdin:
        child = os.fork()
        if not child:
            told = json.loads(line)
            deadly(told)
            asyncio.run(one(told))
            os._exit(0)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


if __name__ == "__main__":
    main()
