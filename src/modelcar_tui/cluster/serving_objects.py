"""What runs in a namespace and may serve vLLM, as objects that a file could hold: for `--from-cluster`."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

import msgspec

from modelcar_tui.cluster.home import likely_homes
from modelcar_tui.cluster.rights import Right
from modelcar_tui.core.contain import hit
from modelcar_tui.core.errors import Problem, UserError
from modelcar_tui.core.exit_codes import ExitStatus
from modelcar_tui.core.text import clean
from modelcar_tui.kube import Client, ClusterError, ClusterOptions, connect, find_credentials

LIMIT_S = 60.0
"""For all of it: whoever started the command waits."""
MOST = 1000
"""Objects of one kind that are read."""
_KSERVE = "serving.kserve.io"
_OWNERS = (_KSERVE, "serving.knative.dev", "leaderworkerset.x-k8s.io")
"""Groups whose objects make Deployments and StatefulSets of their own: the owner tells more."""
_LEFT_OUT = ("kubectl.kubernetes.io/last-applied-configuration", "deployment.kubernetes.io/revision")
"""Annotations that say how the object came about; the first one repeats all of it, secrets included."""
_LISTED = "oc get isvc,llmisvc,deploy,sts -A shows what there is"
_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")
"""Nothing else may stand in the path of a question."""
_METADATA = ("name", "namespace", "labels", "annotations")


@dataclass(frozen=True, slots=True)
class _Kind:
    name: str
    group: str
    versions: tuple[str, ...]
    """The newest first."""
    plural: str
    short: str = ""

    @property
    def words(self) -> tuple[str, ...]:
        """What it may be called on the command line."""
        return (self.name.lower(), self.plural, self.short)


_KINDS = (
    _Kind("InferenceService", _KSERVE, ("v1beta1",), "inferenceservices", "isvc"),
    _Kind("LLMInferenceService", _KSERVE, ("v1alpha2", "v1alpha1"), "llminferenceservices", "llmisvc"),
    _Kind("Deployment", "apps", ("v1",), "deployments", "deploy"),
    _Kind("StatefulSet", "apps", ("v1",), "statefulsets", "sts"),
)
_READ = tuple(kind.name for kind in _KINDS)
_RUNTIME = _Kind("ServingRuntime", _KSERVE, ("v1alpha1",), "servingruntimes")
_CLUSTER_RUNTIME = _Kind("ClusterServingRuntime", _KSERVE, ("v1alpha1",), "clusterservingruntimes")
_CONFIG = _Kind("LLMInferenceServiceConfig", _KSERVE, ("v1alpha2", "v1alpha1"), "llminferenceserviceconfigs")


class ServingObjects(msgspec.Struct, frozen=True, kw_only=True):
    """Objects of a namespace, without what the server adds to them."""

    namespace: str
    objects: tuple[dict[str, Any], ...]
    """Those that serve, by kind and name, and behind them what they name: runtimes, configurations."""
    unread: tuple[Problem, ...] = ()
    """What could not be read beside them, and the right that it takes."""


class _Raw(msgspec.Struct, frozen=True):
    """Any object of a list, whose items name no kind."""

    metadata: dict[str, Any] = {}
    spec: dict[str, Any] = {}
    status: dict[str, Any] = {}

    @property
    def name(self) -> str:
        return str(self.metadata.get("name") or "")


@dataclass(slots=True)
class _Found:
    """What is read so far."""

    namespace: str
    objects: list[tuple[_Kind, str, _Raw]] = field(default_factory=list)
    """Kind, `apiVersion`, object."""
    made: dict[str, str] = field(default_factory=dict)
    """Names of what another object makes, and that object: `chat-predictor`: `InferenceService/chat`."""
    unread: list[Problem] = field(default_factory=list)
    refused: int = 0
    """Kinds of which nothing could be read."""


async def read_serving_objects(
    options: ClusterOptions, namespace: str, name: str = "", kind: str = ""
) -> ServingObjects:
    """The InferenceServices, LLMInferenceServices, Deployments and StatefulSets of a namespace that may run
    vLLM, with the runtimes and configurations that they name.

    A Deployment or StatefulSet counts where the word stands in its containers, and where no object of KServe
    makes it. A kind that may not be read costs that kind alone.

    Args:
        options: the cluster.
        namespace: where they are.
        name: only those of this name.
        kind: only this kind; `isvc`, `llmisvc`, `deploy`, `sts` or written out.

    Raises:
        UserError: no such kind or name, nothing is there; or, with the status of the cluster, nothing could
            be read.
    """
    kinds = [one for one in _KINDS if not kind or kind.lower() in one.words]
    if not kinds:
        what = f"{clean(kind, limit=60)!r} is no kind that can be read from a cluster"
        raise UserError(
            Problem(where="--from-cluster", what=what, fix=f"one of {', '.join(one.short for one in _KINDS)}")
        )
    limit = asyncio.timeout(LIMIT_S)
    try:
        async with limit, connect(find_credentials(options), options) as client:
            found = await _look(client, kinds, namespace)
            served = _wanted(found, kinds, name)
            beside = await _named(client, found, served)
    except ClusterError as error:
        raise UserError(error.problem, status=ExitStatus.CLUSTER) from None
    except TimeoutError as error:
        if not hit(limit, error):
            raise
        what = f"the cluster did not tell within {LIMIT_S:.0f} s what runs"
        problem = Problem(where="--from-cluster", what=what, fix="try again, or name one: NAMESPACE/NAME")
        raise UserError(problem, status=ExitStatus.CLUSTER) from None
    objects = (*(_plain(kind, version, one) for kind, version, one in served), *beside)
    return ServingObjects(namespace=namespace, objects=objects, unread=tuple(found.unread))


async def _look(client: Client, kinds: list[_Kind], namespace: str) -> _Found:
    """All of a namespace; one after the other, for the same refusal comes for all of them."""
    found = _Found(namespace)
    for kind in kinds:
        try:
            version, items = await _listed(client, kind, f"namespaces/{namespace}/")
        except ClusterError as error:
            found.unread.append(_unread(error, kind, namespace))
            found.refused += 1
            continue
        for one in sorted(items, key=lambda item: item.name):
            if kind.group == _KSERVE:
                found.objects.append((kind, version, one))
            elif owner := _owner(one):
                found.made[one.name] = owner
            elif _names_vllm(one.spec):
                found.objects.append((kind, version, one))
    if found.refused == len(kinds):
        raise UserError(*found.unread, status=ExitStatus.CLUSTER)
    return found


async def _listed(client: Client, kind: _Kind, where: str) -> tuple[str, list[_Raw]]:
    """Of the newest version that the server has; empty where it has none."""
    for version in kind.versions:
        items: list[_Raw] = []
        try:
            async for page in client.pages(f"/apis/{kind.group}/{version}/{where}{kind.plural}", _Raw):
                if page.restart:
                    items.clear()
                items.extend(page.items)
                if len(items) >= MOST:
                    break
        except ClusterError as error:
            if not error.missing:
                raise
            continue
        return version, items[:MOST]
    return "", []


def _wanted(found: _Found, kinds: list[_Kind], name: str) -> list[tuple[_Kind, str, _Raw]]:
    """Those of a name, or all.

    Raises:
        UserError: there is none.
    """
    chosen = [one for one in found.objects if not name or one[2].name == name]
    if not chosen:
        made = found.made.get(name, "")
        what, fix = _made(found, name, made) if made else _nothing(found, kinds, name)
        raise UserError(
            Problem(where=f"namespace {found.namespace}", what=what, fix=fix, code="nothing-there")
        )
    return chosen


def _made(found: _Found, name: str, made: str) -> tuple[str, str]:
    """What to say of an object that another one makes, and what to do."""
    kind, _, owner = made.partition("/")
    if kind in _READ:
        fix = f"--from-cluster {found.namespace}/{owner}"
        return f"{name} is made by {kind} {owner}, which tells more", fix
    return f"{name} is made by {kind} {owner}, which is not read", f"{', '.join(_READ)} are read"


def _nothing(found: _Found, kinds: list[_Kind], name: str) -> tuple[str, str]:
    """What to say where nothing of that name is there, and what is."""
    foreign = (owner for owner in found.made.values() if owner.partition("/")[0] not in _READ)
    unread = dict.fromkeys((*(one.where for one in found.unread), *foreign))
    beside = f"; not read: {', '.join(unread)}" if unread else ""
    words = "nothing" if len(kinds) > 1 else f"no {kinds[0].name}"
    named = f" called {clean(name, limit=253)!r}" if name else ""
    names = dict.fromkeys(one.name for _, _, one in found.objects)
    near = get_close_matches(name, names, 3, 0.5) or list(names)[:5]
    there = f"there are: {', '.join(clean(one, limit=63) for one in near)}"
    return f"{words}{named} here runs vLLM{beside}", there if near else _LISTED


async def _named(
    client: Client, found: _Found, served: list[tuple[_Kind, str, _Raw]]
) -> list[dict[str, Any]]:
    """The runtimes and configurations that they name; where one names no runtime all that KServe chooses
    from."""
    out: dict[tuple[str, str], dict[str, Any]] = {}
    own = f"namespaces/{found.namespace}/"
    runtimes = [_runtimes_of(one) for kind, _, one in served if kind.name == "InferenceService"]
    for name in sorted({name for names in runtimes for name in names or ()}):
        await _put(client, out, found, [(_RUNTIME, own), (_CLUSTER_RUNTIME, "")], name)
    if None in runtimes:
        await _put_all(client, out, found, [(_RUNTIME, own), (_CLUSTER_RUNTIME, "")])
    bases = {name for kind, _, one in served if kind.group == _KSERVE for name in _bases_of(one)}
    if bases:
        homes = dict.fromkeys((found.namespace, *await likely_homes(client)))
        for name in sorted(bases):
            await _put(client, out, found, [(_CONFIG, f"namespaces/{home}/") for home in homes], name)
    return list(out.values())


async def _put_all(
    client: Client, out: dict[tuple[str, str], dict[str, Any]], found: _Found, places: list[tuple[_Kind, str]]
) -> None:
    """All objects of some kinds."""
    for kind, where in places:
        try:
            version, items = await _listed(client, kind, where)
        except ClusterError as error:
            found.unread.append(_unread(error, kind, found.namespace if where else ""))
            continue
        for one in sorted(items, key=lambda item: item.name):
            out.setdefault((kind.name, one.name), _plain(kind, version, one))


async def _put(
    client: Client,
    out: dict[tuple[str, str], dict[str, Any]],
    found: _Found,
    places: list[tuple[_Kind, str]],
    name: str,
) -> None:
    """The first object of a name, of the places where KServe looks; the reader tells where there is none, and
    of a text that is no name."""
    if _NAME.fullmatch(name) is None:
        return
    for kind, where in places:
        for version in kind.versions:
            try:
                value = await client.get(f"/apis/{kind.group}/{version}/{where}{kind.plural}/{name}", _Raw)
            except ClusterError as error:
                if not error.missing:
                    namespace = where.removeprefix("namespaces/").rstrip("/")
                    found.unread.append(_unread(error, kind, namespace, verb="get"))
                    break
                continue
            out.setdefault((kind.name, name), _plain(kind, version, value))
            return


def _runtimes_of(service: _Raw) -> tuple[str, ...] | None:
    """The runtime that an InferenceService names, or that KServe says it took; None where neither does."""
    predictor = service.spec.get("predictor")
    model = predictor.get("model") if isinstance(predictor, dict) else None
    if not isinstance(model, dict):
        return ()
    told = (
        model.get("runtime"),
        *map(service.status.get, ("servingRuntimeName", "clusterServingRuntimeName")),
    )
    name = next((one for one in told if isinstance(one, str) and one), "")
    return (name,) if name else None


def _bases_of(service: _Raw) -> Iterator[str]:
    refs = service.spec.get("baseRefs")
    for one in refs if isinstance(refs, list) else ():
        if isinstance(one, dict) and isinstance(one.get("name"), str) and one["name"]:
            yield one["name"]


def _owner(one: _Raw) -> str:
    """`InferenceService/NAME` of what made an object and is read itself, or stands for it; else empty."""
    owners = one.metadata.get("ownerReferences")
    for owner in owners if isinstance(owners, list) else ():
        if isinstance(owner, dict) and str(owner.get("apiVersion") or "").partition("/")[0] in _OWNERS:
            return clean(f"{owner.get('kind')}/{owner.get('name')}", limit=300)
    return ""


def _names_vllm(spec: Mapping[str, Any]) -> bool:
    """Whether a container's image, command or arguments name vLLM."""
    pod = spec.get("template")
    pod = pod.get("spec") if isinstance(pod, dict) else None
    containers = pod.get("containers") if isinstance(pod, dict) else None
    for one in containers if isinstance(containers, list) else ():
        if isinstance(one, dict):
            told = (one.get("image"), *_texts(one.get("command")), *_texts(one.get("args")))
            if any("vllm" in str(text).lower() for text in told):
                return True
    return False


def _texts(value: object) -> Iterable[object]:
    return value if isinstance(value, list) else ()


def _plain(kind: _Kind, version: str, one: _Raw) -> dict[str, Any]:
    """As a file would have it."""
    metadata = {key: one.metadata[key] for key in _METADATA if one.metadata.get(key)}
    if isinstance(notes := metadata.get("annotations"), dict):
        metadata["annotations"] = {name: note for name, note in notes.items() if name not in _LEFT_OUT}
        if not metadata["annotations"]:
            del metadata["annotations"]
    return {
        "apiVersion": f"{kind.group}/{version}",
        "kind": kind.name,
        "metadata": metadata,
        "spec": one.spec,
    }


def _unread(error: ClusterError, kind: _Kind, namespace: str, verb: str = "list") -> Problem:
    right = Right(kind.plural, kind.group, namespace, verb)
    where = f"{kind.plural}.{kind.group}"
    if error.forbidden:
        scope = f" in namespace {namespace}" if namespace else ""
        return Problem(
            where=where, what=f"you may not {verb} them{scope}", fix=right.command, code="forbidden"
        )
    return Problem(where=where, what=error.problem.what, fix=error.problem.fix, code=error.problem.code)
