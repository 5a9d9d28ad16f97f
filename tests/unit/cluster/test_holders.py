"""Whose pods hold a node's accelerators."""

from __future__ import annotations

from typing import Any

import pytest

from modelcar_tui.cluster.free import Usage, add_pods, with_free
from modelcar_tui.cluster.types import GpuNode, Holder, Pool
from modelcar_tui.core.decode import convert
from modelcar_tui.kube.objects import Pod

LLM = {"app.kubernetes.io/part-of": "llminferenceservice", "app.kubernetes.io/name": "chat"}
GPUS = (("nvidia.com/gpu", 2),)


def pod(
    labels: dict[str, str] | None = None, owner: tuple[str, str] | None = None, *, gpus: int = 2, **meta: Any
) -> Pod:
    owners = [{"kind": owner[0], "name": owner[1], "controller": True}] if owner else None
    asked = {"nvidia.com/gpu": gpus, "cpu": "3", "memory": "5Gi"}
    told = {"name": "p", "namespace": "prod", "labels": labels, "ownerReferences": owners, **meta}
    spec = {"nodeName": "n", "containers": [{"resources": {"requests": asked}}]}
    return convert({"metadata": told, "spec": spec}, Pod)


def held(*pods: Pod) -> tuple[Holder, ...]:
    usage: Usage = {}
    assert add_pods(usage, pods) == {}
    node = GpuNode(name="n", vendor="nvidia", pool=(Pool(resource="nvidia.com/gpu", units=8),))
    found = with_free(node, usage).held
    assert found is not None
    assert found.pods == len(pods)
    return found.holders


@pytest.mark.parametrize(
    ("labels", "owner", "kind", "name"),
    [
        (
            {"serving.kserve.io/inferenceservice": "chat", "pod-template-hash": "ab"},
            ("ReplicaSet", "chat-predictor-ab"),
            "InferenceService",
            "chat",
        ),
        (LLM, ("ReplicaSet", "chat-kserve-ab"), "LLMInferenceService", "chat"),
        (
            LLM | {"app.kubernetes.io/component": "llminferenceservice-workload-prefill"},
            None,
            "LLMInferenceService",
            "chat/prefill",
        ),
        ({"pod-template-hash": "ab"}, ("ReplicaSet", "chat-x-ab"), "Deployment", "chat-x"),
        (None, ("StatefulSet", "chat"), "StatefulSet", "chat"),
        (
            {"leaderworkerset.sigs.k8s.io/name": "wide"},
            ("StatefulSet", "wide-0"),
            "LeaderWorkerSet",
            "wide",
        ),
        (None, None, "Pod", "p"),
    ],
)
def test_labels_and_owners_tell(
    labels: dict[str, str] | None, owner: tuple[str, str] | None, kind: str, name: str
) -> None:
    assert held(pod(labels, owner)) == (
        Holder(kind=kind, namespace="prod", name=name, gpus=GPUS, cpu_milli=3000, memory_mib=5120, pods=1),
    )


@pytest.mark.parametrize(
    "one",
    [
        pod(None, ("Job", "j")),
        pod(None, ("ReplicaSet", "chat-ab")),
        pod({"serving.kserve.io/inferenceservice": "chat"}, gpus=0),
        pod({"app.kubernetes.io/name": "chat"}, ("Job", "j")),
        pod({"serving.kserve.io/inferenceservice": "a b"}),
    ],
)
def test_nobody_is_named_where_nothing_tells(one: Pod) -> None:
    assert held(one) == ()


def test_pods_of_one_object_are_added_up_and_others_kept_apart() -> None:
    chat = {"serving.kserve.io/inferenceservice": "chat"}
    found = held(pod(chat), pod(chat), pod(chat, namespace="test"), pod(LLM))
    assert [(one.kind, one.namespace, one.pods, one.gpus[0][1]) for one in found] == [
        ("InferenceService", "prod", 2, 4),
        ("InferenceService", "test", 1, 2),
        ("LLMInferenceService", "prod", 1, 2),
    ]


def test_text_from_outside_is_cleaned() -> None:
    (one,) = held(pod({"serving.kserve.io/inferenceservice": "a\x1b[31mb"}))
    assert "\x1b" not in one.name
