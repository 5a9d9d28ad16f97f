"""Names that the server or the engine looks up, and arguments that it refuses beside one another."""

from __future__ import annotations

import pytest

from modelcar_tui.vllm.arguments.fault import ArgumentFault
from modelcar_tui.vllm.arguments.faults import argument_faults
from modelcar_tui.vllm.arguments.parsing import parse_arguments

TOOLS = "--enable-auto-tool-choice"


def found(*args: str, vllm: str = "0.19.1") -> list[ArgumentFault]:
    return [fault for _, fault in argument_faults(parse_arguments(args, vllm), vllm)]


def test_a_parser_is_looked_up_only_where_tools_are_chosen() -> None:
    assert found("--tool-call-parser=nosuch") == []
    (fault,) = found("--tool-call-parser=nosuch", TOOLS)
    assert fault.code == "name-unknown" and "hermes" in fault.what
    assert found("--tool-call-parser=hermes", TOOLS) == []


def test_a_plugin_opens_the_names() -> None:
    assert found("--tool-call-parser=mine", TOOLS, "--tool-parser-plugin=/p.py") == []
    assert found("--reasoning-parser=mine", "--reasoning-parser-plugin=/p.py") == []
    connector = '{"kv_connector":"Mine","kv_role":"kv_both"%s}'
    assert found("--kv-transfer-config=" + connector % ',"kv_connector_module_path":"a.b"') == []
    (fault,) = found("--kv-transfer-config=" + connector % "")
    assert fault.code == "setting-refused" and "NixlConnector" in fault.what


def test_the_nearest_name_is_meant_but_not_for_a_name_of_another_release() -> None:
    (fault,) = found("--reasoning-parser=qwen33")
    assert fault.meant == "--reasoning-parser=qwen3"
    (later,) = found("--tool-call-parser=glm47", TOOLS, vllm="0.12.0")
    assert later.meant is None and "(first in 0.14.0)" in later.what


@pytest.mark.parametrize(
    ("args", "refused", "taken"),
    [
        (("--reasoning-parser=qwen33",), ("0.10.0", "0.11.0", "0.19.1", "0.33.0"), ()),
        (("--distributed-executor-backend=nosuch",), ("0.8.5", "0.19.1"), ()),
        (("--distributed-executor-backend=a.b.C",), (), ("0.19.1", "0.33.0")),
        (("--attention-backend=nosuch",), ("0.19.1", "0.33.0"), ()),
        (("--attention-backend=flash_attn",), (), ("0.19.1", "0.33.0")),
        (("--config-format=nosuch",), ("0.8.5", "0.33.0"), ()),
        (("--headless",), ("0.9.2",), ("0.10.0",)),
        ((TOOLS,), ("0.8.5", "0.33.0"), ()),
        ((TOOLS, "--tool-call-parser="), ("0.19.1",), ()),
        (("--enable-per-request-metrics", "--disable-log-stats"), ("0.28.0", "0.33.0"), ()),
        (("--sse-keep-alive-interval=-1",), ("0.33.0",), ()),
        (("--grpc-port=1",), ("0.33.0",), ()),
        (('--kv-transfer-config={"kv_connector":"NixlConnector"}',), ("0.10.0", "0.33.0"), ()),
        (('--compilation-config={"custom_ops":["rms_norm"]}',), ("0.11.0", "0.33.0"), ("0.10.0",)),
        (('--compilation-config={"custom_ops":["+rms_norm","none"]}',), (), ("0.11.0", "0.33.0")),
        (('--reasoning-effort-map={"lots":"high"}',), ("0.33.0",), ()),
        (("--lora-modules", "a=/b", '{"name":"c","path":"/d"}'), (), ("0.8.5", "0.33.0")),
        (("--lora-modules", "a"), ("0.8.5", "0.33.0"), ()),
        (("--lora-modules", "a=b=c"), ("0.28.0",), ("0.32.0",)),
        (("-O4",), ("0.11.2",), ("0.10.0",)),
        (('-O{"level":3}',), ("0.11.0",), ()),
        (("--seed=1", "--"), ("0.9.2",), ("0.10.0",)),
    ],
)
def test_each_release_refuses_by_its_own_rules(
    args: tuple[str, ...], refused: tuple[str, ...], taken: tuple[str, ...]
) -> None:
    assert [release for release in refused if not found(*args, vllm=release)] == []
    assert {release: found(*args, vllm=release) for release in taken} == {release: [] for release in taken}


def test_ports_by_rank_want_sizes_that_fit() -> None:
    many = "--data-parallel-multi-port-external-lb"
    (fault,) = found(many, vllm="0.33.0")
    assert "--data-parallel-size above 1" in fault.what
    sizes = ("--data-parallel-size=8", "--data-parallel-size-local=4")
    assert found(many, *sizes, vllm="0.33.0") == []
    assert len(found(many, *sizes, "--data-parallel-start-rank=6", vllm="0.33.0")) == 1


def test_a_role_that_is_missing_is_the_one_that_does_all() -> None:
    (fault,) = found('--kv-transfer-config={"kv_connector":"NixlConnector"}')
    assert fault.meant == '--kv-transfer-config={"kv_connector": "NixlConnector", "kv_role": "kv_both"}'


def test_each_argument_is_refused_once() -> None:
    bad = '--kv-transfer-config={"kv_connector":"Nosuch","kv_role":"both"}'
    assert len(found(bad, "--reasoning-parser=qwen33")) == 2
