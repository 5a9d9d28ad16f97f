"""A whole run: from a manifest to its verdict."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from modelcar_tui.api.asked import words
from modelcar_tui.api.blocking import refuse_in_loop
from modelcar_tui.core.errors import Problem, UserError
from modelcar_tui.core.loops import run_once
from modelcar_tui.manifest import Decision, read_manifest
from modelcar_tui.supervisor import Approve, RunState, Settings, Specialist, Supervisor
from modelcar_tui.supervisor import run_supervisor as run_supervisor  # noqa: PLC0414 - of our door

_QUIET: Mapping[str, Any] = {"approve": Approve.SHOW, "qa": False, "llm": False}
"""What a program has to ask for."""


def judge(
    manifest: str | os.PathLike[str] | Settings, *, specialists: Iterable[Specialist] = (), **options: Any
) -> RunState:
    """Run to the end, and give the state that all reports are made of.

    By default nothing is written beside the manifest (`approve=Approve.SHOW`), no QA is run and no language
    model is asked; `Approve.ALL` writes what our rules propose. The run keeps its folder, as any other.

    Args:
        manifest: Its path, or settings, which are taken as they are.
        specialists: Members of your own for the team.
        options: Fields of `Settings`, such as `gpus=("L40S:4",)`.

    Raises:
        UserError: the manifest or an option can't be read, or the run's folder can't be made.
        RuntimeError: an event loop runs in this thread.
    """
    refuse_in_loop("judge", "async for event in Supervisor(...).run()")
    if isinstance(manifest, Settings):
        supervisor = Supervisor(manifest, specialists=specialists, **options)
    else:
        supervisor = Supervisor(manifest, specialists=specialists, **{**_QUIET, **options})
    if not supervisor.settings.manifest:
        what, fix = "judge reads a manifest's file, and this is a mapping", "run_supervisor takes one"
        raise UserError(Problem(where="manifest", what=what, fix=fix))
    if supervisor.settings.approve is Approve.ASK:
        what = "nobody is there to be asked"
        fix = "approve=Approve.SHOW, ALL or NONE; or answer by Supervisor.answer"
        raise UserError(Problem(where="approve", what=what, fix=fix))
    read_manifest(Path(supervisor.settings.manifest))
    run_once(_run(supervisor))
    return supervisor.state


async def _run(supervisor: Supervisor) -> None:
    async for _ in supervisor.run():
        pass


def accept(
    state: RunState, changes: Iterable[str] | None = None, *, replaces: Iterable[str] | None = None
) -> Decision:
    """The answer that accepts changes of the plan that waits, and lets them be written.

    Args:
        state: The run's.
        changes: Ids of those that are accepted; by default all but a language model's.
        replaces: Fingerprints of files of others that may go (`Standing.fingerprint`).

    Raises:
        UserError: there is no plan, or it has no such change.
    """
    plan = state.decision.plan if state.decision is not None else None
    if plan is None:
        raise UserError(Problem(where="accept", what="the run has no plan yet", fix="wait for its question"))
    known = {change.id: change.origin == "rules" for change in plan.changes}
    ours = tuple(name for name, rules in known.items() if rules)
    accepted = ours if changes is None else words("changes", changes)
    if missing := [name for name in accepted if name not in known]:
        what = f"{', '.join(missing)}: no such change of this plan"
        raise UserError(Problem(where="accept", what=what, fix="take ids of state.decision.plan.changes"))
    may_go = None if replaces is None else words("replaces", replaces)
    return Decision(plan_digest=plan.digest, accepted=accepted, write=True, replaces=may_go)
