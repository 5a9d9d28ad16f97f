"""Removing what a broken run left on the cluster: named by its log, created in its time, and nothing else.

The suite's names are the same in every run and it labels nothing, so a name proves little: an object counts
as this run's only when the API server says that it was created while the run's suite ran. It is deleted by
its uid: one that somebody made anew meanwhile is left alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from modelcar_tui.core.stamps import seconds
from modelcar_tui.core.text import clean
from modelcar_tui.kube import Client, ClusterError
from modelcar_tui.qa.engines.kube_objects import RUN_LABEL, object_name
from modelcar_tui.qa.log.logparse import SuiteParser
from modelcar_tui.qa.log.objects import SLACK_S
from modelcar_tui.qa.log.spool import SpoolReader
from modelcar_tui.qa.store import SPOOL
from modelcar_tui.qa.suite_facts import suite_namespaces

_LINES = 2_000
"""Of a log, read at once."""
_PATHS = {
    "Namespace": "/api/v1/namespaces",
    "Secret": "/api/v1/namespaces/{}/secrets",
    "Pod": "/api/v1/namespaces/{}/pods",
    "Service": "/api/v1/namespaces/{}/services",
    "ConfigMap": "/api/v1/namespaces/{}/configmaps",
    "ServiceAccount": "/api/v1/namespaces/{}/serviceaccounts",
    "PersistentVolumeClaim": "/api/v1/namespaces/{}/persistentvolumeclaims",
    "Job": "/apis/batch/v1/namespaces/{}/jobs",
    "Route": "/apis/route.openshift.io/v1/namespaces/{}/routes",
    "ServingRuntime": "/apis/serving.kserve.io/v1alpha1/namespaces/{}/servingruntimes",
    "InferenceService": "/apis/serving.kserve.io/v1beta1/namespaces/{}/inferenceservices",
}


class Leftover(msgspec.Struct, frozen=True, kw_only=True):
    """An object as the cluster has it now."""

    kind: str
    name: str
    namespace: str = ""
    uid: str = ""
    kept: str = ""
    """Why it is left alone; empty for one that is this run's."""
    path: str = ""

    @property
    def ours(self) -> bool:
        """Whether it may be deleted."""
        return bool(self.uid) and not self.kept

    @property
    def command(self) -> str:
        """What an operator would type."""
        where = f" -n {self.namespace}" if self.namespace else ""
        return f"oc delete {self.kind.lower()} {self.name}{where}"


def left_by_log(qa: Path) -> tuple[str, ...]:
    """What the log in a run's folder of QA says was created and not deleted, `Kind/name`."""
    reader, parser, place = SpoolReader(qa / SPOOL), SuiteParser(), 0
    while lines := reader.lines(place, _LINES):
        place += len(lines)
        for line in lines:
            parser.feed(line.text)
    return tuple(parser.result.created)


async def find_leftovers(
    client: Client,
    leftovers: Sequence[str],
    *,
    run_id: str,
    began: float,
    ended: float,
    namespace: str | None = None,
    works_in: Sequence[str] = (),
) -> tuple[Leftover, ...]:
    """What of `leftovers` (`Kind/name`) is on the cluster, and whether it is this run's.

    Args:
        began: When the run's suite was started, seconds since 1970.
        ended: When it had ended.
        namespace: Of the run's own Job, for the Kubernetes engine.
        works_in: The namespaces of the suite that ran; empty takes those of every release.

    Raises:
        ClusterError: the API server can't be asked.
    """
    named = [item.partition("/")[::2] for item in leftovers]
    known = sorted(works_in or suite_namespaces(None))
    whole = [pair for pair in named if pair[0] == "Namespace"]
    strange = [pair for pair in whole if pair[1] not in known]
    # With a namespace goes what is in it.
    rest = [pair for pair in whole if pair not in strange] or [pair for pair in named if pair not in whole]
    found: list[Leftover] = []
    for kind, name in (*strange, *rest):
        found += [_judged(one, began, ended) for one in await _all_of(client, kind, name, known)]
    if namespace:
        found += await _labelled(client, run_id, namespace)
    return tuple(found)


async def delete_leftovers(client: Client, items: Sequence[Leftover]) -> tuple[str, ...]:
    """Delete those that are ours; one line for each item, in order."""
    lines = []
    for item in items:
        if not item.ours:
            lines.append(f"kept: {item.kind} {item.name}: {item.kept}")
            continue
        try:
            await client.delete(item.path, uid=item.uid)
            lines.append(f"deleted: {item.kind} {item.name}")
        except ClusterError as error:
            how = "gone" if error.missing else "not deleted"
            lines.append(f"{how}: {item.kind} {item.name}: {error.problem.what}")
    return tuple(lines)


async def _all_of(client: Client, kind: str, name: str, known: Sequence[str]) -> list[tuple[Leftover, float]]:
    """Those of this name in the known namespaces, and when they were made, seconds since 1970."""
    # A log is text from outside: what it calls a namespace of the suite must be one.
    if kind == "Namespace" and name not in known:
        return [(Leftover(kind=kind, name=name, kept="the suite makes no such namespace"), 0.0)]
    if kind not in _PATHS:
        return [(Leftover(kind=kind, name=name, kept=f"no way to look at a {kind} is known here"), 0.0)]
    found = []
    for space in [""] if kind == "Namespace" else known:
        where = f"{_PATHS[kind].format(space)}/{name}"
        if (data := await client.find(where)) is not None:
            found.append(_read(data, kind, where, space))
    return found


async def _labelled(client: Client, run_id: str, namespace: str) -> list[Leftover]:
    """The run's own Job and Secret: they carry its label."""
    found = []
    for kind in ("Job", "Secret"):
        path = _PATHS[kind].format(namespace)
        answer = await client.read(path, labelSelector=f"{RUN_LABEL}={object_name(run_id)}")
        for item in answer.get("items") or []:
            name = clean(str((item.get("metadata") or {}).get("name") or ""), limit=253)
            found.append(_read(item, kind, f"{path}/{name}", namespace)[0])
    return found


def _read(data: dict[str, object], kind: str, path: str, space: str) -> tuple[Leftover, float]:
    meta = data.get("metadata")
    meta = meta if isinstance(meta, dict) else {}
    going = " (it is being deleted already)" if meta.get("deletionTimestamp") else ""
    name, uid = clean(str(meta.get("name") or ""), limit=253), str(meta.get("uid") or "")
    one = Leftover(kind=kind, name=name, namespace=space, uid=uid, path=path, kept=going.strip(" ()"))
    return one, seconds(str(meta.get("creationTimestamp") or ""))


def _judged(found: tuple[Leftover, float], began: float, ended: float) -> Leftover:
    one, created = found
    if one.kept:
        return one
    if not created or not began:
        kept = "it is not known whether this run made it"
    elif created < began - SLACK_S:
        kept = f"it was made {_span(began - created)} before this run's suite started"
    elif created > max(ended, began) + SLACK_S:
        kept = f"it was made {_span(created - ended)} after this run's suite had ended"
    else:
        return one
    return msgspec.structs.replace(one, kept=kept)


def _span(seconds_: float) -> str:
    return f"{seconds_ / 3600:.1f} h" if seconds_ >= 3600 else f"{seconds_ / 60:.0f} min"
