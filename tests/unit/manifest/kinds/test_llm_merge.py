"""What is laid over what: Kubernetes' strategic merge, and KServe's configurations by release."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from modelcar_tui.manifest.kinds.llm_merge import merged
from modelcar_tui.manifest.kinds.llm_presets import (
    Role,
    Shape,
    config_name,
    newest,
    preset_args,
    releases,
    sets_only_the_image,
)
from modelcar_tui.manifest.kinds.objects import below
from modelcar_tui.manifest.plain import Other, plain
from modelcar_tui.manifest.spans import compose_all


def laid(base: str, over: str) -> Any:
    found = merged(compose_all(base).root, compose_all(over).root)
    assert found is not None
    return spelled(plain(found))


def spelled(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: spelled(one) for key, one in value.items()}
    if isinstance(value, list):
        return [spelled(one) for one in value]
    return yaml.safe_load(value.text) if isinstance(value, Other) else value


@pytest.mark.parametrize(
    ("base", "over", "wanted"),
    [
        ("a: 1", "b: 2", {"a": 1, "b": 2}),
        ("a: {b: 1, c: 2}", "a: {c: 3}", {"a": {"b": 1, "c": 3}}),
        ("a: 1", "a: null", {"a": 1}),
        ("a: {b: 1}", "a: {}", {"a": {"b": 1}}),
        ("args: [x, y]", "args: [z]", {"args": ["z"]}),
        ("args: [x]", "args: []", {"args": ["x"]}),
        (
            "env: [{name: A, value: '1'}, {name: B, value: '2'}]",
            "env: [{name: C, value: '4'}, {name: B, value: '3'}]",
            {"env": [{"name": "A", "value": "1"}, {"name": "B", "value": "3"}, {"name": "C", "value": "4"}]},
        ),
        (
            "volumes: [{name: m, emptyDir: {medium: Memory, sizeLimit: 1Gi}}]",
            "volumes: [{name: m, emptyDir: {sizeLimit: 2Gi}}]",
            {"volumes": [{"name": "m", "emptyDir": {"medium": "Memory", "sizeLimit": "2Gi"}}]},
        ),
        (
            "volumes: [{name: m, emptyDir: {}}]",
            "volumes: [{name: m, persistentVolumeClaim: {claimName: c}}]",
            {"volumes": [{"name": "m", "persistentVolumeClaim": {"claimName": "c"}}]},
        ),
        (
            "tolerations: [{key: a}]",
            "tolerations: [{key: b}]",
            {"tolerations": [{"key": "b"}]},
        ),
        (
            "volumeMounts: [{mountPath: /dev/shm, name: a}]",
            "volumeMounts: [{mountPath: /dev/shm, name: b}]",
            {"volumeMounts": [{"mountPath": "/dev/shm", "name": "b"}]},
        ),
    ],
)
def test_what_comes_of_two(base: str, over: str, wanted: object) -> None:
    assert laid(base, over) == wanted


def test_what_neither_says_is_nothing() -> None:
    assert merged(None, None) is None


def test_values_stay_the_nodes_of_their_text() -> None:
    over = compose_all("x: 1\na: {b: 1}").root
    found = merged(compose_all("a: {c: 2}").root, over)
    assert found is not None
    assert below(found, "a", "b") is below(over, "a", "b")
    assert below(found, "a", "c") is not None


def test_each_release_says_where_it_was_read() -> None:
    names = [one.name for one in releases()]
    versions = [tuple(map(int, name.removeprefix("RHOAI ").split("."))) for name in names]
    assert versions == sorted(versions, reverse=True)
    assert newest() is releases()[0]
    for one in releases():
        assert re.fullmatch(r"[0-9a-f]{40}", one.commit)
        assert one.repository.count("/") == 1
        assert one.path.startswith("config/")
        assert one.script in ("command", "args")


@pytest.mark.parametrize("release", releases(), ids=lambda one: one.name)
def test_every_release_passes_what_a_group_needs(release: Any) -> None:
    facts = {
        "model": "m",
        "publisher": None,
        "tensor": 2,
        "expert": None,
        "data": 16,
        "data_local": 8,
        "rpc_port": 5555,
        "api_servers": 8,
        "offloading": None,
    }
    found = preset_args(release, Role.PREFILL, Shape.DATA, facts)
    assert found[:4] == ("--served-model-name", "m", "--port", "8000")
    assert found[found.index("--tensor-parallel-size") + 1] == "2"
    assert found[found.index("--data-parallel-size-local") + 1] == "8"
    assert "--enable-expert-parallel" not in found
    assert not any("{" in word for word in found)
    assert "--enable-expert-parallel" in preset_args(release, Role.BOTH, Shape.DATA, {**facts, "expert": ""})
    assert preset_args(release, Role.DECODE, Shape.SINGLE, facts)[3] == "8001"


def test_which_configuration_a_workload_gets() -> None:
    assert config_name(Role.BOTH, Shape.SINGLE) == "config-llm-template"
    assert config_name(Role.PREFILL, Shape.DATA) == "config-llm-prefill-worker-data-parallel"
    assert config_name(Role.BOTH, Shape.NONE) == ""


@pytest.mark.parametrize(
    ("config", "image_alone"),
    [
        ("kserve-config-llm-template-amd-rocm", True),
        ("kserve-config-llm-single-node-template-nvidia-cuda-fast-1", True),
        ("kserve-config-llm-multi-node-pd-template-nvidia-cuda", True),
        ("kserve-config-llm-template", False),
        ("my-template-nvidia-cuda", False),
    ],
)
def test_configurations_that_set_the_image_alone(config: str, *, image_alone: bool) -> None:
    assert sets_only_the_image(config) is image_alone
