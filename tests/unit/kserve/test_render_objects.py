"""Requests as InferenceServices and ServingRuntimes: what is taken from where, and said why."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from render_support import CUDA, NATIVE, THERE, asked, cluster, documents, model, node, render

from modelcar_tui.core.errors import UserError
from modelcar_tui.kserve.render_all import rendered
from modelcar_tui.kserve.render_draft import Draft
from modelcar_tui.kserve.render_release import Release
from modelcar_tui.kserve.render_request import dns_label
from modelcar_tui.manifest import Change, Operation
from modelcar_tui.manifest.scheduling import Requirement, Scheduling, Toleration


def service(*args: Any, **more: Any) -> dict[str, Any]:
    """The last document: the InferenceService."""
    return documents(render(*args, **more))[-1]


def test_an_inference_service_holds_what_the_dashboard_writes_and_the_arguments_as_they_stand() -> None:
    made = service(model("--max-model-len=8192", "--seed", "1"), where=cluster(node(), runtime=THERE))
    assert made["apiVersion"] == "serving.kserve.io/v1beta1"
    assert made["metadata"] == {
        "name": "granite-3-1-8b",
        "labels": {"opendatahub.io/dashboard": "true"},
        "annotations": {
            "openshift.io/display-name": "granite-3.1-8b",
            "opendatahub.io/model-type": "generative",
            "serving.kserve.io/deploymentMode": "Standard",
        },
    }
    predictor = made["spec"]["predictor"]
    assert (predictor["minReplicas"], predictor["maxReplicas"]) == (1, 1)
    served = predictor["model"]
    assert served["args"] == ["--max-model-len=8192", "--seed", "1"]
    assert (served["modelFormat"], served["runtime"]) == ({"name": "vLLM"}, "mine")
    assert served["storageUri"] == "oci://quay.io/x/m:1"
    assert served["resources"] == {
        "requests": {"cpu": "2", "memory": "15Gi", "nvidia.com/gpu": "1"},
        "limits": {"cpu": "3", "memory": "16Gi", "nvidia.com/gpu": "1"},
    }
    assert "env" not in served and "tolerations" not in predictor and "namespace" not in made["metadata"]


@pytest.mark.parametrize(
    ("release", "mode"), [("2.25", "RawDeployment"), ("3.3", "RawDeployment"), ("3.4", "Standard")]
)
def test_the_deployment_mode_is_called_as_the_release_knows_it(release: str, mode: str) -> None:
    made = service(model(), release=release)
    assert made["metadata"]["annotations"]["serving.kserve.io/deploymentMode"] == mode


def test_where_the_release_is_not_known_the_word_that_all_take_is_written() -> None:
    made = service(model(), release=None)
    assert made["metadata"]["annotations"]["serving.kserve.io/deploymentMode"] == "RawDeployment"


@pytest.mark.parametrize(
    ("release", "native", "uri"),
    [
        ("3.5", True, "oci+native://quay.io/x/m:1"),
        ("3.4", True, "oci://quay.io/x/m:1"),
        ("3.5", False, "oci://quay.io/x/m:1"),
    ],
)
def test_an_image_comes_as_a_volume_where_the_cluster_says_so_and_the_release_can(
    release: str, native: bool, uri: str
) -> None:
    where = cluster(node(), kserve=NATIVE if native else None)
    assert service(model(), release=release, where=where)["spec"]["predictor"]["model"]["storageUri"] == uri


def test_a_template_becomes_a_serving_runtime_of_the_same_name_before_its_inference_service() -> None:
    runtime, made = documents(render(model()))
    assert (runtime["kind"], runtime["metadata"]["name"]) == ("ServingRuntime", "granite-3-1-8b")
    assert made["spec"]["predictor"]["model"]["runtime"] == "granite-3-1-8b"
    notes = runtime["metadata"]["annotations"]
    assert notes["opendatahub.io/recommended-accelerators"] == '["nvidia.com/gpu"]'
    assert notes["opendatahub.io/template-name"] == "vllm-cuda-runtime-template"
    assert notes["opendatahub.io/runtime-version"] == "v0.19.0"
    assert runtime["spec"]["supportedModelFormats"] == [{"name": "vLLM", "autoSelect": True}]
    assert runtime["spec"]["multiModel"] is False
    assert runtime["spec"]["containers"] == [
        {
            "name": "kserve-container",
            "image": "quay.io/vllm/vllm-cuda:1",
            "command": ["python", "-m", "vllm.entrypoints.openai.api_server"],
            "args": ["--port=8080", "--model=/mnt/models", "--served-model-name={{.Name}}"],
            "env": [{"name": "HF_HOME", "value": "/tmp/hf_home"}],
            "ports": [{"containerPort": 8080, "protocol": "TCP"}],
        }
    ]


def test_a_runtime_that_is_named_is_taken_and_none_is_made() -> None:
    (made,) = documents(render(model(), runtime="given"))
    assert made["spec"]["predictor"]["model"]["runtime"] == "given"


def test_without_a_runtime_kserve_chooses_and_that_is_said() -> None:
    made = render(model(), where=cluster(node(), runtime=None))
    (one,) = documents(made)
    assert "runtime" not in one["spec"]["predictor"]["model"]
    assert "# no ServingRuntime is known" in made.text and "--runtime NAME" in made.text


def test_a_serving_runtime_alone_keeps_what_its_pods_ask_of_their_node() -> None:
    asks = Scheduling(
        selector=(("pool", "gpu"),),
        terms=(
            (Requirement(key="zone", values=("a", "b")), Requirement(key="spot", operator="DoesNotExist")),
        ),
        tolerations=(Toleration(key="gpu", value="x", effect="NoSchedule"),),
    )
    held = node(labels={"pool": "gpu", "zone": "a"})
    where = cluster(held, runtime=msgspec.structs.replace(CUDA, scheduling=asks))
    (made,) = documents(render(model(), kind="ServingRuntime", where=where))
    assert made["metadata"]["name"] == "vllm-cuda-runtime"
    spec = made["spec"]
    assert spec["nodeSelector"] == {"pool": "gpu"}
    assert spec["tolerations"] == [{"key": "gpu", "operator": "Equal", "value": "x", "effect": "NoSchedule"}]
    required = spec["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    assert required["nodeSelectorTerms"] == [
        {
            "matchExpressions": [
                {"key": "zone", "operator": "In", "values": ["a", "b"]},
                {"key": "spot", "operator": "DoesNotExist"},
            ]
        }
    ]


def test_an_image_of_the_operator_s_own_is_started_as_the_templates_start_theirs() -> None:
    own = msgspec.structs.replace(
        THERE, name="VLLM_RUNTIME_IMAGE", serving_runtime="", args=(), command=(), environment=(), port=None
    )
    made = render(model(), kind="ServingRuntime", where=cluster(node(), runtime=own))
    container = documents(made)[0]["spec"]["containers"][0]
    assert container["command"][-1] == "vllm.entrypoints.openai.api_server" and len(container["args"]) == 3
    assert "# nothing tells how this image is started" in made.text


def test_without_a_runtime_there_is_no_serving_runtime_to_render() -> None:
    with pytest.raises(UserError, match="no vLLM runtime of the cluster is known"):
        render(model(), kind="ServingRuntime", where=cluster(node(), runtime=None))


@pytest.mark.parametrize(
    ("gpus", "args", "want"),
    [
        (1, (), None),
        (2, ("--seed=1",), ["--seed=1", "--tensor-parallel-size=2"]),
        (2, ("-tp", "2"), ["-tp", "2"]),
        (4, ("--pipeline-parallel-size=2", "-tp=2"), ["--pipeline-parallel-size=2", "-tp=2"]),
    ],
)
def test_gpus_that_the_arguments_do_not_share_are_shared_as_the_suite_does(
    gpus: int, args: tuple[str, ...], want: list[str] | None
) -> None:
    served = service(model(*args, gpus=gpus))["spec"]["predictor"]["model"]
    assert served.get("args") == want
    assert served["resources"]["limits"]["nvidia.com/gpu"] == str(gpus)


@pytest.mark.parametrize(("gpus", "size"), [(1, "1Gi"), (2, "16Gi")])
def test_shared_memory_is_mounted_and_larger_for_several_gpus(gpus: int, size: str) -> None:
    predictor = service(model(gpus=gpus))["spec"]["predictor"]
    assert predictor["model"]["volumeMounts"] == [{"name": "dshm", "mountPath": "/dev/shm"}]
    assert predictor["volumes"] == [{"name": "dshm", "emptyDir": {"medium": "Memory", "sizeLimit": size}}]


@pytest.mark.parametrize(
    ("gib", "seconds", "said"),
    [
        (None, 1800, "the model's size is not known, nor how long it loads: 30 min"),
        (1, 600, "1.0 GiB (read from the layer sizes) are likely pulled and loaded after"),
        (131, 4603 * 1.5, "131.0 GiB"),
    ],
)
def test_the_startup_probe_waits_longer_than_the_load_is_predicted_to_take(
    gib: float | None, seconds: float, said: str
) -> None:
    made = render(model(gib=gib))
    probe = documents(made)[-1]["spec"]["predictor"]["model"]["startupProbe"]
    assert probe["httpGet"] == {"path": "/health", "port": 8080}
    waits = probe["failureThreshold"] * probe["periodSeconds"]
    assert seconds <= waits <= seconds * 1.02 + 10
    assert said in " ".join(line.strip(" #") for line in made.text.splitlines())


def test_health_is_asked_where_the_arguments_say_that_vllm_listens() -> None:
    made = service(model("--port", "9000", "--ssl-certfile=/tls/crt"))
    get = made["spec"]["predictor"]["model"]["startupProbe"]["httpGet"]
    assert get == {"path": "/health", "port": 9000, "scheme": "HTTPS"}


def test_the_memory_limit_holds_the_weights_and_the_request_is_the_runtime_s() -> None:
    asks = msgspec.structs.replace(THERE, scheduling=Scheduling(cpu_milli=4500, memory_mib=8 * 1024))
    made = render(model(gib=40, gpus=2), where=cluster(node(), runtime=asks))
    amounts = documents(made)[0]["spec"]["predictor"]["model"]["resources"]
    assert amounts["requests"] == {"cpu": "4500m", "memory": "8Gi", "nvidia.com/gpu": "2"}
    assert amounts["limits"] == {"cpu": "5500m", "memory": "41Gi", "nvidia.com/gpu": "2"}
    assert "# memory: the weights have 40 GiB (read from the layer sizes)" in made.text


def test_names_become_labels_that_differ() -> None:
    made = render(model(name="A.b"), model(name="a-b"), model(name="8b"), runtime="r")
    assert [one["metadata"]["name"] for one in documents(made)] == ["a-b", "a-b-2", "model-8b"]
    assert dns_label("x" * 80) == "x" * 53 and dns_label("...") == "model"


def test_a_model_car_has_the_arguments_and_counts_alone() -> None:
    made = render(model("--seed=1", gpus=2), model(name="b"), kind="model-car")
    assert documents(made) == [
        {
            "model-car": [
                {
                    "name": "granite-3.1-8b",
                    "image": "oci://quay.io/x/m:1",
                    "serving_arguments": {"gpu_count": 2, "args": ["--seed=1"]},
                },
                {"name": "b", "image": "oci://quay.io/x/m:1", "serving_arguments": {"gpu_count": 1}},
            ]
        }
    ]
    assert made.objects == ()


def test_what_is_no_image_is_no_model_car() -> None:
    found = model()
    car = msgspec.structs.replace(found.car, image="hf://org/m")
    with pytest.raises(UserError, match="a model-car is an OCI image, and this model comes from hf://"):
        render(msgspec.structs.replace(found, car=car), kind="model-car")


def test_an_accepted_argument_stands_beside_its_reason() -> None:
    change = Change(
        id="x",
        model="granite-3.1-8b",
        operation=Operation.ADD,
        flag="--max-model-len",
        new="--max-model-len=4096",
        reason="its cache fits",
    )
    made = render(model("--max-model-len=4096"), accepted=(change,))
    lines = [line.strip() for line in made.text.splitlines()]
    assert lines[lines.index("- --max-model-len=4096") - 1] == "# its cache fits"


@pytest.mark.parametrize("kind", ["InferenceService", "LLMInferenceService", "model-car"])
def test_an_accepted_count_has_its_reason_and_an_argument_that_looks_like_it_has_none(kind: str) -> None:
    change = Change(
        id="x",
        model="granite-3.1-8b",
        operation=Operation.GPU_COUNT,
        flag="gpu_count",
        new="2",
        reason="one card is too small",
    )
    made = render(model("--seed", "2", gpus=2), kind=kind, accepted=(change,))
    (line,) = [line for line in made.text.splitlines() if "one card is too small" in line]
    below = made.text.splitlines()[made.text.splitlines().index(line) + 1].strip()
    assert below in ('nvidia.com/gpu: "2"', "gpu_count: 2")


def test_a_mask_is_never_written() -> None:
    with pytest.raises(UserError, match=r"args\[0\] is a secret in clear text .*\$\(NAME\)"):
        render(model("--api-key=*secret-1*"))
    with pytest.raises(UserError, match="secret in clear text"):
        render(model("--api-key=*secret-1*"), kind="model-car")


def test_a_login_in_an_address_is_not_written_and_a_pull_secret_is_the_way_out() -> None:
    found = model()
    car = msgspec.structs.replace(found.car, image="oci://*secret-1*@quay.io/x/m:1")
    with pytest.raises(UserError, match=r"storageUri is a secret .*--pull-secret NAME"):
        render(msgspec.structs.replace(found, car=car))


def test_what_stands_above_all_stays_a_comment() -> None:
    made = rendered(asked(model()), "model-car", Release(), head="of a\nkind: Secret\u202e\x1b[2J")
    assert made.text.splitlines()[:2] == ["# of a<U+000A>kind: Secret<U+202E><U+001B>[2J", "model-car:"]


HOSTILE = (
    "a: b",
    "- x",
    "#no",
    "x # y",
    "{{.Name}}",
    "*a",
    "&a",
    "!t",
    "%d",
    "|",
    ">",
    "yes",
    "N",
    "null",
    "1e3",
    "0o7",
    "12:30:00",
    "1_000",
    ".inf",
    "~",
    "'",
    '{"a": "b\'c"}',
    "\u202egnp",
    "\x1b[31m",
    "a\nb: c",
    "---",
    "...",
    "=",
    "<<",
    "\U0001f600",
    "x:",
    "@a",
    "`a",
    " a ",
)


@pytest.mark.parametrize("text", HOSTILE)
def test_text_from_outside_stays_text(text: str) -> None:
    draft = Draft("v1", "Kind")
    draft.put(("spec", text), [text], f"because of {text}")
    told = draft.text()  # which reads it again
    assert told.isascii()
    assert not any(ord(char) < 32 for char in told.replace("\n", ""))


def test_the_same_requests_give_the_same_bytes() -> None:
    assert render(model("--seed=1")).text == render(model("--seed=1")).text


def test_a_value_that_stands_twice_is_written_twice() -> None:
    draft, shared = Draft("v1", "Kind"), {"a": "b"}
    draft.put("spec", {"one": shared, "two": shared})
    assert "&" not in draft.text() and draft.text().count("a: b") == 2
