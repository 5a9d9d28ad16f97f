"""The vLLM runtimes that a namespace offers: Templates of the dashboard, and ServingRuntimes that exist."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from modelcar_tui.core.text import clean
from modelcar_tui.hardware import vendors
from modelcar_tui.kube.objects import Meta
from modelcar_tui.manifest import ReadRuntime, Scheduling, runtime_from
from modelcar_tui.vllm import release_of_runtime

_STANDARD = re.compile(r"vllm-(?P<word>.+)-runtime-template")
_FAST = re.compile(r".*-fast-\d+(?:-template)?")
_ARCHITECTURES = (("ppc64le", ("ppc64le",)), ("s390x", ("s390x",)), ("x86", ("amd64",)))


class ServingRuntime(msgspec.Struct, frozen=True):
    """serving.kserve.io/v1alpha1 ServingRuntime."""

    kind: str = ""
    metadata: Meta = Meta()
    spec: dict[str, Any] = {}


class Template(msgspec.Struct, frozen=True):
    """template.openshift.io/v1 Template."""

    metadata: Meta = Meta()
    objects: list[ServingRuntime] | None = None


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """One vLLM runtime; texts are cleaned."""

    name: str
    """Of the Template, or of the ServingRuntime."""
    runtime: str
    """Of the ServingRuntime."""
    image: str
    accelerators: tuple[str, ...] | None = None
    """Resources that it is recommended for; None when nothing says so."""
    version: str | None = None
    args: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    port: int | None = None
    starts: tuple[str, ...] = ()
    script: bool = False
    shm_mib: int | None = None
    memory_limit_mib: int | None = None
    withheld: tuple[str, ...] = ()
    template: bool = False
    environment: tuple[tuple[str, str], ...] = ()
    scheduling: Scheduling = Scheduling()
    architectures: tuple[str, ...] = ()
    """Node architectures, where its name tells; any when empty."""
    standard: bool = False
    shipped: bool = False
    dropped: str = ""
    """Why it is not to be chosen; reads on after its name."""
    order: int = 1000
    """The administrator's order."""


def from_template(template: Template, disabled: frozenset[str], order: list[str]) -> list[Offer]:
    """The vLLM runtimes in a template."""
    meta = template.metadata
    labels, notes = meta.labels or {}, meta.annotations or {}
    found = []
    for runtime in template.objects or ():
        offer = _offer(runtime, meta.name) if runtime.kind in ("", "ServingRuntime") else None
        if offer is None:
            continue
        dropped = offer.dropped
        if labels.get("opendatahub.io/dashboard") == "false":
            dropped = "is not offered by the dashboard"
        elif {meta.name, runtime.metadata.name} & disabled:
            dropped = "is disabled by the administrator"
        elif _unsupported(meta.name, notes) or _unsupported(
            runtime.metadata.name, runtime.metadata.annotations or {}
        ):
            dropped = "is an unsupported fast variant"
        found.append(
            msgspec.structs.replace(
                offer,
                dropped=dropped,
                template=True,
                standard=_is_standard(meta.name),
                shipped=labels.get("opendatahub.io/ootb") == "true",
                order=order.index(meta.name) if meta.name in order else 1000,
            )
        )
    return found


def _is_standard(name: str) -> bool:
    """Whether it is a template that OpenShift AI ships for one vendor's accelerators, or for none."""
    match = _STANDARD.fullmatch(name)
    shipped = {word for vendor in vendors().values() for word in vendor.templates}
    return match is not None and match["word"] in shipped


def from_runtime(runtime: ServingRuntime) -> Offer | None:
    """The offer of a ServingRuntime that exists; None when it does not run vLLM."""
    return _offer(runtime, runtime.metadata.name)


def _offer(runtime: ServingRuntime, name: str) -> Offer | None:
    notes, short = runtime.metadata.annotations or {}, clean(name, limit=253)
    own = clean(runtime.metadata.name, limit=253)
    read = runtime_from(own, notes, runtime.spec)
    if read is None or read.container is None or not read.runs_vllm:
        return None
    return Offer(
        name=short,
        runtime=own,
        image=clean(read.image, limit=500),
        accelerators=_accelerators(notes.get("opendatahub.io/recommended-accelerators")),
        version=release_of_runtime(
            notes.get("opendatahub.io/runtime-version", ""), read.image, dict(read.environment)
        ),
        args=read.args,
        environment=read.environment,
        scheduling=read.scheduling,
        command=read.command,
        port=read.port,
        starts=read.starting.words,
        script=read.starting.script,
        shm_mib=read.shm_mib,
        memory_limit_mib=read.memory_limit_mib,
        withheld=read.withheld,
        architectures=_architectures(short),
        dropped=_why_dropped(read),
    )


def _why_dropped(read: ReadRuntime) -> str:
    if read.worker is not None:
        return "is for several nodes"
    if read.disabled:
        return "is disabled"
    if not read.image or "$" in read.image:
        return f"has an image that was never filled in ({clean(read.image, limit=120) or 'empty'})"
    return ""


def _accelerators(text: str | None) -> tuple[str, ...] | None:
    """The annotation is a JSON array in a string."""
    if text is None:
        return None
    try:
        found = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return None
    return (
        tuple(clean(one, limit=200) for one in found if isinstance(one, str))
        if isinstance(found, list)
        else None
    )


def _architectures(name: str) -> tuple[str, ...]:
    for word, found in _ARCHITECTURES:
        if word in name:
            return found
    return ("ppc64le", "s390x") if name.startswith("vllm-cpu-runtime") else ()


def _unsupported(name: str, notes: dict[str, str]) -> bool:
    if notes.get("opendatahub.io/unsupported-status-accepted") == "true":
        return False
    return bool(_FAST.fullmatch(name)) or notes.get("opendatahub.io/support-status") == "unsupported"
