"""A ServingRuntime (serving.kserve.io/v1alpha1) of the runtime that the cluster offers.

Its annotations: opendatahub-io/odh-model-controller, config/runtimes/vllm; `opendatahub.io/template-name` is
the dashboard's.
"""

from __future__ import annotations

from typing import Any

import msgspec

from modelcar_tui.cluster.types import Runtime
from modelcar_tui.core.errors import Problem, UserError
from modelcar_tui.kserve.render_draft import Draft, Path

_CONTAINER: Path = ("spec", "containers", 0)
_COMMAND = ("python", "-m", "vllm.entrypoints.openai.api_server")
STANDARD_ARGS = ("--port=8080", "--model=/mnt/models", "--served-model-name={{.Name}}")
"""Of all of OpenShift AI's templates but Spyre's."""


def serving_runtime(runtime: Runtime | None, name: str, namespace: str = "") -> Draft:
    """The runtime under a name.

    Args:
        runtime: what the cluster offers, or the operator's own image.
        name: of the ServingRuntime.
        namespace: where it is to be; empty leaves it to whoever applies it.

    Raises:
        UserError: no runtime is known.
    """
    if runtime is None:
        what = "no vLLM runtime of the cluster is known"
        fix = "log in to the cluster, or name the image yourself: export VLLM_RUNTIME_IMAGE=IMAGE"
        raise UserError(Problem(where="ServingRuntime", what=what, fix=fix, code="no-runtime"))
    draft = Draft("serving.kserve.io/v1alpha1", "ServingRuntime")
    draft.put("metadata.name", name)
    draft.put("metadata.namespace", namespace)
    draft.put(("metadata", "labels", "opendatahub.io/dashboard"), "true")
    _put_annotations(draft, runtime, name)
    draft.put(("spec", "annotations", "opendatahub.io/kserve-runtime"), "vllm")
    port = runtime.port or 8080
    draft.put(("spec", "annotations", "prometheus.io/port"), str(port))
    draft.put(("spec", "annotations", "prometheus.io/path"), "/metrics")
    draft.put("spec.multiModel", False)
    draft.put("spec.supportedModelFormats", [{"name": "vLLM", "autoSelect": True}])
    _put_scheduling(draft, runtime)
    draft.put("spec.containers", [{"name": "kserve-container", "image": runtime.image}])
    _put_container(draft, runtime, port)
    return draft


def _put_annotations(draft: Draft, runtime: Runtime, name: str) -> None:
    notes: Path = ("metadata", "annotations")
    draft.put((*notes, "openshift.io/display-name"), runtime.name or name)
    if "/" in runtime.accelerator:
        told = msgspec.json.encode([runtime.accelerator]).decode()
        draft.put((*notes, "opendatahub.io/recommended-accelerators"), told)
    if runtime.version:
        draft.put((*notes, "opendatahub.io/runtime-version"), f"v{runtime.version.removeprefix('v')}")
    if runtime.template:
        draft.put((*notes, "opendatahub.io/template-name"), runtime.name)


def _put_container(draft: Draft, runtime: Runtime, port: int) -> None:
    told = bool(runtime.args or runtime.command or runtime.serving_runtime)
    why = "" if told else "nothing tells how this image is started: as OpenShift AI's own templates do"
    draft.put((*_CONTAINER, "command"), runtime.command if told else _COMMAND, why)
    draft.put((*_CONTAINER, "args"), runtime.args if told else STANDARD_ARGS)
    env = [{"name": name, "value": value} for name, value in runtime.environment]
    more = f"oc get template {runtime.name} -o yaml" if runtime.template else "oc get servingruntimes -o yaml"
    left = f"variables with a literal value; what comes from Secrets or other objects is not here: {more}"
    draft.put((*_CONTAINER, "env"), env, left)
    draft.put((*_CONTAINER, "ports"), [{"containerPort": port, "protocol": "TCP"}])


def _put_scheduling(draft: Draft, runtime: Runtime) -> None:
    asked = runtime.scheduling
    draft.put("spec.nodeSelector", dict(asked.selector))
    terms = [[_requirement(one.key, one.operator, one.values) for one in term] for term in asked.terms]
    required = "requiredDuringSchedulingIgnoredDuringExecution"
    if terms:
        draft.put(
            ("spec", "affinity", "nodeAffinity", required),
            {"nodeSelectorTerms": [{"matchExpressions": term} for term in terms]},
        )
    rows = [msgspec.structs.asdict(one) for one in asked.tolerations]
    draft.put("spec.tolerations", [{key: value for key, value in row.items() if value} for row in rows])


def _requirement(key: str, operator: str, values: tuple[str, ...]) -> dict[str, Any]:
    found: dict[str, Any] = {"key": key, "operator": operator}
    return {**found, "values": list(values)} if values else found
