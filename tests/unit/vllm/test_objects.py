"""Keys and values inside the objects that flags take, by release."""

from __future__ import annotations

from typing import Any

import pytest

from modelcar_tui.vllm.arguments.object_rules import object_fault
from modelcar_tui.vllm.arguments.objects import mended, wrong_keys

CC, KV, POOLER = "--compilation-config", "--kv-transfer-config", "--pooler-config"


def said(flag: str, found: dict[str, Any], release: str) -> dict[str, str]:
    return {".".join(wrong.path): wrong.why for wrong in wrong_keys(flag, found, release)}


@pytest.mark.parametrize(
    ("flag", "found", "refused", "taken"),
    [
        (CC, {"use_inductor": False}, ("0.13.0", "0.19.1", "0.33.0"), ("0.10.0", "0.11.2")),
        (CC, {"pass_config": {"nosuch": True}}, ("0.13.0", "0.33.0"), ("0.10.0",)),
        (CC, {"level": 3}, ("0.18.1", "0.33.0"), ("0.11.0", "0.13.0")),
        (CC, {"cudagraph_mode": "SOME"}, ("0.11.0", "0.33.0"), ()),
        (CC, {"cudagraph_mode": "full"}, (), ("0.11.0", "0.33.0")),
        (CC, {"mode": 7}, ("0.12.0", "0.33.0"), ("0.10.0",)),
        (CC, {"cudagraph_capture_sizes": [1, "x"]}, ("0.8.5", "0.33.0"), ()),
        (CC, {"cudagraph_capture_sizes": [1, "2"]}, (), ("0.9.2", "0.33.0")),
        (KV, {"kv_conector": "X"}, ("0.16.0", "0.33.0"), ("0.10.0", "0.13.0")),
        (KV, {"kv_role": "both"}, ("0.9.2", "0.33.0"), ()),
        (POOLER, {"pooling_typ": "MEAN"}, ("0.16.0", "0.19.1"), ("0.12.0",)),
        (POOLER, {"dimensions": "many"}, ("0.11.0", "0.33.0"), ()),
        ("--eplb-config", {"window_size": 0}, ("0.33.0",), ()),
        ("--speculative-config", {"num_speculative_tokens": 0}, ("0.33.0",), ()),
        ("--quantization-config", {"linear": "fp8_per_tensor"}, (), ("0.24.0", "0.33.0")),
        ("--quantization-config", {"ignore": [1]}, ("0.24.0", "0.33.0"), ()),
        ("--quantization-config", {"linears": "fp8_per_tensor"}, ("0.24.0", "0.33.0"), ()),
        ("--hf-overrides", {"anything": {"at": "all"}}, (), ("0.8.5", "0.33.0")),
    ],
)
def test_each_release_judges_by_its_own_classes(
    flag: str, found: dict[str, Any], refused: tuple[str, ...], taken: tuple[str, ...]
) -> None:
    assert [release for release in refused if not said(flag, found, release)] == []
    assert {release: said(flag, found, release) for release in taken} == {release: {} for release in taken}


def test_a_misspelt_key_is_told_its_nearest_name() -> None:
    assert said(POOLER, {"pooling_typ": "MEAN"}, "0.19.1") == {"pooling_typ": "is no key, pooling_type is"}
    assert mended(POOLER, {"pooling_typ": "MEAN"}, "0.19.1") == {"pooling_type": "MEAN"}


def test_a_key_of_another_release_is_dated_and_not_taken_for_a_misspelt_one() -> None:
    assert said(CC, {"full_cuda_graph": True}, "0.19.1") == {
        "full_cuda_graph": "is no key any more in vLLM 0.19.1"
    }
    early = {"pass_config": {"fuse_rope_kvcache": True}}
    assert said(CC, early, "0.16.0") == {"pass_config.fuse_rope_kvcache": "is no key before vLLM 0.17.0"}
    assert mended(CC, early, "0.16.0") is None


def test_a_key_that_was_renamed_keeps_its_value_under_the_new_name() -> None:
    old = {"pass_config": {"enable_noop": True, "enable_attn_fusion": True}, "level": 3}
    assert mended(CC, old, "0.19.1") == {
        "pass_config": {"eliminate_noops": True, "fuse_attn_quant": True},
        "mode": 3,
    }


def test_a_choice_is_mended_to_the_nearest_and_a_wrong_type_is_left_out() -> None:
    found = {"cudagraph_mode": "PIECEWIS", "cudagraph_capture_sizes": "x"}
    assert mended(CC, found, "0.33.0") == {"cudagraph_mode": "PIECEWISE"}
    assert mended(CC, {"cudagraph_capture_sizes": "x"}, "0.33.0") is None


def test_a_sentence_says_what_a_key_wants() -> None:
    assert said("--eplb-config", {"window_size": -3}, "0.33.0")["window_size"] == (
        "wants a whole number of at least 1"
    )
    assert said(CC, {"use_inductor_graph_partition": []}, "0.33.0")["use_inductor_graph_partition"] == (
        "wants true or false"
    )


@pytest.mark.parametrize(
    ("flag", "found", "why"),
    [
        (KV, {"kv_connector": "NixlConnector"}, "needs kv_role"),
        ("--ec-transfer-config", {"ec_connector": "ECExampleConnector"}, "needs ec_role"),
        (POOLER, {"pooling_type": "CLS", "seq_pooling_type": "MEAN"}, "exclude one another"),
        ("--structured-outputs-config", {"disable_any_whitespace": True}, "xgrammar or guidance"),
        ("--profiler-config", {"profiler": "torch"}, "needs torch_profiler_dir"),
        ("--profiler-config", {"proton_hook": "triton"}, "needs profiler proton"),
        ("--eplb-config", {"communicator": "torch_nccl"}, "needs use_async false"),
        ("--reasoning-effort-map", {"high": 1}, "maps to a word"),
    ],
)
def test_keys_are_held_against_one_another(flag: str, found: dict[str, Any], why: str) -> None:
    refused = object_fault(flag, found, "0.33.0")
    assert refused is not None and why in refused.why


@pytest.mark.parametrize(
    ("flag", "found"),
    [
        (KV, {"kv_connector": "NixlConnector", "kv_role": "kv_both"}),
        ("--structured-outputs-config", {"backend": "guidance", "disable_additional_properties": True}),
        ("--profiler-config", {"profiler": "torch", "torch_profiler_dir": "/tmp/x"}),
        ("--profiler-config", {"proton_data": "tree", "proton_graph_attribution": False}),
        ("--eplb-config", {"communicator": "nixl"}),
        ("--eplb-config", {"communicator": "pynccl", "use_async": False}),
        ("--reasoning-effort-map", {"high": "thinking"}),
    ],
)
def test_keys_that_agree_are_not_refused(flag: str, found: dict[str, Any]) -> None:
    assert object_fault(flag, found, "0.33.0") is None
