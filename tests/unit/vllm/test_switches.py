"""What a release turns on or off by the way, by arguments and by model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from modelcar_tui.models.facts import ModelFacts
from modelcar_tui.models.known import known_models
from modelcar_tui.models.model import Model, describe_model
from modelcar_tui.models.shape import Shape
from modelcar_tui.vllm.arguments.engine_args import read_engine_args
from modelcar_tui.vllm.profile import profile_for
from modelcar_tui.vllm.switches import EngineSwitch, EngineSwitches, engine_switches, manager_refused

CONTEXT = 8192
NIXL = '--kv-transfer-config={"kv_connector":"NixlConnector","kv_role":"kv_both"}'
LMCACHE = '--kv-transfer-config={"kv_connector":"LMCacheConnectorV1","kv_role":"kv_both"}'
OTHERS = '--kv-transfer-config={"kv_connector":"Mine","kv_connector_module_path":"mine.connector"}'
EVENTS = "--kv-events-config.enable_kv_cache_events=true"
OFF, ON = "--disable-hybrid-kv-cache-manager", "--no-disable-hybrid-kv-cache-manager"
EAGLE = '--speculative-config={"method":"eagle","model":"x","num_speculative_tokens":3}'
NGRAM = '--speculative-config={"method":"ngram","num_speculative_tokens":3}'
PLAIN, WINDOWS, CHUNKS = "llama-3.1-8b", "gpt-oss-20b", "llama-4-scout"
STATES, PURE_STATES, ENCODER = "granite-4.0-h-small", "falcon-mamba-7b", "bge-m3"


def multi(*names: str) -> str:
    inner = ",".join(f'{{"kv_connector":"{name}","kv_role":"kv_both"}}' for name in names)
    more = f'"kv_connector_extra_config":{{"connectors":[{inner}]}}'
    return f'--kv-transfer-config={{"kv_connector":"MultiConnector","kv_role":"kv_both",{more}}}'


def shape_of(model: str) -> Shape:
    configs: dict[str, Any] = known_models().models
    config = next(one for name, one in configs.items() if model.lower() in name.lower())
    found = describe_model(ModelFacts(config=config), quantization=None, dtype="auto", overrides=None)
    assert isinstance(found, Model)
    return found.shape


def switches(model: str, vllm: str, *args: str, column: str = "nvidia") -> EngineSwitches:
    profile = profile_for(vllm)
    return engine_switches(shape_of(model), read_engine_args(args, 1, vllm), profile, column, CONTEXT)


def refused(model: str, vllm: str, *args: str) -> str:
    return manager_refused(shape_of(model), read_engine_args(args, 1, vllm), profile_for(vllm), "nvidia")


MANAGER = (
    (PLAIN, "0.9.0", (), False),
    (WINDOWS, "0.13.0", (), True),
    (WINDOWS, "0.13.0", (OFF,), False),
    (WINDOWS, "0.13.0", (NIXL,), False),
    (WINDOWS, "0.20.0", (NIXL,), False),
    (WINDOWS, "0.21.0", (NIXL,), True),
    (WINDOWS, "0.33.0", (NIXL,), True),
    (WINDOWS, "0.33.0", (LMCACHE,), False),
    (WINDOWS, "0.33.0", (multi("NixlConnector", "OffloadingConnector"),), True),
    (WINDOWS, "0.33.0", (multi("NixlConnector", "LMCacheConnectorV1"),), False),
    (WINDOWS, "0.19.1", (NIXL, ON), True),
    (WINDOWS, "0.11.2", (NIXL, ON), False),
    (WINDOWS, "0.19.1", (EVENTS,), False),
    (WINDOWS, "0.20.0", (EVENTS,), True),
    (CHUNKS, "0.10.0", (), True),
    (CHUNKS, "0.10.1", (), False),
    (CHUNKS, "0.13.0", (), False),
    (CHUNKS, "0.14.1", (), True),
    (CHUNKS, "0.14.1", (EAGLE,), False),
    (CHUNKS, "0.33.0", (EAGLE,), False),
    (CHUNKS, "0.33.0", (NGRAM,), True),
    (WINDOWS, "0.33.0", (EAGLE,), True),
)


@pytest.mark.parametrize(("model", "vllm", "args", "on"), MANAGER)
def test_the_hybrid_kv_cache_manager(model: str, vllm: str, args: tuple[str, ...], on: bool) -> None:
    assert switches(model, vllm, *args).hybrid_manager.on is on


def test_what_turns_the_manager_off_is_named() -> None:
    assert "LMCacheConnectorV1" in switches(WINDOWS, "0.33.0", LMCACHE).hybrid_manager.why
    assert "VLLM_ALLOW_CHUNKED" in switches(CHUNKS, "0.13.0").hybrid_manager.why
    assert switches(WINDOWS, "0.19.1", EVENTS).hybrid_manager.why == "--kv-events-config"


def test_a_connector_from_elsewhere_and_a_card_from_elsewhere_are_not_known() -> None:
    assert switches(WINDOWS, "0.33.0", column="gaudi").hybrid_manager.on is None
    assert switches(WINDOWS, "0.33.0", OTHERS).hybrid_manager.on is None


def test_states_beside_attention_do_not_start_without_the_manager() -> None:
    assert "need the hybrid KV cache manager" in refused(STATES, "0.19.1", NIXL)
    assert "need the hybrid KV cache manager" in refused(STATES, "0.33.0", LMCACHE)
    assert "need the hybrid KV cache manager" in refused(STATES, "0.33.0", OFF)
    assert refused(STATES, "0.33.0", NIXL) == ""
    assert refused(STATES, "0.33.0") == ""


def test_windows_and_lone_kinds_start_without_it() -> None:
    assert [refused(model, "0.33.0", OFF) for model in (PLAIN, WINDOWS, CHUNKS, PURE_STATES)] == [""] * 4


def test_a_connector_that_the_manager_can_not_have_is_refused_beside_it() -> None:
    assert "LMCacheConnectorV1" in refused(PLAIN, "0.33.0", LMCACHE, ON)
    assert "OffloadingConnector" in refused(PLAIN, "0.19.1", "--kv-offloading-size=8")
    assert refused(PLAIN, "0.19.1", "--kv-offloading-size=8", OFF) == ""
    assert refused(PLAIN, "0.33.0", "--kv-offloading-size=8") == ""
    assert refused(PLAIN, "0.11.2", "--kv-offloading-size=8") == ""


def test_the_old_engine_served_states_without_a_manager() -> None:
    assert [refused(STATES, vllm) for vllm in ("0.6.6", "0.8.5", "0.10.0")] == [""] * 3


def test_a_manager_that_is_asked_for_and_has_to_be_off_is_refused_from_0_13_on() -> None:
    assert "has to switch off" in refused(CHUNKS, "0.13.0", ON)
    assert refused(CHUNKS, "0.12.0", ON) == ""


def test_chunked_prefill() -> None:
    assert switches(PLAIN, "0.19.1").chunked_prefill.on is True
    assert switches(PLAIN, "0.19.1", "--no-enable-chunked-prefill").chunked_prefill.on is False
    assert switches(PLAIN, "0.7.3").chunked_prefill.on is False
    assert switches(ENCODER, "0.19.1").chunked_prefill.on is False


def test_prefix_caching() -> None:
    assert switches(PLAIN, "0.19.1").prefix_caching.on is True
    assert switches(STATES, "0.19.1").prefix_caching.on is False
    assert switches(STATES, "0.25.1").prefix_caching.on is False
    assert switches(STATES, "0.26.0").prefix_caching.on is True
    assert switches(PURE_STATES, "0.33.0").prefix_caching.on is False
    assert switches(ENCODER, "0.33.0").prefix_caching.on is False


ASYNC = (
    ("0.9.2", (), False),
    ("0.13.0", (), False),
    ("0.13.0", ("--async-scheduling",), True),
    ("0.14.1", (), True),
    ("0.14.1", ("--no-async-scheduling",), False),
    ("0.14.1", ("--pipeline-parallel-size=2",), False),
    ("0.19.1", ("--pipeline-parallel-size=2",), True),
    ("0.33.0", ("--pipeline-parallel-size=2",), None),
    ("0.19.1", (NGRAM,), False),
    ("0.19.1", (EAGLE,), True),
    ("0.33.0", ("--runner=pooling",), False),
    ("0.14.1", ("--distributed-executor-backend=ray",), False),
)


@pytest.mark.parametrize(("vllm", "args", "on"), ASYNC)
def test_async_scheduling(vllm: str, args: tuple[str, ...], on: bool | None) -> None:
    assert switches(PLAIN, vllm, *args).async_scheduling.on is on


GRAPHS = (
    ((), True),
    (("--enforce-eager",), False),
    (("-O0",), False),
    (("--compilation-config.cudagraph_mode=NONE",), False),
    (("--compilation-config.mode=0",), False),
    (("--compilation-config.mode=3",), True),
    (("--max-cudagraph-capture-size=0",), False),
    (("--compilation-config.mode=0", "--compilation-config.cudagraph_mode=FULL_DECODE_ONLY"), True),
)


@pytest.mark.parametrize(("args", "on"), GRAPHS)
def test_cuda_graphs(args: tuple[str, ...], on: bool) -> None:
    assert switches(PLAIN, "0.19.1", *args).cuda_graphs.on is on


def test_graphs_of_decoding_need_no_compilation_from_0_30_on() -> None:
    mode = "--compilation-config.mode=0"
    assert [switches(PLAIN, vllm, mode).cuda_graphs.on for vllm in ("0.29.0", "0.30.0")] == [False, True]


VLLM: list[dict[str, Any]] = [
    json.loads(line)
    for line in (Path(__file__).parents[2] / "data/vllm/switches.jsonl").read_text().splitlines()
]
"""What `create_engine_config` of four releases made of these arguments and models."""


@pytest.mark.parametrize("vllm", ["0.13.0", "0.19.1", "0.24.0", "0.33.0"])
def test_each_switch_stands_as_in_vllms_own_config(vllm: str) -> None:
    asked = [row for row in VLLM if vllm in row["vllm"]]
    wrong = []
    for row in asked:
        ours = switches(row["model"], vllm, *row["args"])
        for name, theirs in row["vllm"][vllm].items():
            on = getattr(ours, name).on
            wrong += [(row["model"], row["args"], name)] if on is not None and on is not theirs else []
    assert len(asked) > 40 and wrong == []


def test_a_switch_that_is_as_usual_has_nothing_to_say() -> None:
    assert switches(PLAIN, "0.33.0").hybrid_manager == EngineSwitch(True)
