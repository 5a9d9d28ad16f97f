"""Whose arguments an LLMInferenceService's are, where they stand, and where one more goes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess

import pytest
import yaml
from llm_services import at, place, read, request, requests, service

from modelcar_tui.manifest.kinds.places import ListPart, TextPart


def main(inside: str) -> str:
    return service(f"template:\n  containers:\n  - name: main\n    {inside}\n")


def told(text: str) -> list[str]:
    return [one.what for one in read(text)[0].findings if one.code == "llm-arguments"]


def opened(text: str) -> list[str]:
    return [one.what for one in request(text).open]


def test_the_variable_goes_before_args() -> None:
    text = main(
        'env: [{name: VLLM_ADDITIONAL_ARGS, value: --block-size 64}]\n    args: [--max-model-len, "4096"]'
    )
    found = place(text)
    assert found.words == ("--block-size", "64", "--max-model-len", "4096")
    first, second = found.parts
    assert isinstance(first, TextPart)
    assert isinstance(second, ListPart)
    assert (second.items, second.split) == ((0, 1), True)
    assert found.grows == first.path


def test_the_spans_of_a_variable_give_its_words() -> None:
    text = main("""env: [{name: VLLM_ADDITIONAL_ARGS, value: "--a  '{\\"k\\": 1}' --b=\\"x y\\""}]""")
    (part,) = place(text).parts
    assert isinstance(part, TextPart)
    assert [part.node.value[start:end] for start, end in part.spans] == ["--a", "'{\"k\": 1}'", '--b="x y"']
    assert place(text).words == ("--a", '{"k": 1}', "--b=x y")
    assert part.end == len(part.node.value)


def test_a_shell_takes_items_of_args_apart() -> None:
    text = main("""args: [--enforce-eager, "--max-model-len 4096", "--x='{\\"a\\":1}'", --y]""")
    found = place(text)
    assert found.words == ("--enforce-eager", "--max-model-len", "4096", '--x={"a":1}', "--y")
    kinds = [(type(one).__name__, one.path[-1]) for one in found.parts]
    assert kinds == [("ListPart", "args"), ("TextPart", 1), ("TextPart", 2), ("ListPart", "args")]
    assert found.grows == ("spec", "template", "containers", 0, "args")


def test_quotes_that_the_shell_takes_away_are_told() -> None:
    text = main("""args: [--kv-transfer-config, '{"kv_connector":"NixlConnector"}']""")
    assert place(text).words == ("--kv-transfer-config", "{kv_connector:NixlConnector}")
    assert told(text) == ["the shell that adds this argument to vLLM's command takes its quotes away"]


def test_a_line_s_end_ends_the_command() -> None:
    text = main(
        "env:\n    - name: VLLM_ADDITIONAL_ARGS\n      value: |-\n"
        "        --block-size 64\n        --enforce-eager"
    )
    assert place(text).words == ("--block-size", "64")
    assert "what stands behind it is not passed on" in told(text)[0]
    folded = text.replace("|-", ">-")
    assert place(folded).words == ("--block-size", "64", "--enforce-eager")
    assert not told(folded)


def test_variables_of_the_container_are_put_in() -> None:
    env = """env:
    - {name: LENGTH, value: '4096'}
    - {name: MY_TOKEN, valueFrom: {secretKeyRef: {name: s, key: k}}}
    - name: VLLM_ADDITIONAL_ARGS
      value: --max-model-len $LENGTH --seed ${SEED:-7} --block-size $(LENGTH) --api-key ${MY_TOKEN}"""
    text = main(env)
    assert place(text).words == (
        *("--max-model-len", "4096", "--seed", "7", "--block-size", "4096", "--api-key", "$(MY_TOKEN)"),
    )
    assert not opened(text)


@pytest.mark.parametrize(
    ("value", "what"),
    [
        ("--max-model-len $(nproc)", "the value of --max-model-len"),
        ("--max-model-len=${UNKNOWN}", "the value of --max-model-len"),
        ("$(cat args)", "its first word"),
        ("--api-key hunter2-is-it | tee hunter2-is-it", "what a shell's operators in it do"),
        ("--max-model-len 'b", "a quote (') does not end"),
        ("--hf-overrides hunter2-is-it$(cat x)", "the value of --hf-overrides"),
    ],
)
def test_what_only_a_shell_can_tell_is_not_known(value: str, what: str) -> None:
    text = main(f'env: [{{name: VLLM_ADDITIONAL_ARGS, value: "{value}"}}]')
    assert opened(text) == [f"vLLM's arguments are not known here: {what}"]


def test_a_variable_out_of_another_object_is_not_known() -> None:
    text = main("env: [{name: VLLM_ADDITIONAL_ARGS, valueFrom: {configMapKeyRef: {name: c, key: k}}}]")
    assert opened(text) == ["VLLM_ADDITIONAL_ARGS comes from another object: vLLM's arguments are not known"]
    assert place(text).grows[-1] == "args"


def test_a_whole_config_map_may_bring_the_variable() -> None:
    text = main("envFrom: [{configMapRef: {name: c}}]")
    assert opened(text) == [
        "VLLM_ADDITIONAL_ARGS may come from another object: vLLM's arguments are not known"
    ]
    assert opened(main("envFrom: [{secretRef: {name: c}}]")) == []


def test_a_secret_among_them_is_not_told() -> None:
    one = request(main("env: [{name: VLLM_ADDITIONAL_ARGS, value: '--api-key hunter2-is-it'}]"))
    assert "hunter2-is-it" not in repr(one)


@pytest.mark.parametrize(
    ("spec", "grows", "there"),
    [
        ("", ("spec", "template", "containers", 0, "env"), ("spec",)),
        ("template: {}", ("spec", "template", "containers", 0, "env"), ("spec", "template")),
        ("template: {containers: []}", ("spec", "template", "containers", 0, "env"), ("spec", "template")),
        (
            "template: {containers: [{name: side}]}",
            ("spec", "template", "containers", 1, "env"),
            ("spec", "template"),
        ),
        (
            "template: {containers: [{name: main}]}",
            ("spec", "template", "containers", 0, "env"),
            ("spec", "template", "containers", 0),
        ),
        (
            "template: {containers: [{name: main, env: [{name: A, value: b}]}]}",
            ("spec", "template", "containers", 0, "env"),
            None,
        ),
    ],
)
def test_the_first_argument_is_a_new_variable(
    spec: str, grows: tuple[str | int, ...], there: tuple[str | int, ...] | None
) -> None:
    text = service(spec)
    found = place(text)
    assert (found.grows, found.variable, found.parts) == (grows, "VLLM_ADDITIONAL_ARGS", ())
    assert found.gpus_parent == grows[:-1]
    if there is None:
        assert found.parent is None
        assert isinstance(at(yaml.safe_load(text), grows), list)
    else:
        assert found.parent is not None
        assert {key.value for key, _ in found.parent.pairs} == set(at(yaml.safe_load(text), there))


def test_a_command_of_its_own_replaces_kserve_s() -> None:
    text = main('command: [vllm, serve, /mnt/models]\n    args: [--port, "8080"]')
    one = request(text)
    assert one.serving.args == ("--port", "8080")
    assert one.server is not None
    assert (one.server.args, one.server.told_by) == ((), "container main")
    found = place(text)
    assert (found.grows[-1], found.variable) == ("args", "")


def test_a_script_in_args_is_of_the_older_releases() -> None:
    text = main(
        'args: ["vllm serve /mnt/models --port 8000 ${VLLM_ADDITIONAL_ARGS}"]\n'
        "    env: [{name: VLLM_ADDITIONAL_ARGS, value: --enforce-eager --seed=1}]"
    )
    one = request(text)
    assert one.serving.args == ("--port", "8000", "--enforce-eager", "--seed=1")
    assert one.server is not None
    assert one.server.args == ()
    document = yaml.safe_load(text)
    assert [at(document, part.path) for part in place(text).parts] == [
        "vllm serve /mnt/models --port 8000 ${VLLM_ADDITIONAL_ARGS}",
        "--enforce-eager --seed=1",
    ]


def test_another_server_is_no_request() -> None:
    manifest, errors = read(main("command: [/app/llm-d-inference-sim]\n    args: [--port, '8000']"))
    assert not manifest.models
    assert [one.code for one in errors] == ["nothing-served"]
    assert "starts no vLLM" in manifest.findings[0].what


CONFIG = """\
---
apiVersion: serving.kserve.io/v1alpha2
kind: LLMInferenceServiceConfig
metadata: {name: base}
spec:
  model: {uri: 'pvc://claim', name: theirs}
  replicas: 2
  template:
    containers:
    - name: main
      image: quay.io/vllm:2
      env: [{name: VLLM_ADDITIONAL_ARGS, value: --block-size 64}, {name: A, value: b}]
      resources: {limits: {memory: 32Gi, nvidia.com/gpu: '1'}}
"""


def test_a_configuration_of_the_file_lies_below() -> None:
    own = "{name: main, args: [--seed=1], resources: {limits: {nvidia.com/gpu: '2'}}}"
    spec = f"baseRefs: [{{name: base}}]\ntemplate: {{containers: [{own}]}}"
    text = service(spec, model="") + CONFIG
    one = request(text)
    assert (one.image, one.copies, one.serving.gpu_count) == ("pvc://claim", 2, 2)
    assert one.serving.args == ("--seed=1",)
    assert one.server is not None
    assert one.server.args[-2:] == ("--block-size", "64")
    assert one.server.args[1] == "theirs"
    assert (one.server.image, one.server.memory_limit_mib) == ("quay.io/vllm:2", 32768)
    assert ("A", "b") in one.server.environment
    assert not one.open
    assert [gpu.node.value for gpu in place(text).gpus] == ["2"]


def test_an_argument_never_takes_a_configuration_s_place() -> None:
    text = service("baseRefs: [{name: base}]\ntemplate: {containers: [{name: main}]}") + CONFIG
    found = place(text)
    assert (found.grows[-1], found.variable) == ("args", "")
    assert (found.gpus, found.gpus_parent) == ((), None)
    both = text.replace(
        "      image: quay.io/vllm:2\n", "      image: quay.io/vllm:2\n      args: [--seed=1]\n"
    )
    assert place(both).grows == ()


def test_a_configuration_that_is_not_there() -> None:
    found = opened(service("baseRefs: [{name: base}, {name: kserve-config-llm-template-amd-rocm}]"))
    assert found == ["LLMInferenceServiceConfig base, on which this service is based, is not in the file"]


def test_sizes_for_workers_must_stand_in_the_service_itself() -> None:
    config = CONFIG.replace("  replicas: 2\n", "  parallelism: {data: 4, dataLocal: 2}\n")
    found = request(service("baseRefs: [{name: base}]\nworker: {}") + config)
    assert found.pods == 2
    assert any("KServe reads it from the service itself" in one.what for one in found.open)


def test_kserve_s_own_configuration_in_the_file_is_read_as_it_stands() -> None:
    config = CONFIG.replace("name: base", "name: kserve-config-llm-template").replace(
        "      image: quay.io/vllm:2\n", "      command: [vllm, serve, /mnt/models, --port, '9000']\n"
    )
    one = requests(service("") + config)["qwen"]
    assert one.server is not None
    assert one.server.args == ("--port", "9000")


def test_names_of_the_service_are_put_in() -> None:
    text = main(
        "env:\n    - name: VLLM_ADDITIONAL_ARGS\n"
        "      value: --seed 1 --x {{ .Spec.Model.Name }} --y '{{ ChildName .ObjectMeta.Name `-epp` }}:5557'"
    )
    found = place(text)
    assert found.words == ("--seed", "1", "--x", "Qwen/Qwen3-8B", "--y", "qwen-epp:5557")
    (part,) = found.parts
    assert isinstance(part, TextPart)
    start, end = part.spans[3]
    assert part.node.value[start:end] == "{{ .Spec.Model.Name }}"
    assert not opened(text)


@pytest.mark.parametrize(
    "action", ["{{ .GlobalConfig.SystemNamespace }}", "{{ ChildName .Name `-" + "a" * 60 + "` }}"]
)
def test_what_only_the_cluster_fills_is_not_known(action: str) -> None:
    text = main(f'args: ["--max-model-len={action}"]')
    assert place(text).words == (f"--max-model-len={action}",)
    assert opened(text)[0].startswith("vLLM's arguments are not known here: {{")
    assert opened(main(f'command: [vllm, serve, /mnt/models]\n    args: ["--max-model-len={action}"]'))
    assert not opened(main(f'args: ["--served-model-name={action}"]'))


def test_a_variable_that_nothing_passes_on_is_told() -> None:
    variable = "env: [{name: VLLM_ADDITIONAL_ARGS, value: --seed=1}]"
    text = main(f"command: [vllm, serve, /mnt/models]\n    {variable}")
    assert place(text).words == ()
    assert told(text) == ["the container's own command does not pass VLLM_ADDITIONAL_ARGS on"]
    server = request(text).server
    assert server is not None
    assert ("VLLM_ADDITIONAL_ARGS", "--seed=1") in server.environment
    assert not told(main(variable))


def test_a_command_may_name_another_model() -> None:
    text = main("command: [vllm, serve, Qwen/Qwen3-0.6B, --seed=1]")
    assert request(text).image == "hf://Qwen/Qwen3-0.6B"
    assert request(main("command: [vllm, serve, /mnt/models]")).image == "hf://Qwen/Qwen3-8B"


def test_args_replace_the_script_of_the_releases_that_have_v1alpha1_alone() -> None:
    spec = "template: {containers: [{name: main, args: [--seed=1]}]}"
    assert told(service(spec, version="v1alpha1")) == [
        "up to RHOAI 3.3 `args` take the place of the script that starts vLLM"
    ]
    assert not told(service(spec))


def test_a_list_that_an_alias_stands_for_is_left_alone() -> None:
    text = service(
        """\
        x-args: &args [--seed=1]
        template: {containers: [{name: main, args: *args}]}
        """
    )
    one = request(text)
    assert one.server is not None
    assert (one.serving.args, one.server.args[-1]) == ((), "--seed=1")
    assert place(text).grows[-1] == "env"


SCRIPT = """\
eval "exec printf '%s\\\\0' vllm serve \\
  ${VLLM_ADDITIONAL_ARGS} \\
  $@"
"""
JSON = '{"kv_connector":"NixlConnector","kv_role":"kv_both","n":[1, 2]}'


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
@pytest.mark.parametrize(
    ("variable", "args"),
    [
        ("--max-model-len 4096  --seed=1", ()),
        (f"--kv-transfer-config '{JSON}' --x \"a b\"", ("--y", "'c  d'")),
        ("--a=\\\n  --b c\\ d", ("--e 'f g' --h",)),
        ("--block-size 64\n--enforce-eager", ()),
        ("--max-model-len ${LENGTH:-2048} --seed $SEED --x '$SEED'", ("--y=${SEED}",)),
        ("--a ''", ("", '""', "--b")),
        ("--a # --b", ()),
        ("", (f"'{JSON}'", "--lora-modules", "'a=/b'")),
        ("--a=b'c'\"d\"e", ('--f=\\"g\\"',)),
    ],
)
def test_words_are_what_a_real_shell_makes_of_them(variable: str, args: tuple[str, ...]) -> None:
    environment = {"SEED": "7", "VLLM_ADDITIONAL_ARGS": variable}
    command = ["bash", "-c", SCRIPT, "--", *args]
    clean = {**environment, "PATH": os.environ["PATH"]}
    done = subprocess.run(command, env=clean, capture_output=True, check=False, timeout=20)
    passed = done.stdout.decode().split("\0")[2:-1]
    container = {
        "name": "main",
        "env": [{"name": name, "value": value} for name, value in environment.items()],
        "args": list(args),
    }
    text = service(json.dumps({"template": {"containers": [container]}})[1:-1])
    assert list(place(text).words) == passed
