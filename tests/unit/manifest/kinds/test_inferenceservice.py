"""InferenceServices: what they serve by vLLM, joined with their runtime, and where it is written."""

from __future__ import annotations

from typing import Any

import pytest
from inference_services import GPU, RUNTIME, SERVICE, changed, codes, custom, one, place, reading, service

from modelcar_tui.core.errors import UserError
from modelcar_tui.manifest.kinds import ListPart, TextPart
from modelcar_tui.manifest.reader import parse_manifest


def test_alone_its_runtime_is_the_clusters() -> None:
    found = one(SERVICE)
    assert (found.name, found.namespace, found.copies, found.pods) == ("granite", "models", 2, 1)
    assert found.image == "oci://registry.redhat.io/rhelai1/modelcar-granite-3-1-8b-lab-v1:1.4.0"
    assert found.serving.gpu_count == 2
    assert found.serving.args[0] == "--max-model-len=8192"
    assert "sk-0123" not in repr(found)
    assert found.open == ()
    server = found.server
    assert server is not None
    assert (server.runtime, server.image, server.args) == ("vllm-cuda-runtime", "", ())
    assert server.environment == (("HF_HOME", "/tmp/own"),)
    assert (server.resource, server.cpu_milli, server.memory_mib, server.memory_limit_mib) == (
        "nvidia.com/gpu",
        2000,
        8192,
        16384,
    )
    assert (server.queue, server.profile, server.service_account) == ("team-a", "gpu-small", "puller")
    assert server.pull_secrets == ("registry",)
    assert [toleration.key for toleration in server.scheduling.tolerations] == ["nvidia.com/gpu"]


def test_with_its_runtime_in_the_file_both_are_joined() -> None:
    found = one(SERVICE, RUNTIME)
    server = found.server
    assert server is not None
    assert (server.runtime, server.told_by) == ("", "ServingRuntime vllm-cuda-runtime")
    assert (server.image, server.version) == ("quay.io/modh/vllm@sha256:abc", "v0.11.0")
    assert server.args == ("--port=8080", "--model=/mnt/models", "--served-model-name=granite")
    assert found.serving.args[0] == "--max-model-len=8192"
    assert "sk-0123" not in repr(found)
    assert dict(server.environment) == {"HF_HOME": "/tmp/own", "VLLM_NO_USAGE_STATS": "1"}
    assert server.shm_mib == 2048
    assert [toleration.key for toleration in server.scheduling.tolerations] == ["nvidia.com/gpu"]
    assert found.open == ()


def test_what_is_written_at_the_runtime_is_not_this_ones_to_edit() -> None:
    found = place(SERVICE, RUNTIME)
    (part,) = found.parts
    assert isinstance(part, ListPart)
    assert (part.path, part.items) == (("spec", "predictor", "model", "args"), (0, 1))
    assert found.words == ("--max-model-len=8192", "--api-key=sk-0123456789abcdef")
    assert (found.grows, found.parent) == (("spec", "predictor", "model", "args"), None)
    model = ("spec", "predictor", "model")
    assert [count.path for count in found.gpus] == [
        (*model, "resources", part, "nvidia.com/gpu") for part in ("requests", "limits")
    ]


def test_without_arguments_and_gpus_of_its_own_they_go_to_the_predictor() -> None:
    text = service(runtime="vllm-cuda-runtime")
    runtime = changed(RUNTIME, "spec containers 0 resources", {"limits": {"nvidia.com/gpu": 4}})
    found, where = one(text, runtime), place(text, runtime)
    assert found.serving.gpu_count == 4
    assert (where.words, where.parts, where.gpus) == ((), (), ())
    assert where.gpus_parent == ("spec", "predictor", "model")
    assert where.grows == ("spec", "predictor", "model", "args")
    assert where.parent is not None
    assert [key.value for key, _ in where.parent.pairs] == ["modelFormat", "storageUri", "runtime"]


def test_a_runtime_whose_script_passes_its_arguments_on() -> None:
    runtime = changed(
        RUNTIME, "spec containers 0 command", ["bash", "-c", 'exec vllm serve /mnt/models "$@"', "--"]
    )
    found = one(SERVICE, runtime)
    assert found.server is not None
    assert found.server.args[-1] == "--served-model-name=granite"
    assert found.serving.args[0] == "--max-model-len=8192"
    where = place(SERVICE, runtime)
    assert where.words[0] == "--max-model-len=8192"
    assert where.grows == ("spec", "predictor", "model", "args")


def test_a_variable_of_the_predictor_keeps_its_place_in_the_file() -> None:
    script = ["bash", "-c", "exec vllm serve /mnt/models $MORE"]
    runtime = changed(changed(RUNTIME, "spec containers 0 command", script), "spec containers 0 args", None)
    text = service(runtime="vllm-cuda-runtime", env=[{"name": "MORE", "value": "--seed 3"}])
    where = place(text, runtime)
    (part,) = where.parts
    assert isinstance(part, TextPart)
    assert part.path == ("spec", "predictor", "model", "env", 0, "value")
    assert where.words == ("--seed", "3")


def test_a_command_of_its_own_replaces_the_runtimes() -> None:
    text = service(runtime="vllm-cuda-runtime", command=["vllm", "serve", "/mnt/models"], args=["--seed=1"])
    found = one(text, RUNTIME)
    assert found.server is not None
    assert found.server.args == ("--port=8080", "--model=/mnt/models", "--served-model-name=small")
    assert found.serving.args == ("--seed=1",)
    mixed = service(runtime="vllm-cuda-runtime", command=["vllm", "serve", "/mnt/models", "--seed=1"])
    assert codes(one(mixed, RUNTIME).open) == ["argument-order"]


@pytest.mark.parametrize(
    ("model", "image"),
    [
        (
            {"storageUri": "hf://ibm-granite/granite-3.1-8b-instruct"},
            "hf://ibm-granite/granite-3.1-8b-instruct",
        ),
        ({"storageUri": "pvc://claim/path"}, "pvc://claim/path"),
        (
            {"storageUri": None, "storage": {"path": "a", "parameters": {"type": "s3", "bucket": "b"}}},
            "s3://b/a",
        ),
        ({"storageUri": None, "args": ["--model=org/name"]}, "hf://org/name"),
        ({"args": ["--model", "org/name"]}, "hf://org/name"),
        ({"args": ["--model=/mnt/models/sub"]}, "oci://r/x:1"),
    ],
)
def test_where_the_weights_come_from(model: dict[str, Any], image: str) -> None:
    assert one(service(**model)).image == image


def test_an_empty_address_is_none() -> None:
    assert [problem.what for problem in one(service(storageUri="")).open] == [
        "nothing says where the weights come from"
    ]


@pytest.mark.parametrize("storage", [{"key": "conn", "path": "/a/b"}, {"parameters": {"type": "s3"}}])
def test_a_connection_of_which_the_file_does_not_tell_enough_is_said(storage: dict[str, Any]) -> None:
    manifest, _ = reading(service(storageUri=None, storage=storage))
    (found,) = manifest.models
    assert (found.image, found.open, codes(manifest.findings)) == ("", (), ["storage"])


def test_a_login_in_an_address_is_not_told() -> None:
    found = one(service(storageUri="https://me:hunter2hunter2@host/x"))
    assert "hunter2" not in repr(found)
    assert found.image.endswith("@host/x")


def test_the_storage_that_holds_the_models_path_is_taken() -> None:
    text = service(storageUri=None, args=["--model=/mnt/b"])
    uris = [{"uri": "hf://a/a", "mountPath": "/mnt/a"}, {"uri": "hf://b/b", "mountPath": "/mnt/b"}]
    assert one(changed(text, "spec predictor storageUris", uris)).image == "hf://b/b"
    unclear = changed(service(storageUri=None), "spec predictor storageUris", uris)
    assert codes(one(unclear).open) == ["storage"]


@pytest.mark.parametrize(
    ("replicas", "notes", "copies"),
    [
        (None, {}, 1),
        (0, {}, 1),
        (3, {}, 3),
        (3, {"serving.kserve.io/stop": "true"}, 0),
        (3, {"serving.kserve.io/stop": "false"}, 3),
    ],
)
def test_copies(replicas: int | None, notes: dict[str, str], copies: int) -> None:
    text = changed(service(), "metadata annotations", notes)
    if replicas is not None:
        text = changed(text, "spec predictor minReplicas", replicas)
    assert one(text).copies == copies


def test_odd_numbers_are_told() -> None:
    _, errors = reading(changed(service(), "spec predictor minReplicas", "many"))
    assert codes(errors) == ["replicas"]
    odd = service(resources={"limits": {"nvidia.com/gpu": "lots"}})
    assert codes(one(odd).open) == ["gpu-count"]
    claimed = service(resources={"claims": [{"name": "gpu"}]})
    assert codes(one(claimed).open) == ["gpus-unknown"]


@pytest.mark.parametrize(
    ("own", "image"),
    [
        ({"runtimeVersion": "v0.12.0"}, "quay.io/vllm/vllm:v0.12.0"),
        ({"image": "quay.io/own/vllm:1"}, "quay.io/own/vllm:1"),
        ({}, "quay.io/vllm/vllm:v0.11.0"),
    ],
)
def test_the_image_and_its_version(own: dict[str, Any], image: str) -> None:
    runtime = changed(RUNTIME, "spec containers 0 image", "quay.io/vllm/vllm:v0.11.0")
    found = one(service(runtime="vllm-cuda-runtime", **own), runtime).server
    assert found is not None
    assert (found.image, found.version) == (image, "" if own else "v0.11.0")


def test_kserves_own_runtime_has_a_build_for_cpus() -> None:
    runtime = changed(RUNTIME, "spec containers 0 image", "vllm/vllm-openai:v0.20.0")
    runtime = changed(runtime, "metadata annotations", {"serving.kserve.io/server-type": "vllmserver"})
    plain, with_gpu = (
        one(service(runtime="vllm-cuda-runtime", **more), runtime).server for more in ({}, {"resources": GPU})
    )
    assert plain is not None
    assert with_gpu is not None
    assert plain.image == "vllm/vllm-openai-cpu:v0.20.0"
    assert with_gpu.image == "vllm/vllm-openai:v0.20.0"


def test_a_predictor_with_its_own_container() -> None:
    text = custom(
        image="vllm/vllm-openai:v0.11.0",
        command=["bash", "-c", "vllm serve meta-llama/Llama-3.1-8B --max-model-len 4096"],
        resources={"limits": {"nvidia.com/gpu": 1}},
    )
    found, where = one(text), place(text)
    assert (found.image, found.serving.args) == ("hf://meta-llama/Llama-3.1-8B", ("--max-model-len", "4096"))
    assert found.server is not None
    assert found.server.image == "vllm/vllm-openai:v0.11.0"
    assert where.grows == ("spec", "predictor", "containers", 0, "command", 2)
    assert [count.path[-1] for count in where.gpus] == ["nvidia.com/gpu"]


def test_a_container_of_its_own_names_its_storage_by_a_variable_or_a_claim() -> None:
    vllm = {"image": "vllm/vllm-openai", "args": ["--model=/mnt/models"]}
    stored = custom(**vllm, env=[{"name": "STORAGE_URI", "value": "s3://b/x"}])
    assert one(stored).image == "s3://b/x"
    mounts = [{"name": "m", "mountPath": "/mnt/models", "subPath": "x"}]
    claim = changed(
        custom(**vllm, volumeMounts=mounts),
        "spec predictor volumes",
        [{"name": "m", "persistentVolumeClaim": {"claimName": "weights"}}],
    )
    assert one(claim).image == "pvc://weights/x"


@pytest.mark.parametrize(
    ("text", "warnings"),
    [
        (service(modelFormat={"name": "onnx"}), []),
        (service(modelFormat={"name": "onnx"}, resources=GPU), ["not-vllm"]),
        (service(modelFormat={"name": "huggingface"}), ["not-vllm"]),
        (service(runtime="kserve-huggingfaceserver", modelFormat={"name": "x"}), ["not-vllm"]),
        (changed(service(), "spec predictor", {"pytorch": {"resources": GPU}}), ["not-vllm"]),
        (changed(service(), "spec predictor", {"huggingface": {}}), ["not-vllm"]),
        (changed(service(), "spec predictor", {"sklearn": {}}), []),
        (custom(image="kserve/custom:1", resources=GPU), ["not-vllm"]),
        (custom(image="kserve/huggingfaceserver:latest-gpu"), ["not-vllm"]),
        (changed(service(), "apiVersion", "serving.kserve.io/v1alpha2"), ["kind-version"]),
    ],
)
def test_what_vllm_does_not_serve_is_passed_over_and_said(text: str, warnings: list[str]) -> None:
    manifest, errors = reading(SERVICE, text)
    assert errors == ()
    assert [car.name for car in manifest.models] == ["granite"]
    assert codes(manifest.findings) == warnings


def test_alone_what_is_passed_over_is_told_with_the_error() -> None:
    text = service(modelFormat={"name": "onnx"}, resources=GPU)
    with pytest.raises(UserError) as caught:
        parse_manifest(text.encode(), "x.yaml")
    assert [problem.code for problem in caught.value.problems] == ["nothing-served", "not-vllm"]


def test_an_unknown_runtime_counts_by_its_format_or_its_name() -> None:
    assert one(service(runtime="mine")).server is not None
    assert one(service(runtime="my-vllm", modelFormat={"name": "pytorch"})).server is not None


def test_where_neither_name_nor_format_tell_a_runtime_it_is_open() -> None:
    text = service(runtime="granite-7b-base-tp", modelFormat={"name": "pytorch"}, resources=GPU)
    assert codes(one(text).open) == ["runtime-unknown"]
    for name, kind in (("mine", "onnx"), ("kserve-torchserve", "pytorch")):
        _, errors = reading(service(runtime=name, modelFormat={"name": kind}, resources=GPU))
        assert codes(errors) == ["nothing-served"]


def test_a_runtime_for_another_server_is_not_vllm_whatever_the_format() -> None:
    text = changed(RUNTIME, "spec containers 0 image", "quay.io/modh/openvino_model_server:1")
    text = changed(text, "spec containers 0 command", ["ovms"])
    text = changed(changed(text, "spec annotations", {}), "spec supportedModelFormats 0 name", "onnx")
    _, errors = reading(service(runtime="vllm-cuda-runtime", modelFormat={"name": "onnx"}), text)
    assert codes(errors) == ["nothing-served"]


def test_accelerators_beside_the_model_are_said() -> None:
    text = changed(service(), "spec transformer", {"containers": [{"name": "t", "resources": GPU}]})
    text = changed(text, "spec predictor containers", [{"name": "side", "resources": GPU}])
    manifest, _ = reading(text)
    assert codes(manifest.findings) == ["other-accelerators", "other-accelerators"]


@pytest.mark.parametrize(("others", "errors"), [((), ["runtime-alone"]), ((SERVICE,), [])])
def test_a_runtime_serves_nothing_by_itself(others: tuple[str, ...], errors: list[str]) -> None:
    assert codes(reading(RUNTIME, *others)[1]) == errors


def test_a_service_without_a_predictor_is_an_error() -> None:
    assert codes(reading(changed(service(), "spec", {}))[1]) == ["predictor-missing"]
    assert codes(reading(changed(service(), "spec predictor", {"minReplicas": 1}))[1]) == [
        "predictor-missing"
    ]
