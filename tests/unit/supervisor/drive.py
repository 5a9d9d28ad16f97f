"""A process that drives a run of the fake team, for tests that kill it: `drive.py MANIFEST STATE [RUN]`."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from team import fake_team

from modelcar_tui.supervisor.settings import Approve
from modelcar_tui.supervisor.supervisor import Supervisor


async def main() -> int:
    manifest, state, *run = sys.argv[1:]
    supervisor = Supervisor(
        manifest,
        specialists=fake_team(),
        state_dir=state,
        approve=Approve.ALL,
        resume=Path(run[0]) if run else None,
    )
    async for stamped in supervisor.run():
        print(stamped.seq, type(stamped.event).__name__, flush=True)
    return supervisor.state.finish.exit_status


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
