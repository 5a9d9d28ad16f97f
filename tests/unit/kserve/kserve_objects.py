"""Objects of KServe's kinds, good and bad, and what an API server's answer says of each field.

`tests/apiserver/test_apiserver_kserve.py` asks a real server about them and keeps its answers in
`tests/data/crds/answers`; the unit tests hold `validate` against the answers.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from modelcar_tui.core.errors import Problem

ANSWERS = Path(__file__).parents[2] / "data" / "crds" / "answers" / "kserve.json"
Object = dict[str, Any]
GONE = object()
"""An edit that takes the field out."""
_CONTAINER: Object = {
    "name": "main",
    "image": "registry.redhat.io/rhaiis/vllm-cuda-rhel9:3.2.1",
    "args": ["--max-model-len=8192"],
    "env": [
        {"name": "HF_TOKEN", "valueFrom": {"secretKeyRef": {"name": "hf", "key": "token"}}},
        {"name": "VLLM_LOGGING_LEVEL", "value": "INFO"},
    ],
    "ports": [{"containerPort": 8000, "protocol": "TCP"}],
    "resources": {
        "limits": {"cpu": "4", "memory": "64Gi", "nvidia.com/gpu": "2"},
        "requests": {"cpu": 2, "memory": "1.5e10", "nvidia.com/gpu": 2},
    },
    "volumeMounts": [{"name": "shm", "mountPath": "/dev/shm"}],
    "readinessProbe": {"httpGet": {"path": "/health", "port": "http"}, "failureThreshold": 30},
    "startupProbe": {"httpGet": {"path": "/health", "port": 8000}, "periodSeconds": 10},
}
_POD: Object = {
    "tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}],
    "nodeSelector": {"nvidia.com/gpu.product": "NVIDIA-H100-80GB-HBM3"},
    "imagePullSecrets": [{"name": "pull"}],
    "volumes": [{"name": "shm", "emptyDir": {"medium": "Memory", "sizeLimit": "2Gi"}}],
}
_META: Object = {
    "name": "granite-8b",
    "labels": {"opendatahub.io/dashboard": "true"},
    "annotations": {"serving.kserve.io/deploymentMode": "RawDeployment"},
}
BASES: dict[str, Object] = {
    "InferenceService": {
        "apiVersion": "serving.kserve.io/v1beta1",
        "kind": "InferenceService",
        "metadata": _META,
        "spec": {
            "predictor": {
                **_POD,
                "minReplicas": 1,
                "maxReplicas": 1,
                "model": {
                    **{key: value for key, value in _CONTAINER.items() if key not in ("name", "image")},
                    "modelFormat": {"name": "vLLM"},
                    "runtime": "vllm-cuda-runtime",
                    "storageUri": "oci://registry.redhat.io/rhelai1/modelcar-granite-3-1-8b-instruct:1.5",
                },
            }
        },
    },
    "ServingRuntime": {
        "apiVersion": "serving.kserve.io/v1alpha1",
        "kind": "ServingRuntime",
        "metadata": _META,
        "spec": {
            **_POD,
            "multiModel": False,
            "supportedModelFormats": [{"name": "vLLM", "autoSelect": True, "priority": 1}],
            "containers": [{**_CONTAINER, "name": "kserve-container"}],
        },
    },
    "LLMInferenceService": {
        "apiVersion": "serving.kserve.io/v1alpha1",
        "kind": "LLMInferenceService",
        "metadata": _META,
        "spec": {
            "model": {"uri": "hf://ibm-granite/granite-3.1-8b-instruct", "name": "granite"},
            "replicas": 2,
            "parallelism": {"tensor": 2},
            "router": {"route": {}, "gateway": {}, "scheduler": {}},
            "template": {**_POD, "containers": [_CONTAINER]},
            "prefill": {"replicas": 1, "template": {"containers": [_CONTAINER]}},
        },
    },
}
BASES["ClusterServingRuntime"] = {**BASES["ServingRuntime"], "kind": "ClusterServingRuntime"}
BASES["LLMInferenceServiceConfig"] = {**BASES["LLMInferenceService"], "kind": "LLMInferenceServiceConfig"}

_OF_METADATA: dict[str, dict[str, Any]] = {
    "good": {},
    "name-missing": {"metadata.name": GONE},
    "name-generated": {"metadata.name": GONE, "metadata.generateName": "granite-"},
    "name-upper": {"metadata.name": "Granite"},
    "name-underscore": {"metadata.name": "granite_8b"},
    "name-dotted": {"metadata.name": "granite-3.1"},
    "name-long": {"metadata.name": "a" * 254},
    "label-value": {"metadata.labels.team": "a b"},
    "label-value-long": {"metadata.labels.team": "a" * 64},
    "label-value-empty": {"metadata.labels.team": ""},
    "label-key": {"metadata.labels": {"a/b/c": "x"}},
    "label-number": {"metadata.labels.team": 7},
    "label-null": {"metadata.labels.team": None},
    "labels-null": {"metadata.labels": None},
    "annotation-key": {"metadata.annotations": {"a b": "x"}},
    "annotation-key-upper": {"metadata.annotations": {"Team": "x"}},
    "annotation-truth": {"metadata.annotations": {"a": True}},
    "annotations-large": {"metadata.annotations": {"a": "x" * 270_000}},
    "metadata-unknown": {"metadata.label": {"a": "b"}},
    "creation-null": {"metadata.creationTimestamp": None},
    "owner-partial": {"metadata.ownerReferences": [{"apiVersion": "v1", "kind": "ConfigMap", "name": "a"}]},
    "status-odd": {"status": {"no": "such"}},
    "spec-missing": {"spec": GONE},
    "spec-null": {"spec": None},
    "spec-list": {"spec": []},
    "top-unknown": {"specs": {}},
}
_OF_CONTAINERS: dict[str, dict[str, Any]] = {
    "args-number": {"args[0]": 8192},
    "args-truth": {"args[0]": True},
    "args-text": {"args": "--max-model-len=8192"},
    "args-null": {"args": None},
    "args-of-null": {"args[0]": None},
    "args-empty": {"args": []},
    "misspelt": {"arguments": ["--a"]},
    "env-number": {"env[1].value": 1},
    "env-unnamed": {"env[0].name": GONE},
    "env-twice": {"env[1].name": "HF_TOKEN"},
    "env-map": {"env": {"A": "b"}},
    "env-from-unknown": {"env[0].valueFrom.secretRef": {"name": "x"}},
    "port-missing": {"ports[0].containerPort": GONE},
    "port-text": {"ports[0].containerPort": "8000"},
    "port-fraction": {"ports[0].containerPort": 8000.5},
    "port-float": {"ports[0].containerPort": 8000.0},
    "port-large": {"ports[0].containerPort": 2**31},
    "port-low": {"ports[0].containerPort": -(2**31)},
    "port-huge": {"ports[0].containerPort": 2**64},
    "port-default": {"ports[0].protocol": GONE},
    "port-default-null": {"ports[0].protocol": None},
    "port-twice": {"ports": [{"containerPort": 80}, {"containerPort": 80, "protocol": "TCP"}]},
    "port-both": {"ports": [{"containerPort": 80, "protocol": "UDP"}, {"containerPort": 80}]},
    "limit-fraction": {"resources.limits.cpu": 0.5},
    "limit-truth": {"resources.limits.cpu": True},
    "limit-null": {"resources.limits.cpu": None},
    "limit-form": {"resources.limits.memory": "64GB"},
    "limit-line": {"resources.limits.memory": "64Gi\n"},
    "limit-empty": {"resources.limits.memory": ""},
    "limit-negative": {"resources.limits.memory": "-1"},
    "limit-map": {"resources.limits.memory": {}},
    "limits-list": {"resources.limits": []},
    "limits-text": {"resources.limits": "all"},
    "mount-twice": {"volumeMounts[1]": {"name": "other", "mountPath": "/dev/shm"}},
    "mount-partial": {"volumeMounts[0].mountPath": GONE},
    "probe-port-fraction": {"startupProbe.httpGet.port": 8000.5},
    "probe-port-float": {"startupProbe.httpGet.port": 8000.0},
    "probe-port-missing": {"startupProbe.httpGet.port": GONE},
    "probe-count-text": {"readinessProbe.failureThreshold": "30"},
    "probe-count-large": {"readinessProbe.failureThreshold": 2**31 - 1},
    "probe-unknown": {"readinessProbe.threshold": 3},
}
_OF_PODS: dict[str, dict[str, Any]] = {
    "pod-unknown": {"shm": "2Gi"},
    "toleration-seconds": {"tolerations[0].tolerationSeconds": 2**63},
    "tolerations-map": {"tolerations": {"key": "a"}},
    "selector-number": {"nodeSelector": {"gpu": 1}},
    "selector-null": {"nodeSelector": {"gpu": None}},
    "volume-size": {"volumes[0].emptyDir.sizeLimit": "2 Gi"},
    "volume-size-number": {"volumes[0].emptyDir.sizeLimit": 2147483648},
    "volume-unnamed": {"volumes[0].name": GONE},
    "secret-text": {"imagePullSecrets": ["pull"]},
}
_OWN: dict[str, dict[str, dict[str, Any]]] = {
    "InferenceService": {
        "predictor-missing": {"spec.predictor": GONE},
        "predictor-null": {"spec.predictor": None},
        "format-missing": {"spec.predictor.model.modelFormat": GONE},
        "format-unnamed": {"spec.predictor.model.modelFormat": {}},
        "replicas-text": {"spec.predictor.minReplicas": "1"},
        "replicas-large": {"spec.predictor.minReplicas": 2**31},
        "metric": {"spec.predictor.scaleMetric": "gpu"},
        "metric-empty": {"spec.predictor.scaleMetric": ""},
        "uri-number": {"spec.predictor.model.storageUri": 1},
        "concurrency-huge": {"spec.predictor.containerConcurrency": 2**63},
        "predictor-twice": {"spec.predictors": {}},
        "many": {
            "spec.predictor.minReplicas": "1",
            "spec.predictor.foo": 1,
            "spec.predictor.model.args[0]": 1,
        },
    },
    "ServingRuntime": {
        "containers-missing": {"spec.containers": GONE},
        "containers-empty": {"spec.containers": []},
        "container-unnamed": {"spec.containers[0].name": GONE},
        "priority-zero": {"spec.supportedModelFormats[0].priority": 0},
        "format-unnamed": {"spec.supportedModelFormats[0].name": GONE},
        "annotations-number": {"spec.annotations": {"prometheus.io/port": 8080}},
    },
    "LLMInferenceService": {
        "model-missing": {"spec.model": GONE},
        "uri-missing": {"spec.model.uri": GONE},
        "tensor-zero": {"spec.parallelism.tensor": 0},
        "tensor-text": {"spec.parallelism.tensor": "2"},
        "rpc-port": {"spec.parallelism.dataRPCPort": 65536},
        "replicas-negative": {"spec.replicas": -1},
        "container-unnamed": {"spec.template.containers[0].name": GONE},
        "containers-twice": {"spec.template.containers[1]": {"name": "main"}},
        "containers-missing": {"spec.template.containers": GONE},
        "worker-text": {"spec.worker": "yes"},
        "gateway-unnamed": {"spec.router.gateway.refs": [{"namespace": "openshift-ingress"}]},
        "gateway-name": {"spec.router.gateway.refs": [{"name": "", "namespace": "A"}]},
        "lora-open": {"spec.model.lora": {"adapters": [{"uri": "hf://a/b", "name": "a", "no": {"such": 1}}]}},
    },
}
_PLACES = {
    "InferenceService": ("spec.predictor.model.", "spec.predictor."),
    "ServingRuntime": ("spec.containers[0].", "spec."),
    "LLMInferenceService": ("spec.template.containers[0].", "spec.template."),
}
_LIKE = {
    "ClusterServingRuntime": "ServingRuntime",
    "LLMInferenceServiceConfig": "LLMInferenceService",
}


def cases(kind: str) -> dict[str, Object]:
    """Every object of a kind by its case's name."""
    like = _LIKE.get(kind, kind)
    container, pod = _PLACES[like]
    edits = {
        **_OF_METADATA,
        **{
            name: {container + path: value for path, value in edit.items()}
            for name, edit in _OF_CONTAINERS.items()
        },
        **{name: {pod + path: value for path, value in edit.items()} for name, edit in _OF_PODS.items()},
        **_OWN[like],
    }
    if like != kind:
        # Their schemas are nearly those of the other kind: what differs is what is asked.
        edits = {
            **{name: edits[name] for name in ("good", "args-number", "misspelt", "limit-form")},
            **_OWN[like],
        }
    return {name: edited(BASES[kind], edit) for name, edit in edits.items()}


def edited(base: Object, edit: dict[str, Any]) -> Object:
    """A copy with fields set by their paths: `spec.containers[0].args`."""
    made = json.loads(json.dumps(base))  # no part of it is shared, as copies of it would be
    for path, value in edit.items():
        *way, last = [int(part) if part.isdigit() else part for part in re.findall(r"[^.\[\]]+", path)]
        at: Any = made
        for part in way:
            at = at[part] if isinstance(part, int) else at.setdefault(part, {})
        if value is GONE:
            del at[last]
        elif isinstance(last, int) and last == len(at):
            at.append(copy.deepcopy(value))
        else:
            at[last] = copy.deepcopy(value)
    return made


def as_served(value: Object, version: str) -> Object:
    """The object in another version of its API."""
    return {**value, "apiVersion": f"serving.kserve.io/{version}"}


class Answer(NamedTuple):
    """What a server, or we, say of an object."""

    taken: bool
    wrong: tuple[str, ...]
    """The fields that it refuses, as a server of 1.20 names them: without places in lists."""
    dropped: tuple[str, ...]
    """The fields that it drops; none where the object is refused."""


def as_answer(told: tuple[Problem, ...]) -> Answer:
    """What `validate` says, in the form of a server's answer. CEL rules are left out."""
    wrong = {one.where for one in told if one.code not in ("field-unknown", "rule-broken", "rule-unchecked")}
    dropped = {one.where for one in told if one.code == "field-unknown"}
    return Answer(not wrong, fields(wrong), () if wrong else tuple(sorted(dropped)))


def fields(told: Iterable[str]) -> tuple[str, ...]:
    """Fields in the form of 1.20: no place in a list, and in metadata the map and not its key."""
    bare = {re.sub(r"\[(\D[^\]]*)\]", r".\1", re.sub(r"\[\d+\]", "", one)) for one in told} - {"<nil>"}
    return tuple(sorted({re.sub(r"^(metadata\.(?:labels|annotations)).*", r"\1", one) for one in bare}))


def agree(ours: Answer, theirs: Answer) -> bool:
    """Whether two answers say the same. What a server can't decode it refuses whole, and names no field."""
    return ours == theirs or (not ours.taken and not theirs.taken and not theirs.wrong)


DIFFERENT = {"port-large", "replicas-large"}
"""Larger than int32: the server takes them, KServe's webhooks can't read them into their Go types."""


def dropped(given: Any, kept: Any, path: str = "") -> Iterator[str]:
    """The paths of what was given and not kept, but for nulls."""
    if isinstance(given, dict) and isinstance(kept, dict):
        for key, value in given.items():
            inner = f"{path}.{key}" if path else key
            if key in kept:
                yield from dropped(value, kept[key], inner)
            elif value is not None and inner != "status":
                yield inner
    elif isinstance(given, list) and isinstance(kept, list):
        for at, (one, other) in enumerate(zip(given, kept, strict=True)):
            yield from dropped(one, other, f"{path}[{at}]")


def answers() -> dict[str, dict[str, Answer]]:
    """The server's answers: by a schema's digest, then by case."""
    found: dict[str, dict[str, Answer]] = {}
    for name, told in json.loads(ANSWERS.read_text())["answers"].items():
        for one in told:
            for digest in one["schemas"].split():
                found.setdefault(digest, {})[name] = Answer(
                    one["taken"], tuple(one["wrong"]), tuple(one["dropped"])
                )
    return found


def keep_answers(found: dict[str, dict[str, Answer]]) -> None:
    """Write the server's answers: for each case each answer, with the schemas with which it was given."""
    grouped: dict[str, dict[Answer, list[str]]] = {}
    for digest, told in sorted(found.items()):
        for name, answer in told.items():
            grouped.setdefault(name, {}).setdefault(answer, []).append(digest)
    source = "kube-apiserver 1.20.2 (Debian's source package), dry runs with each kept schema, CEL rules out"
    answers = {
        name: [
            {**answer._asdict(), "schemas": " ".join(digests)} for answer, digests in sorted(several.items())
        ]
        for name, several in sorted(grouped.items())
    }
    ANSWERS.write_text(json.dumps({"source": source, "answers": answers}, indent=1) + "\n")
