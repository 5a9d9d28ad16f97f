"""LLMInferenceServices: requests, copies, pods, GPUs, what keeps them from a GO."""

from __future__ import annotations

import pytest
import yaml
from llm_services import at, place, read, request, requests, service

GPUS = (
    "resources: {limits: {cpu: '8', memory: 64Gi, nvidia.com/gpu: '2'}, "
    "requests: {cpu: '4', memory: 32Gi, nvidia.com/gpu: '2'}}"
)
ONE_POD = f"""\
replicas: 3
parallelism: {{tensor: 2}}
template:
  containers:
  - name: main
    env: [{{name: VLLM_ADDITIONAL_ARGS, value: --max-model-len 8192}}]
    {GPUS}
"""
MANY_PODS = f"""\
parallelism: {{data: 32, dataLocal: 8, tensor: 1, expert: true, dataRPCPort: 5600}}
template:
  containers:
  - name: main
    env: [{{name: VLLM_ADDITIONAL_ARGS, value: --enforce-eager}}]
    {GPUS}
worker:
  containers:
  - name: main
    env: [{{name: VLLM_ADDITIONAL_ARGS, value: --enforce-eager}}]
    {GPUS}
"""


def told(text: str, code: str) -> list[str]:
    return [one.what for one in read(text)[0].findings if one.code == code]


def opened(text: str) -> list[str]:
    return [problem.what for one in requests(text).values() for problem in one.open]


@pytest.mark.parametrize("version", ["v1alpha1", "v1alpha2"])
def test_one_pod(version: str) -> None:
    one = request(service(ONE_POD, version=version))
    assert (one.name, one.kind, one.namespace) == ("qwen", "LLMInferenceService", "llm")
    assert (one.image, one.copies, one.pods, one.serving.gpu_count) == ("hf://Qwen/Qwen3-8B", 3, 1, 2)
    assert one.serving.args == ("--max-model-len", "8192")
    assert not one.serving.by_suite
    assert not one.open
    server = one.server
    assert server is not None
    assert server.told_by == "kserve-config-llm-template, as RHOAI 3.5 ships it"
    assert server.args == (
        *("--served-model-name", "Qwen/Qwen3-8B", "publishers/llm/models/Qwen/Qwen3-8B", "--port", "8000"),
        *("--tensor-parallel-size", "2", "--enable-ssl-refresh"),
        *("--ssl-certfile", "/var/run/kserve/tls/tls.crt", "--ssl-keyfile", "/var/run/kserve/tls/tls.key"),
    )
    assert (server.resource, server.cpu_milli, server.memory_mib) == ("nvidia.com/gpu", 4000, 32768)
    assert (server.memory_limit_mib, server.shm_mib, server.image) == (65536, 1024, "")
    assert server.environment == (
        ("HOME", "/home"),
        ("VLLM_LOGGING_LEVEL", "INFO"),
        ("HF_HUB_CACHE", "/models"),
    )


def test_places_of_one_pod() -> None:
    text = service(ONE_POD)
    found = place(text)
    document = yaml.safe_load(text)
    assert found.grows == ("spec", "template", "containers", 0, "env", 0, "value")
    assert [part.path for part in found.parts] == [found.grows]
    assert at(document, found.grows) == "--max-model-len 8192"
    assert [at(document, one.path) for one in found.gpus] == ["2", "2"]
    assert [at(document, one.path) for one in found.ranks] == [2]
    assert found.repeats == ()


def test_a_group_has_a_leader_and_workers() -> None:
    one = request(service(MANY_PODS))
    assert (one.copies, one.pods, one.serving.gpu_count) == (1, 4, 2)
    assert one.server is not None
    assert one.server.told_by.startswith("kserve-config-llm-worker-data-parallel,")
    assert one.server.args[5:19] == (
        *("--api-server-count", "8", "--enable-expert-parallel", "--tensor-parallel-size", "1"),
        *("--data-parallel-size", "32", "--data-parallel-size-local", "8"),
        *("--data-parallel-address", "$(LWS_LEADER_ADDRESS)", "--data-parallel-rpc-port", "5600"),
        "--data-parallel-start-rank",
    )
    assert one.server.shm_mib == 8192
    assert not one.open


def test_what_a_leader_gets_stands_once_more_for_its_workers() -> None:
    text = service(MANY_PODS)
    (worker,) = place(text).repeats
    assert worker.words == place(text).words == ("--enforce-eager",)
    assert at(yaml.safe_load(text), worker.grows) == "--enforce-eager"
    assert [one.path[:2] for one in worker.gpus] == [("spec", "worker")] * 2


def test_prefill_is_a_request_of_its_own() -> None:
    text = service(ONE_POD + "prefill:\n  replicas: 2\n  parallelism: {tensor: 4}\n")
    found = requests(text)
    assert list(found) == ["qwen", "qwen/prefill"]
    decode, prefill = found["qwen"].server, found["qwen/prefill"].server
    assert decode is not None
    assert prefill is not None
    assert decode.told_by.startswith("kserve-config-llm-decode-template,")
    assert decode.args[3:5] == ("--port", "8001")
    assert prefill.told_by.startswith("kserve-config-llm-prefill-template,")
    assert prefill.args[:6] == (
        "--served-model-name",
        "Qwen/Qwen3-8B",
        "--port",
        "8000",
        "--tensor-parallel-size",
        "4",
    )
    assert (found["qwen/prefill"].copies, found["qwen/prefill"].serving.gpu_count) == (2, 0)


@pytest.mark.parametrize(
    ("spec", "copies"),
    [
        ("", 1),
        ("replicas: 0", 0),
        ("scaling: {minReplicas: 2, maxReplicas: 5}", 2),
        ("scaling: {maxReplicas: 5}", 1),
        ("scaling: {minReplicas: 0, maxReplicas: 5}", 0),
    ],
)
def test_copies(spec: str, copies: int) -> None:
    assert request(service(spec)).copies == copies


def test_a_stopped_one_has_no_copies() -> None:
    text = service("replicas: 3").replace("namespace: llm", "annotations: {serving.kserve.io/stop: 'true'}")
    assert request(text).copies == 0


@pytest.mark.parametrize(
    ("parallelism", "pods"),
    [
        ("{data: 16, dataLocal: 8}", 2),
        ("{data: 3, dataLocal: 8}", 1),
        ("{dataLocal: 2}", 1),
        ("{pipeline: 3}", 3),
    ],
)
def test_the_size_of_a_group(parallelism: str, pods: int) -> None:
    assert request(service(f"parallelism: {parallelism}\nworker: {{}}")).pods == pods


def test_pipeline_stages_need_a_configuration_that_comes_with_no_release() -> None:
    (what,) = opened(service("parallelism: {pipeline: 2}\nworker: {}"))
    assert what.startswith("LLMInferenceServiceConfig kserve-config-llm-worker-pipeline-parallel")


def test_workers_without_sizes_are_not_understood() -> None:
    assert any("`worker` without `parallelism`" in what for what in opened(service("worker: {}")))


def test_workers_with_other_gpus_are_told() -> None:
    head, _, tail = MANY_PODS.rpartition(GPUS)
    assert opened(service(head + GPUS.replace("'2'", "'4'") + tail)) == [
        "the leader asks for 2 GPUs and each worker for 4"
    ]


@pytest.mark.parametrize(
    "uri", ["oci://quay.io/org/car:1", "oci+native://quay.io/org/car:1", "pvc://claim/path", "s3://bucket/x"]
)
def test_where_the_weights_come_from(uri: str) -> None:
    one = request(service("", model=f"model: {{uri: '{uri}'}}\n"))
    assert one.image == uri
    assert not one.open
    assert one.server is not None
    assert one.server.args[1] == "qwen"


@pytest.mark.parametrize(
    ("model", "what"),
    [
        ("model: {uri: 'gs://bucket/x'}\n", "KServe takes no gs:// here"),
        ("model: {uri: Qwen/Qwen3-8B}\n", "model.uri is no address"),
        ("model: {name: x}\n", "no model.uri says where the weights are"),
    ],
)
def test_an_address_that_kserve_does_not_take(model: str, what: str) -> None:
    assert opened(service("", model=model)) == [what]


def test_a_login_in_the_address_is_not_told() -> None:
    one = request(service("", model="model: {uri: 's3://someone:hunter2secret@host/bucket'}\n"))
    assert "hunter2secret" not in repr(one)


def test_devices_of_a_claim() -> None:
    device = "serving.kserve.io/exp-dra-device"
    notes = f"annotations: {{{device}-class: gpu.nvidia.com, {device}-count: '2'}}"
    text = service("").replace("namespace: llm", notes)
    assert request(text).serving.gpu_count == 2
    assert [one.path[-1] for one in place(text).gpus] == ["serving.kserve.io/exp-dra-device-count"]
    assert "ResourceClaim" in opened(text)[0]


def test_adapters_become_arguments() -> None:
    model = """\
    model:
      uri: hf://Qwen/Qwen3-8B
      name: base
      lora:
        maxRank: 64
        adapters: [{name: b, uri: 'hf://x/b'}, {name: 'a/c', uri: 'pvc://claim/a'}]
    """
    server = request(service("", model=model)).server
    assert server is not None
    assert server.args[-7:] == (
        *("--enable-lora", "--max-lora-rank=64", "--lora-modules"),
        '{"name":"a/c","path":"/mnt/lora/a-c"}',
        '{"name":"publishers/llm/models/a/c","path":"/mnt/lora/a-c"}',
        '{"name":"b","path":"/mnt/lora/b"}',
        '{"name":"publishers/llm/models/b","path":"/mnt/lora/b"}',
    )


def test_an_adapter_out_of_an_image_is_refused() -> None:
    model = "model: {uri: 'hf://Qwen/Qwen3-8B', lora: {adapters: [{name: a, uri: 'oci://quay.io/a'}]}}\n"
    assert opened(service("", model=model)) == ["KServe takes no oci:// for a LoRA adapter"]


def test_offloading_becomes_an_argument_that_gives_way() -> None:
    spec = "kvCacheOffloading: {cpu: 10Gi, secondary: [{fileSystem: {emptyDir: {size: 1Gi}}}]}\n"
    server = request(service(spec)).server
    assert server is not None
    where = server.args.index("--kv-transfer-config")
    assert server.args[where + 1] == (
        '{"kv_connector":"OffloadingConnector","kv_connector_extra_config":{"cpu_bytes_to_use":10737418240,'
        '"eviction_policy":"lru","secondary_tiers":[{"root_dir":"/mnt/kv-cache-0","type":"fs"}],'
        '"spec_name":"TieringOffloadingSpec"},"kv_role":"kv_both"}'
    )
    own = "template: {containers: [{name: main, args: [\"--kv_transfer_config='{}'\"]}]}\n"
    server = request(service(spec + own)).server
    assert server is not None
    assert "--kv-transfer-config" not in server.args


def test_sizes_that_only_workers_get_are_told() -> None:
    found = told(
        service("parallelism: {data: 4, dataLocal: 1, expert: true, pipeline: 2}"), "llm-parallelism"
    )
    assert found == ["KServe passes parallelism.data and pipeline and expert to vLLM only with a `worker`"]


def test_older_releases_do_not_pass_tensor_on() -> None:
    (what,) = told(service("parallelism: {tensor: 4}"), "llm-parallelism")
    assert what == "up to RHOAI 3.4 nothing passes parallelism.tensor to vLLM, which then uses one GPU"
    own = "template: {containers: [{name: main, args: [--tensor-parallel-size=4]}]}"
    assert not told(service(f"parallelism: {{tensor: 4}}\n{own}"), "llm-parallelism")


def test_a_key_that_kserve_does_not_know_is_told() -> None:
    found = told(
        service("workload: {kvCacheOffloading: {cpu: 1Gi}}\nparallelism: {tensors: 2}"), "unknown-key"
    )
    assert found == [
        "LLMInferenceService has no spec.workload, and drops it",
        "LLMInferenceService has no spec.parallelism.tensors, and drops it",
    ]


def test_the_pod_and_the_queue() -> None:
    text = service(
        """\
        template:
          serviceAccountName: runner
          imagePullSecrets: [{name: pull}]
          schedulerName: other
          priorityClassName: high
          nodeSelector: {zone: a}
          tolerations: [{key: gpu, operator: Exists}]
          volumes: [{name: dshm, emptyDir: {medium: Memory, sizeLimit: 20Gi}}]
          containers: [{name: main, image: 'quay.io/vllm:1'}]
        """
    ).replace(
        "namespace: llm",
        "labels: {kueue.x-k8s.io/queue-name: q}\n  annotations: {opendatahub.io/hardware-profile-name: p}",
    )
    server = request(text).server
    assert server is not None
    assert (server.service_account, server.pull_secrets, server.scheduler) == ("runner", ("pull",), "other")
    assert (server.priority_class, server.queue, server.profile) == ("high", "q", "p")
    assert (server.image, server.shm_mib) == ("quay.io/vllm:1", 20480)
    assert server.scheduling.selector == (("zone", "a"),)
    assert [one.key for one in server.scheduling.tolerations] == ["gpu"]


def test_one_without_a_specification_is_an_error() -> None:
    _, errors = read(
        "apiVersion: serving.kserve.io/v1alpha2\nkind: LLMInferenceService\nmetadata: {name: x}\n"
    )
    assert [one.code for one in errors] == ["spec-missing"]
