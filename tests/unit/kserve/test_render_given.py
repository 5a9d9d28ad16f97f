"""Objects of the operator's own: what a placement adds, what a change says, what another kind takes over."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
import yaml
from render_support import CUDA, TAINT, THERE, cluster, node, profile

from modelcar_tui.cluster.limit_types import NamespaceLimits, Queue
from modelcar_tui.cluster.serving_types import Profiles
from modelcar_tui.cluster.types import AcceleratorReport
from modelcar_tui.image.types import ImageFacts
from modelcar_tui.kserve import Rendered, release_of, rendered, requests_of
from modelcar_tui.manifest import Change, Decision, Operation, Plan, inspect_text, objects_as_data
from modelcar_tui.verdict import DecisionReport, ModelRequirements, Verdict, accepted_model

SERVICE = """\
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: granite, namespace: team}
spec:
  predictor:
    model:
      modelFormat: {name: vLLM}
      runtime: mine
      storageUri: oci://quay.io/x/m:1
      args: [--max-model-len=8192, --seed=1]
      resources: {limits: {nvidia.com/gpu: "1"}}
"""
DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: d, annotations: {opendatahub.io/hardware-profile-name: own}}
spec:
  template:
    spec:
      containers:
      - name: vllm
        image: vllm/vllm-openai:v0.9.1
        args: [--model=org/name, --max-model-len=8192]
        resources: {limits: {nvidia.com/gpu: "1"}}
"""


def made(text: str, where: AcceleratorReport, kind: str = "InferenceService", *changes: Change) -> Rendered:
    base = text.encode()
    plan = Plan(base="f", base_sha256=hashlib.sha256(base).hexdigest(), target="t", changes=changes)
    decision = Decision(plan_digest=plan.digest, accepted=tuple(one.id for one in changes), who="me")
    cars = inspect_text(base, "f")[0].models
    models = [ModelRequirements(car=car, image=ImageFacts(reference=car.image)) for car in cars]
    found = requests_of(
        [accepted_model(one, plan, decision) for one in models],
        where,
        DecisionReport(verdict=Verdict.GO, why="", plan=plan),
        pull_secrets=("pull",),
        accepted=changes,
        objects=objects_as_data(base, plan, decision),
    )
    return rendered(found, kind, release_of("3.4", None))


def change(operation: Operation, old: str | None, new: str | None, reason: str) -> Change:
    flag = (old or new or "").split("=")[0]
    return Change(
        id=f"granite/{flag}", model="granite", operation=operation, flag=flag, old=old, new=new, reason=reason
    )


def last(found: Rendered) -> dict[str, Any]:
    return found.objects[-1]


def test_a_change_has_its_reason_above_it_and_what_went_above_the_list() -> None:
    changes = (
        change(Operation.SET, "--max-model-len=8192", "--max-model-len=4096", "it fits so"),
        change(Operation.REMOVE, "--seed=1", None, "nobody needs it"),
    )
    found = made(SERVICE, cluster(node(), runtime=THERE), "InferenceService", *changes)
    lines = [line.strip() for line in found.text.splitlines()]
    assert last(found)["spec"]["predictor"]["model"]["args"] == ["--max-model-len=4096"]
    assert lines[lines.index("args:") - 1] == "# without --seed=1: nobody needs it"
    assert lines[lines.index("- --max-model-len=4096") - 1] == "# it fits so"


def test_the_profile_and_the_queue_are_added_where_none_is_named() -> None:
    limits = NamespaceLimits(namespace="team", managed=True, queues=(Queue(name="gpus"),))
    where = cluster(node(TAINT), profiles=Profiles(found=(profile(),)), limits=limits, runtime=THERE)
    found = last(made(SERVICE, where))
    assert found["metadata"]["annotations"]["opendatahub.io/hardware-profile-name"] == "l40s"
    assert found["metadata"]["labels"] == {"kueue.x-k8s.io/queue-name": "gpus"}
    assert found["spec"]["predictor"]["imagePullSecrets"] == [{"name": "pull"}]
    own = SERVICE.replace("namespace: team", "namespace: team, labels: {kueue.x-k8s.io/queue-name: other}")
    assert last(made(own, where))["metadata"]["labels"] == {"kueue.x-k8s.io/queue-name": "other"}


@pytest.mark.parametrize(("named", "known"), [(True, True), (False, False)])
def test_amounts_are_added_only_where_the_runtime_was_read(named: bool, known: bool) -> None:
    """A runtime that nobody read may say them itself."""
    where = cluster(node(), runtime=THERE, runtimes=(THERE,) if named else ())
    resources = last(made(SERVICE, where))["spec"]["predictor"]["model"]["resources"]
    assert ("requests" in resources) is known
    if known:
        assert resources["requests"] == {"cpu": "2", "memory": "15Gi"}
    assert resources["limits"]["nvidia.com/gpu"] == "1"


def test_a_probe_of_the_container_s_own_tells_where_it_answers() -> None:
    probe = "      readinessProbe: {httpGet: {path: /ready, port: 9000, scheme: HTTPS}}\n"
    found = last(made(SERVICE + probe, cluster(node(), runtime=THERE)))
    started = found["spec"]["predictor"]["model"]["startupProbe"]
    assert started["httpGet"] == {"path": "/ready", "port": 9000, "scheme": "HTTPS"}
    own = SERVICE + "      startupProbe: {tcpSocket: {port: 1}}\n"
    kept = last(made(own, cluster(node(), runtime=THERE)))["spec"]["predictor"]["model"]["startupProbe"]
    assert kept == {"tcpSocket": {"port": 1}}


def test_a_service_that_starts_vllm_itself_gets_no_probe_of_a_port_that_nobody_knows() -> None:
    text = """\
apiVersion: serving.kserve.io/v1alpha2
kind: LLMInferenceService
metadata: {name: l}
spec:
  model: {uri: "hf://org/name"}
  template:
    containers:
    - {name: main, command: [vllm, serve, /mnt/models], resources: {limits: {nvidia.com/gpu: "1"}}}
"""
    found = last(made(text, cluster(node()), "LLMInferenceService"))
    assert "startupProbe" not in found["spec"]["template"]["containers"][0]


def test_a_deployment_keeps_its_profile_and_gets_a_runtime_of_its_image() -> None:
    runtime, service = made(DEPLOYMENT, cluster(node(), runtime=CUDA)).objects
    container = runtime["spec"]["containers"][0]
    assert container["image"] == "vllm/vllm-openai:v0.9.1" and container["command"][0] == "python3"
    assert service["metadata"]["annotations"]["opendatahub.io/hardware-profile-name"] == "own"
    assert service["spec"]["predictor"]["model"]["runtime"] == runtime["metadata"]["name"] == "d"
    assert service["spec"]["predictor"]["model"]["startupProbe"]["httpGet"]["port"] == 8080


@pytest.mark.parametrize(
    ("text", "image"), [(DEPLOYMENT, "vllm/vllm-openai:v0.9.1"), (SERVICE, "quay.io/vllm/vllm-cuda:1")]
)
def test_the_runtime_alone_is_that_of_the_file_else_the_one_that_it_names(text: str, image: str) -> None:
    where = cluster(node(), runtime=CUDA, runtimes=(THERE,))
    found = last(made(text, where, "ServingRuntime"))
    assert found["spec"]["containers"][0]["image"] == image


def test_a_claim_for_devices_is_no_other_kind_s() -> None:
    text = """\
apiVersion: serving.kserve.io/v1alpha2
kind: LLMInferenceService
metadata: {name: l, annotations: {serving.kserve.io/exp-dra-device-class: gpu.nvidia.com}}
spec: {model: {uri: "hf://org/name"}, template: {containers: [{name: main}]}}
"""
    with pytest.raises(Exception, match="its GPUs come by a resource claim"):
        made(text, cluster(node()))
    kept = last(made(text, cluster(node()), "LLMInferenceService"))
    assert kept["metadata"]["annotations"] == yaml.safe_load(text)["metadata"]["annotations"]
