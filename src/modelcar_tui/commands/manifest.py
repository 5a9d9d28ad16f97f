"""`agent manifest FILE`: the models with their approved arguments as objects that KServe serves."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from modelcar_tui.commands.guard import complain
from modelcar_tui.commands.output import check_output, put_output
from modelcar_tui.commands.plan import accepted_ids, run_to_end
from modelcar_tui.core.counting import several
from modelcar_tui.core.errors import Problem, UserError
from modelcar_tui.core.exit_codes import ExitStatus, worst
from modelcar_tui.core.loops import run_once
from modelcar_tui.core.text import reveal
from modelcar_tui.kserve import Rendered, dry_run, release_of, rendered, requests_of, validate
from modelcar_tui.manifest import (
    Decision,
    Manifest,
    Plan,
    accepted_changes,
    load_plan,
    objects_as_data,
    read_bytes,
)
from modelcar_tui.supervisor import Approve, RunState, Settings
from modelcar_tui.verdict import STATUS, DecisionReport, accepted_model, decide_accepted, standing_decision

_UNCHECKED = "rule-unchecked"
"""The code of a rule that can't be evaluated here: it is told, and refuses nothing."""

_OF_CLUSTER = ("no-accelerator", "no-runtime")
"""Codes of what a cluster would have told."""


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be rendered."""

    kind: str
    accept: str = "none"
    """`all`, `required`, `none` or ids."""
    plan: str | None = None
    """A plan file, whose changes stand in the place of those that are proposed by now."""
    output: Path | None = None
    release: str | None = None
    """Of OpenShift AI; None takes the cluster's."""
    runtime: str = ""
    pull_secrets: tuple[str, ...] = ()
    dry_run: bool = False
    """Whether the API server is asked what it makes of the objects."""


def render_manifest(settings: Settings, wanted: Wanted) -> int:
    """Print the objects, or write them; the status is the verdict on the arguments that are rendered.

    Raises:
        UserError: the file can't be judged, the plan is another file's, an id is none of its changes, what
            must be known is not, a value holds a secret, or an API server would refuse what came out.
    """
    release_of(wanted.release, None)  # what is no release costs no run
    if wanted.output is not None:
        _check_place(wanted.output, settings)
    plan = None if wanted.plan is None else load_plan(Path(wanted.plan))
    state = run_once(run_to_end(msgspec.structs.replace(settings, approve=Approve.SHOW, qa=False))).state
    report, manifest = _judged(state)
    plan = _plan_for(manifest, plan, wanted) or report.plan
    try:
        made, after = _rendered(state, report, plan, settings, wanted)
    except UserError as error:
        raise _of_cluster(error, state) from None
    for line in _checked(made, state, settings, wanted):
        complain(line)
    if wanted.output is None:
        sys.stdout.write(made.text)
    else:
        complain(put_output(wanted.output, made.text.encode(), settings))
    for note in made.notes:
        complain(f"note: {note}")
    complain(f"{after.verdict}: {after.why}")
    return _status(state, after)


def _check_place(path: Path, settings: Settings) -> None:
    """Refuse the file that is read, whatever may be replaced, and what another hand wrote."""
    base = Path(settings.manifest)
    if path.exists() and base.exists() and path.samefile(base):
        what = "this is the manifest that is read"
        raise UserError(Problem(where=reveal(str(path)), what=what, fix="name another file with -o"))
    check_output(path, settings)


def _judged(state: RunState) -> tuple[DecisionReport, Manifest]:
    if state.decision is None or state.manifest is None or not state.models:
        finish = state.finish
        raise UserError(
            Problem(what=finish.summary if finish else "there is nothing to render"),
            status=ExitStatus(finish.exit_status) if finish else ExitStatus.INTERNAL,
        )
    return state.decision, state.manifest


def _plan_for(manifest: Manifest, plan: Plan | None, wanted: Wanted) -> Plan | None:
    """The plan that was saved, if it is of these very bytes."""
    if plan is None or plan.base_sha256 == manifest.sha256:
        return plan
    what = f"it was made for another file than {reveal(Path(manifest.path).name)} as it stands"
    where = reveal(wanted.plan or "")
    raise UserError(Problem(where=where, what=what, fix="make the plan again", code="plan-stale"))


def _rendered(
    state: RunState, report: DecisionReport, plan: Plan, settings: Settings, wanted: Wanted
) -> tuple[Rendered, DecisionReport]:
    """The objects, and the decision on the arguments that stand in them."""
    cluster = state.cluster
    if cluster is None:
        raise UserError(Problem(what="the accelerators were not looked at"), status=ExitStatus.CLUSTER)
    ids = accepted_ids(plan, wanted.accept, "--accept", {"required": required_ids(plan)})
    decision = Decision(plan_digest=plan.digest, accepted=ids, who=settings.who)
    after = msgspec.structs.replace(report, plan=plan)
    if ids:
        decided = decide_accepted(state.models, cluster, after, decision, vllm=settings.vllm_version)
        after = standing_decision(decided, None, state.votes)
    release = release_of(wanted.release, cluster.versions.ai)
    requests = requests_of(
        [accepted_model(model, plan, decision) for model in state.models],
        cluster,
        after,
        vllm=settings.vllm_version,
        pull_secrets=wanted.pull_secrets,
        namespace=settings.namespace or "",
        accepted=accepted_changes(plan, decision),
        objects=objects_as_data(read_bytes(Path(settings.manifest)), plan, decision),
    )
    taken = f"{len(ids)} of {several(len(plan.changes), 'proposed change')} accepted"
    of = f"OpenShift AI {release.name}" if release.name else "any release of OpenShift AI from 2.25 on"
    what = wanted.kind if wanted.kind == "model-car" else f"{wanted.kind} for {of}"
    head = f"{what}; arguments as in {Path(settings.manifest).name}, {taken}"
    return rendered(requests, wanted.kind, release, runtime=wanted.runtime, head=head), after


def _of_cluster(error: UserError, state: RunState) -> UserError:
    """What is not known because the cluster did not answer, with that reason first and its status."""
    access = state.cluster.access.problem if state.cluster is not None else None
    if access is None or not any(problem.code in _OF_CLUSTER for problem in error.problems):
        return error
    return UserError(access, *error.problems, status=ExitStatus.CLUSTER)


def required_ids(plan: Plan) -> list[str]:
    """What it does not run without, and what that needs beside it."""
    known = {change.id: change for change in plan.changes}
    found = [change.id for change in plan.changes if change.severity == "required"]
    for name in found:
        found += [other for other in known[name].together_with if other in known and other not in found]
    return found


def _checked(made: Rendered, state: RunState, settings: Settings, wanted: Wanted) -> Sequence[str]:
    """What was not checked, as lines.

    Raises:
        UserError: an API server of that release would refuse an object, or ours does.
    """
    cluster = state.cluster
    release = release_of(wanted.release, cluster.versions.ai if cluster else None).name
    found = [problem for one in made.objects for problem in _offline(one, release)]
    if wanted.dry_run and made.objects:
        namespace = settings.namespace or (cluster.access.namespace if cluster else "") or "default"
        found += run_once(_asked(made.objects, settings, namespace))
    refused = [problem for problem in found if problem.code != _UNCHECKED]
    if refused:
        raise UserError(*refused)
    return [f"note: not checked: {text}" for text in dict.fromkeys(map(str, found))]


def _offline(one: dict[str, Any], release: str | None) -> Sequence[Problem]:
    """What a release's schemas refuse, each with the object's name; where there are none, that is said."""
    try:
        problems = validate(one, release)
    except UserError as error:
        return [msgspec.structs.replace(each, code=_UNCHECKED) for each in error.problems]
    return _titled(one, problems)


def _titled(one: dict[str, Any], problems: Sequence[Problem]) -> list[Problem]:
    """Where an object has faults, with the object's name before it."""
    title = f"{one['kind']} {one['metadata']['name']}"
    return [
        msgspec.structs.replace(each, where=": ".join(filter(None, (title, each.where)))) for each in problems
    ]


async def _asked(objects: Sequence[dict[str, Any]], settings: Settings, namespace: str) -> list[Problem]:
    """What the API server refuses of them, in a namespace; nothing is kept there.

    Raises:
        UserError: it can't be asked.
    """
    from modelcar_tui.kube import ClusterError, ClusterOptions, connect, find_credentials

    options = ClusterOptions(
        kubeconfig=settings.kubeconfig, context=settings.kube_context, namespace=settings.namespace
    )
    found: list[Problem] = []
    try:
        async with connect(find_credentials(options), options) as client:
            for one in objects:
                here = {**one, "metadata": {"namespace": namespace, **one["metadata"]}}
                found += _titled(one, await dry_run(client, here))
    except ClusterError as error:
        raise UserError(error.problem, status=ExitStatus.CLUSTER) from None
    return found


def _status(state: RunState, after: DecisionReport) -> int:
    """The verdict's on what is rendered; what else ended the run, such as a cluster out of reach, counts."""
    ended = () if state.finish is None else (state.finish.exit_status,)
    return worst(STATUS[after.verdict], *(one for one in ended if one not in STATUS.values()))
