"""Drives a QA run in a process of its own, which a test may kill: `python qa_driver.py`, request on stdin.

The request comes on stdin, so that a test which looks for secrets in argv can't find its own.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import msgspec

from modelcar_tui.core.secrets import Secret
from modelcar_tui.qa.engines.podman import PodmanRunner
from modelcar_tui.qa.runner import QaSecrets
from modelcar_tui.qa.types import QaRequest


async def main() -> None:
    given = json.load(sys.stdin)
    runner = PodmanRunner(probes=Path(given["probes"]), grace_s=1)
    request = msgspec.convert(given["request"], QaRequest)
    outcome = await runner.run(
        request, QaSecrets(Secret(given["secret"])), lambda event: print(event, flush=True)
    )
    print(outcome, flush=True)


asyncio.run(main())
