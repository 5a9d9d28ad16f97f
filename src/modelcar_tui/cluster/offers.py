"""The vLLM runtimes that a namespace offers: Templates of the dashboard, and ServingRuntimes that exist."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import msgspec

from modelcar_tui.cluster.scheduling import Requirement, Scheduling
from modelcar_tui.cluster.tolerations import Written, tolerations_of
from modelcar_tui.core.text import clean
from modelcar_tui.hardware import vendors
from modelcar_tui.kube import mebibytes, thousandths
from modelcar_tui.kube.objects import Meta, NodeSelector, Requirements
from modelcar_tui.manifest import expanded, masked_arguments, references
from modelcar_tui.vllm import release_of_runtime

_CONTAINER = "kserve-container"
_STANDARD = re.compile(r"vllm-(?P<word>.+)-runtime-template")
_FAST = re.compile(r".*-fast-\d+(?:-template)?")
_SECRET = re.compile(r"(?i)key|token|secret|passw|credential|auth")
_PARAMETER = re.compile(r"\$\{|\{\{")
"""Of a template that was not filled in, or of KServe."""
_MOST_VARIABLES, _LONGEST = 200, 200
_ARCHITECTURES = (("ppc64le", ("ppc64le",)), ("s390x", ("s390x",)), ("x86", ("amd64",)))


class _Variable(msgspec.Struct, frozen=True):
    name: str = ""
    value: str | None = None


class _Port(msgspec.Struct, frozen=True, rename="camel"):
    container_port: int | None = None


class Container(msgspec.Struct, frozen=True):
    name: str = ""
    image: str = ""
    command: list[str] | None = None
    ports: list[_Port] | None = None
    args: list[str] | None = None
    env: list[_Variable] | None = None
    resources: Requirements | None = None


class _NodeAffinity(msgspec.Struct, frozen=True):
    required: NodeSelector | None = msgspec.field(
        default=None, name="requiredDuringSchedulingIgnoredDuringExecution"
    )


class _Affinity(msgspec.Struct, frozen=True, rename="camel"):
    node_affinity: _NodeAffinity | None = None


class RuntimeSpec(msgspec.Struct, frozen=True, rename="camel"):
    containers: list[Container] | None = None
    annotations: dict[str, str] | None = None
    supported_model_formats: list[dict[str, Any]] | None = None
    worker_spec: Any = None
    node_selector: dict[str, str] | None = None
    affinity: _Affinity | None = None
    tolerations: list[Written] | None = None
    disabled: bool | None = None


class ServingRuntime(msgspec.Struct, frozen=True):
    """serving.kserve.io/v1alpha1 ServingRuntime."""

    kind: str = ""
    metadata: Meta = Meta()
    spec: RuntimeSpec = RuntimeSpec()


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
    spec, notes = runtime.spec, runtime.metadata.annotations or {}
    container = min(spec.containers or (), key=lambda one: one.name != _CONTAINER, default=None)
    if container is None or not _runs_vllm(runtime, container.image):
        return None
    short, environment = clean(name, limit=253), _environment(container.env or ())
    return Offer(
        name=short,
        runtime=clean(runtime.metadata.name, limit=253),
        image=clean(container.image, limit=500),
        accelerators=_accelerators(notes.get("opendatahub.io/recommended-accelerators")),
        version=release_of_runtime(
            notes.get("opendatahub.io/runtime-version", ""), container.image, dict(environment)
        ),
        args=masked_arguments(tuple(clean(arg, limit=500) for arg in container.args or ())),
        command=masked_arguments(tuple(clean(word, limit=500) for word in container.command or ())),
        port=next((one.container_port for one in container.ports or ()), None),
        environment=environment,
        scheduling=_scheduling(spec, container),
        architectures=_architectures(short),
        dropped=_why_dropped(spec, container.image),
    )


def _why_dropped(spec: RuntimeSpec, image: str) -> str:
    if spec.worker_spec is not None:
        return "is for several nodes"
    if spec.disabled:
        return "is disabled"
    if not image or "$" in image:
        return f"has an image that was never filled in ({clean(image, limit=120) or 'empty'})"
    return ""


def _environment(variables: Sequence[_Variable]) -> tuple[tuple[str, str], ...]:
    """What is said literally and may be told: no value of another object, and nothing that looks secret.

    A value may refer to variables before it, as Kubernetes has it; a name that stands there again counts
    anew.
    """
    found: dict[str, str] = {}
    for variable in variables[:_MOST_VARIABLES]:
        found.pop(variable.name, None)
        value = expanded(variable.value or "", found)
        told = len(value) <= _LONGEST and value == clean(value) and not _SECRET.search(variable.name)
        whole = variable.value is not None and not references(value) and not _PARAMETER.search(value)
        if told and whole:
            found[variable.name] = value
    return tuple(found.items())


def _scheduling(spec: RuntimeSpec, container: Container) -> Scheduling:
    resources = container.resources or Requirements()
    asked = {**(resources.limits or {}), **(resources.requests or {})}  # a limit alone is the request, too
    affinity = spec.affinity.node_affinity if spec.affinity else None
    required = affinity.required if affinity else None
    return Scheduling(
        cpu_milli=thousandths(asked.get("cpu")),
        memory_mib=mebibytes(asked.get("memory")),
        selector=tuple((clean(k), clean(v)) for k, v in sorted((spec.node_selector or {}).items())),
        terms=tuple(
            tuple(
                Requirement(
                    key=clean(one.key),
                    operator=clean(one.operator),
                    values=tuple(clean(value) for value in one.values or ()),
                )
                for one in term.match_expressions or ()
            )
            for term in (required.node_selector_terms if required else None) or ()
        ),
        tolerations=tolerations_of(spec.tolerations),
    )


def _runs_vllm(runtime: ServingRuntime, image: str) -> bool:
    if (runtime.spec.annotations or {}).get("opendatahub.io/kserve-runtime") == "vllm":
        return True
    formats = [one.get("name") for one in runtime.spec.supported_model_formats or ()]
    return "vLLM" in formats or "vllm" in image


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
