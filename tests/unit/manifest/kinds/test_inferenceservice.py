"""InferenceServices: what they serve by vLLM, joined with their runtime, and where it is written."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from modelcar_tui.core.errors import Problem, UserError
from modelcar_tui.manifest import Manifest, ModelCar, inspect_text
from modelcar_tui.manifest.kinds import ListPart, Place, TextPart, places_of
from modelcar_tui.manifest.reader import parse_manifest

SERVICE = """\
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata:
  name: granite
  namespace: models
  annotations:
    opendatahub.io/hardware-profile-name: gpu-small
  labels:
    kueue.x-k8s.io/queue-name: team-a
spec:
  predictor:
    minReplicas: 2
    serviceAccountName: puller
    imagePullSecrets: [{name: registry}]
    tolerations: [{key: nvidia.com/gpu, operator: Exists}]
    model:
      modelFormat: {name: vLLM}
      runtime: vllm-cuda-runtime
      storageUri: oci://registry.redhat.io/rhelai1/modelcar-granite-3-1-8b-lab-v1:1.4.0
      args:
        - --max-model-len=8192
        - --api-key=sk-0123456789abcdef
      env:
        - {name: HF_HOME, value: /tmp/own}
        - {name: HF_TOKEN, value: hf_0123456789}
      resources:
        limits: {nvidia.com/gpu: "2", memory: 16Gi}
        requests: {nvidia.com/gpu: "2", cpu: 2, memory: 8Gi}
"""

RUNTIME = """\
apiVersion: serving.kserve.io/v1alpha1
kind: ServingRuntime
metadata:
  name: vllm-cuda-runtime
  annotations: {opendatahub.io/runtime-version: v0.11.0}
spec:
  annotations: {opendatahub.io/kserve-runtime: vllm}
  supportedModelFormats: [{name: vLLM, autoSelect: true}]
  containers:
    - name: kserve-container
      image: quay.io/modh/vllm@sha256:abc
      command: [python, -m, vllm.entrypoints.openai.api_server]
      args: [--port=8080, --model=/mnt/models, "--served-model-name={{.Name}}"]
      env: [{name: HF_HOME, value: /tmp/hf_home}, {name: VLLM_NO_USAGE_STATS, value: "1"}]
      volumeMounts: [{name: shm, mountPath: /dev/shm}]
  volumes: [{name: shm, emptyDir: {medium: Memory, sizeLimit: 2Gi}}]
  tolerations: [{key: other, operator: Exists}]
"""

GPU = {"limits": {"nvidia.com/gpu": 1}}


def reading(*documents: str) -> tuple[Manifest, tuple[Problem, ...]]:
    """The documents as one file."""
    return inspect_text("---\n".join(documents).encode(), "x.yaml")


def one(*documents: str) -> ModelCar:
    """The only thing to serve of a file without errors."""
    manifest, errors = reading(*documents)
    assert errors == ()
    (found,) = manifest.models
    return found


def place(*documents: str) -> Place:
    (found,) = places_of("---\n".join(documents)).values()
    return found


def changed(text: str, path: str, value: Any) -> str:
    """A document with one value replaced, or taken away for None; keys are parted by blanks."""
    whole = yaml.safe_load(text)
    *way, last = (int(key) if key.isdecimal() else key for key in path.split())
    here = whole
    for key in way:
        here = here[key]
    if value is None:
        del here[last]
    else:
        here[last] = value
    return yaml.safe_dump(whole, sort_keys=False)


def service(**model: Any) -> str:
    """A small InferenceService."""
    base = {"modelFormat": {"name": "vLLM"}, "storageUri": "oci://r/x:1", **model}
    return yaml.safe_dump(
        {
            "apiVersion": "serving.kserve.io/v1beta1",
            "kind": "InferenceService",
            "metadata": {"name": "small"},
            "spec": {"predictor": {"model": base}},
        },
        sort_keys=False,
    )


def codes(problems: tuple[Problem, ...]) -> list[str]:
    return [problem.code for problem in problems]


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
    ("change", "code"),
    [
        (("spec disabled", True), "runtime-disabled"),
        (("spec supportedModelFormats", [{"name": "other"}]), "runtime-format"),
        (("spec supportedModelFormats 0 name", "vllm"), "runtime-format"),
        (("spec containers 0 name", "vllm"), "runtime-container"),
        (("spec protocolVersions", ["grpc-v2"]), "runtime-protocol"),
    ],
)
def test_what_kserve_refuses_keeps_it_from_a_go(change: tuple[str, Any], code: str) -> None:
    text = service(runtime="vllm-cuda-runtime", protocolVersion="v2")
    assert codes(one(text, changed(RUNTIME, *change)).open) == [code]


def test_a_format_with_a_version_needs_a_runtime_with_that_version() -> None:
    text = service(runtime="vllm-cuda-runtime", modelFormat={"name": "vLLM", "version": "1"})
    assert codes(one(text, RUNTIME).open) == ["runtime-format"]
    assert one(text, changed(RUNTIME, "spec supportedModelFormats 0 version", "1")).open == ()


def named(name: str, kind: str = "ServingRuntime", **one_format: Any) -> str:
    text = changed(changed(RUNTIME, "metadata name", name), "kind", kind)
    own = {"name": "vLLM", "autoSelect": True, **one_format}
    return changed(text, "spec supportedModelFormats 0", own)


@pytest.mark.parametrize(
    ("runtimes", "chosen"),
    [
        ([named("a")], "ServingRuntime a"),
        ([named("a", "ClusterServingRuntime", priority=9), named("b", priority=1)], "ServingRuntime b"),
        ([named("a", priority=1), named("b", priority=2)], "ServingRuntime b"),
        ([named("a"), named("b", priority=0)], "ServingRuntime b"),
        ([named("a"), named("b")], ""),
        ([named("a", autoSelect=False)], ""),
    ],
)
def test_a_runtime_that_is_not_named_is_chosen_as_kserve_does(runtimes: list[str], chosen: str) -> None:
    found = one(service(), *runtimes)
    assert found.server is not None
    assert found.server.told_by == (chosen or "InferenceService small")
    assert found.server.runtime == ""


def test_a_namespaced_runtime_comes_before_the_clusters_and_not_from_elsewhere() -> None:
    text = SERVICE.replace("runtime: vllm-cuda-runtime", "runtime: a")
    elsewhere = changed(named("a"), "metadata namespace", "other")
    cluster = changed(
        named("a", "ClusterServingRuntime"), "spec containers 0 image", "quay.io/vllm/cluster:1"
    )
    found = one(text, elsewhere, cluster).server
    assert found is not None
    assert found.image == "quay.io/vllm/cluster:1"
    found = one(text, cluster, changed(named("a"), "metadata namespace", "models")).server
    assert found is not None
    assert found.image == "quay.io/modh/vllm@sha256:abc"


def test_a_runtime_inside_a_template_is_found_and_its_parameters_fill_no_image() -> None:
    runtime = yaml.safe_load(changed(RUNTIME, "spec containers 0 image", "$(vllm-cuda-image)"))
    template = {
        "apiVersion": "template.openshift.io/v1",
        "kind": "Template",
        "metadata": {"name": "t"},
        "objects": [runtime],
    }
    found = one(SERVICE, yaml.safe_dump(template)).server
    assert found is not None
    assert (found.image, found.version) == ("", "v0.11.0")
    assert found.args[0] == "--port=8080"


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


def custom(**container: Any) -> str:
    """An InferenceService that brings its container."""
    return changed(service(), "spec predictor", {"containers": [{"name": "kserve-container", **container}]})


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


def workers(backend: str = "", **sizes: Any) -> str:
    """The runtime for several nodes."""
    spec = {"containers": [{"name": "worker-container"}], **sizes}
    text = changed(RUNTIME, "spec workerSpec", spec)
    return changed(text, "spec annotations", {"multinode/executor-backend": backend}) if backend else text


def several(head: int, worker: int, **sizes: int) -> str:
    """An InferenceService over several nodes; 0 for a container that asks for no GPU."""
    text = service(runtime="vllm-cuda-runtime", **({"resources": asking(head)} if head else {}))
    container: dict[str, Any] = {"name": "worker-container"}
    spec: dict[str, Any] = dict(sizes)
    if worker:
        spec["containers"] = [{**container, "resources": asking(worker)}]
    return changed(text, "spec predictor workerSpec", spec)


def asking(count: int) -> dict[str, Any]:
    return {"limits": {"nvidia.com/gpu": count}, "requests": {"nvidia.com/gpu": count}}


@pytest.mark.parametrize(
    ("text", "runtime", "pods", "gpus"),
    [
        (several(0, 0, pipelineParallelSize=2, tensorParallelSize=4), workers("mp"), 2, 4),
        (several(1, 1, pipelineParallelSize=2, tensorParallelSize=4), workers("mp"), 2, 4),
        (several(0, 0, tensorParallelSize=4), workers("mp", pipelineParallelSize=3), 3, 4),
        (several(0, 0, pipelineParallelSize=2, tensorParallelSize=4), workers(), 8, 1),
        (several(4, 4, pipelineParallelSize=2, tensorParallelSize=4), workers(), 2, 4),
        (several(0, 2, pipelineParallelSize=2, tensorParallelSize=4), workers(), 4, 2),
        (several(8, 8, pipelineParallelSize=1, tensorParallelSize=4), workers(), 1, 4),
        (several(1, 0, pipelineParallelSize=2, tensorParallelSize=1), workers(), 2, 1),
    ],
)
def test_pods_and_gpus_of_one_over_several_nodes(text: str, runtime: str, pods: int, gpus: int) -> None:
    found = one(text, runtime)
    assert (found.pods, found.serving.gpu_count, found.open) == (pods, gpus, ())


def test_the_ranks_and_the_workers_gpus_are_written_with_the_leaders() -> None:
    text = several(4, 4, pipelineParallelSize=2, tensorParallelSize=4)
    found, where = one(text, workers("mp")), place(text, workers("mp"))
    assert [rank.path for rank in where.ranks] == [("spec", "predictor", "workerSpec", "tensorParallelSize")]
    assert [count.path[2] for count in where.gpus] == ["model", "model", "workerSpec", "workerSpec"]
    assert found.server is not None
    added = dict(found.server.environment)
    assert (added["PIPELINE_PARALLEL_SIZE"], added["TENSOR_PARALLEL_SIZE"]) == ("2", "4")


@pytest.mark.parametrize(
    ("text", "runtime", "code"),
    [
        (several(0, 0), (), "worker-size"),
        (several(0, 0, pipelineParallelSize=2, tensorParallelSize=4), (), "worker-backend"),
        (several(0, 0), (RUNTIME,), "worker-spec"),
        (several(2, 4, pipelineParallelSize=2, tensorParallelSize=3), (workers(),), "worker-gpus"),
        (several(1, 2, pipelineParallelSize=1, tensorParallelSize=4), (workers(),), "worker-gpus"),
    ],
)
def test_several_nodes_that_are_not_understood_are_no_go(
    text: str, runtime: tuple[str, ...], code: str
) -> None:
    assert codes(one(text, *runtime).open) == [code]


def test_without_gpus_of_their_own_the_pods_get_as_many_as_there_are_ranks() -> None:
    where = place(several(0, 0, pipelineParallelSize=2, tensorParallelSize=4), workers("mp"))
    assert [count.path for count in where.gpus] == [("spec", "predictor", "workerSpec", "tensorParallelSize")]
    assert (where.ranks, where.gpus_parent) == ((), None)


def test_where_both_ways_give_the_same_pods_the_runtime_need_not_be_there() -> None:
    found = one(several(4, 4, pipelineParallelSize=2, tensorParallelSize=4))
    assert (found.pods, found.serving.gpu_count, found.open) == (2, 4, ())


MULTINODE = """\
apiVersion: template.openshift.io/v1
kind: Template
metadata: {name: vllm-multinode-runtime-template}
objects:
  - apiVersion: serving.kserve.io/v1alpha1
    kind: ServingRuntime
    metadata:
      name: vllm-multinode-runtime
      annotations: {opendatahub.io/runtime-version: 'v0.21.0'}
    spec:
      annotations: {multinode/executor-backend: 'mp', opendatahub.io/kserve-runtime: 'vllm'}
      supportedModelFormats: [{autoSelect: true, name: vLLM, priority: 2}]
      containers:
        - name: kserve-container
          image: $(vllm-cuda-image)
          args:
          - /mnt/models
          - --port=8080
          - --served-model-name={{.Name}}
          - --distributed-executor-backend=mp
          - --tensor-parallel-size=$(TENSOR_PARALLEL_SIZE)
          - --pipeline-parallel-size=$(PIPELINE_PARALLEL_SIZE)
          - --master-addr=$(POD_IP)
          command: [vllm, serve]
          env:
            - {name: MASTER_PORT, value: "29500"}
            - name: POD_IP
              valueFrom: {fieldRef: {fieldPath: status.podIP}}
          volumeMounts: [{name: shm, mountPath: /dev/shm}]
      volumes: [{name: shm, emptyDir: {medium: Memory, sizeLimit: 12Gi}}]
      workerSpec:
        pipelineParallelSize: 2
        tensorParallelSize: 1
        containers: [{name: worker-container, image: $(vllm-cuda-image)}]
"""
"""Of odh-model-controller's config/runtimes/vllm/vllm-multinode-template.yaml, without probes and the
worker's script."""


def test_opendatahubs_runtime_for_several_nodes() -> None:
    text = changed(
        several(0, 0, tensorParallelSize=4), "spec predictor model runtime", "vllm-multinode-runtime"
    )
    found = one(text, MULTINODE)
    assert (found.pods, found.serving.gpu_count, found.image, found.open) == (2, 4, "oci://r/x:1", ())
    server = found.server
    assert server is not None
    assert (server.image, server.version, server.shm_mib) == ("", "v0.21.0", 12288)
    assert server.args[0] == "--port=8080"
    assert server.args[3:5] == (
        "--tensor-parallel-size=$(TENSOR_PARALLEL_SIZE)",
        "--pipeline-parallel-size=$(PIPELINE_PARALLEL_SIZE)",
    )
    known = dict(server.environment)
    assert (known["TENSOR_PARALLEL_SIZE"], known["PIPELINE_PARALLEL_SIZE"], known["MASTER_PORT"]) == (
        "4",
        "2",
        "29500",
    )
    assert "POD_IP" not in known
