"""Removing what killed tries have left on the cluster, and nothing of a try that still goes on."""

from __future__ import annotations

from pathlib import Path

from modelcar_tui.kube import Client
from modelcar_tui.trial.records import forget_record, server_of, stale_records
from modelcar_tui.trial.removing import Removal


async def sweep_trials(client: Client, *, folder: Path) -> tuple[str, ...]:
    """Remove what tries of this user have left whose process is gone. It waits for nothing: neither for pods
    to end nor for an API server that is away.

    Args:
        client: of the cluster; records of tries on other servers stay.
        folder: the state folder.

    Returns:
        A line for each try of which something was there: what was removed, or what is left and the command
        that removes it.
    """
    lines: list[str] = []
    for record, path in stale_records(folder, server_of(client)):
        removal = Removal(client, record, poll_s=0.0, gone_s=0.0, away_s=0.0)
        left = await removal.all()
        if removal.removed:
            what = ", ".join(removal.removed)
            lines.append(f"removed what an interrupted try left in namespace {record.namespace}: {what}")
        lines += left
        if not left:
            forget_record(path)
    return tuple(lines)
