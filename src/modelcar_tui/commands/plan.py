"""`agent plan` and `agent apply`: what was shown is what is applied, and a stale plan is refused."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from modelcar_tui.core.config_file import to_type
from modelcar_tui.core.counting import several
from modelcar_tui.core.errors import Problem, UserError
from modelcar_tui.core.exit_codes import ExitStatus, worst
from modelcar_tui.core.loops import run_once
from modelcar_tui.core.shown import shown, shown_lines
from modelcar_tui.manifest import (
    ANYTHING,
    Decision,
    Plan,
    check_output,
    load_plan,
    put_plan,
    text_hunks,
    write_generated,
)
from modelcar_tui.report import change_text
from modelcar_tui.supervisor import Approve, Settings, Supervisor, command_keeping, outcome_of
from modelcar_tui.verdict import STATUS, DecisionReport


def make_plan(settings: Settings, output: Path | None) -> int:
    """Print the proposed changes and keep them as a plan file; the status is the base manifest's verdict."""
    if output is not None:
        check_output(output, Path(settings.manifest), force=settings.force)
    settings = msgspec.structs.replace(settings, approve=Approve.SHOW, qa=False)
    supervisor = run_once(run_to_end(settings))
    report, finish = supervisor.state.decision, supervisor.state.finish
    if report is None:
        raise UserError(
            Problem(what=finish.summary if finish else "there is no plan"),
            status=ExitStatus(finish.exit_status) if finish else ExitStatus.INTERNAL,
        )
    told = outcome_of(supervisor.state)
    line = told.line if told is not None else f"{report.verdict}: {report.why}"
    sys.stdout.write(f"{shown(line)}\n\n")
    print_plan(report.plan)
    sys.stdout.write("\n".join(map(shown, _outlook(report))) + "\n")
    if output is not None:
        replaced = put_plan(report.plan, output, command_keeping(settings), force=settings.force)
        if replaced is not None:
            sys.stdout.write(f"{shown(output.name)} {replaced}\n")
        apply = (
            to_type("; apply with: agent apply {} --accept all", str(output)) if report.plan.changes else ""
        )
        sys.stdout.write(f"saved: {shown(str(output))}{apply}\n")
    sys.stdout.write(f"{shown(line)}\n")
    return worst(STATUS[report.verdict], *(() if finish is None else (finish.exit_status,)))


def _outlook(report: DecisionReport) -> Iterator[str]:
    """Counts, the verdict now and with everything accepted, and what helps the models that do not run."""
    changes = report.plan.changes
    required = sum(change.severity == "required" for change in changes)
    if changes:
        models = len({change.model for change in changes})
        yield (
            f"\nplan: {several(len(changes), 'change')} ({required} required) of {several(models, 'model')}"
        )
    if report.with_changes is not None:
        every = "the change" if len(changes) == 1 else "all changes"
        yield f"with {every} {report.with_changes}: {report.why_with_changes}"
    helps: dict[str, list[str]] = {}
    for model in report.models:
        if model.settle:
            helps.setdefault(model.settle, []).append(model.model)
    for text, names in helps.items():
        yield f"  {', '.join(names[:3])}{f' and {len(names) - 3} more' if len(names) > 3 else ''}: {text}"
    yield from (
        line for line in (report.together, *(f"  missing: {text}" for text in report.missing)) if line
    )


async def run_to_end(settings: Settings) -> Supervisor:
    """A run that nobody is asked in."""
    supervisor = Supervisor(settings)
    async for _ in supervisor.run():
        pass
    return supervisor


def print_plan(plan: Plan, decision: Decision | None = None) -> None:
    """The changes with their reasons, then the text diff."""
    if not plan.changes:
        sys.stdout.write("no change is proposed\n")
        return
    for change in plan.changes:
        sys.stdout.write(
            shown_lines(f"{change.id}: {change_text(change)} ({change.severity})\n    {change.reason}") + "\n"
        )
    sys.stdout.write(f"\n--- {shown(Path(plan.base).name)}\n+++ {shown(Path(plan.target).name)}\n")
    for hunk in text_hunks(Path(plan.base).read_bytes(), plan, decision):
        sys.stdout.write("\n".join(map(shown, (hunk.header, *hunk.lines))) + "\n")


def apply_plan(path: Path, accept: str, settings: Settings) -> int:
    """Write what is accepted of a saved plan; by default nothing.

    Args:
        path: The plan file.
        accept: `all`, `none`, or ids separated by commas.
        settings: Who decided, whether a `.patch` file is written too, whether what another hand or run wrote
            is replaced (`force`), and where copies of it are kept.

    Returns:
        `GO` where it is written, or where the plan has no changes; `REJECTED` where nothing is accepted.

    Raises:
        UserError: the plan is stale, the ids don't fit, or something stands there that may not be replaced.
    """
    plan = load_plan(path)
    wanted = accepted_ids(plan, accept, str(path))
    if not plan.changes:
        sys.stdout.write("the plan has no changes, nothing written\n")
        return ExitStatus.GO
    if not wanted:
        sys.stdout.write("nothing accepted (--accept all, or ids), nothing written\n")
        return ExitStatus.REJECTED
    decision = Decision(
        plan_digest=plan.digest,
        accepted=wanted,
        write=True,
        who=settings.who,
        replaces=(ANYTHING,) if settings.force else None,
    )
    done = write_generated(plan, decision, patch=settings.patch, keeping=command_keeping(settings))
    taken = f"{len(wanted)} of {several(len(plan.changes), 'change')}"
    sys.stdout.write(f"written: {shown(str(done.path))} ({taken}, sha256 {done.sha256})\n")
    for replaced in done.replaced:
        sys.stdout.write(f"{shown(Path(replaced.path).name)} {replaced}\n")
    if done.lacking is not None:
        raise UserError(done.lacking)
    return ExitStatus.GO


def accepted_ids(
    plan: Plan, accept: str, where: str, more: Mapping[str, Sequence[str]] | None = None
) -> tuple[str, ...]:
    """The changes that are named, if the plan has them all and what each needs beside it is named too.

    Args:
        plan: what is proposed.
        accept: `all`, `none`, or ids separated by commas.
        where: the plan's place, for what is wrong.
        more: further words, and what they stand for.

    Raises:
        UserError: the plan has no such change, or one needs another beside it.
    """
    known = [change.id for change in plan.changes]
    words: dict[str, Sequence[str]] = {"all": known, "none": [], **(more or {})}
    wanted = words.get(accept, [part.strip() for part in accept.split(",") if part.strip()])
    for name in wanted:
        if name not in known:
            what = f"the plan has no change {name!r}"
            raise UserError(Problem(where=where, what=what, fix=f"one of: {', '.join(known) or 'none'}"))
    halves = [
        Problem(
            where=change.id, what=f"needs {other} beside it", fix="accept both, or neither", code="plan-half"
        )
        for change in plan.changes
        for other in change.together_with
        if change.id in wanted and other not in wanted
    ]
    if halves:
        raise UserError(*halves)
    return tuple(dict.fromkeys(wanted))
