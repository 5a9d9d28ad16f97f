"""Fields of a case that are objects or lists are heard as the flags that they stand for."""

from __future__ import annotations

from typing import Any

import pytest

from modelcar_tui.memory.case_arguments import arguments_of
from modelcar_tui.memory.case_fields import fields_as_flags
from modelcar_tui.memory.cases import answer
from modelcar_tui.models.config import Reader
from support.configs import LLAMA_8B

CASE: dict[str, Any] = {"gpu": "NVIDIA-L40S", "vllm": "0.19.0", "max_model_len": 8192, "config": LLAMA_8B}


def flags(vllm: str = "0.19.0", **fields: Any) -> tuple[str, ...]:
    return fields_as_flags(fields, Reader(fields), vllm)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (
            {"lora": "enable_lora True, max_lora_rank 32, max_loras 1; in process"},
            ("--enable-lora", "--max-lora-rank=32", "--max-loras=1"),
        ),
        ({"lora": {"max_loras": 4, "rank": 64}}, ("--enable-lora", "--max-loras=4", "--max-lora-rank=64")),
        ({"lora": True}, ("--enable-lora",)),
        ({"lora": {"fully_sharded_loras": True}}, ("--enable-lora", "--fully-sharded-loras")),
        ({"lora": "enable_lora=False"}, ()),
        ({"lora": "no"}, ()),
        ({"limit_mm_per_prompt": {"image": 0}}, ('--limit-mm-per-prompt={"image": 0}',)),
        ({"limit_mm_per_prompt": "image=2,video=0"}, ('--limit-mm-per-prompt={"image": 2, "video": 0}',)),
        ({"limit_mm_per_prompt": '{"image": 1}'}, ('--limit-mm-per-prompt={"image": 1}',)),
        ({"mm_processor_kwargs": {"max_pixels": 9}}, ('--mm-processor-kwargs={"max_pixels": 9}',)),
        ({"cpu_offload_gb": 4}, ("--cpu-offload-gb=4",)),
        ({"language_model_only": True}, ("--language-model-only",)),
        ({"attention_backend": "FLASH_ATTN"}, ("--attention-backend=FLASH_ATTN",)),
        ({"cuda_graph_sizes": 64}, ("--max-cudagraph-capture-size=64",)),
        (
            {"cudagraph_capture_sizes": [1, 2, 4]},
            ('--compilation-config={"cudagraph_capture_sizes": [1, 2, 4]}',),
        ),
        (
            {"speculative": {"method": "mtp", "num_speculative_tokens": 2}},
            ('--speculative-config={"num_speculative_tokens": 2, "method": "mtp"}',),
        ),
        (
            {"model": "a/b (MTP2)"},
            ('--speculative-config={"method": "mtp", "num_speculative_tokens": 2}',),
        ),
        ({"lora": None, "cuda_graph_sizes": [], "mm_processor_kwargs": "x"}, ()),
    ],
)
def test_a_field_is_its_flags(fields: dict[str, Any], expected: tuple[str, ...]) -> None:
    assert flags(**fields) == expected


def test_of_a_flag_that_the_release_has_not_nothing_is_heard() -> None:
    assert flags("0.11.0", language_model_only=True, attention_backend="FLASH_ATTN") == ()
    assert flags("0.11.0", cuda_graph_sizes=64) == ("--cuda-graph-sizes=64",)
    assert flags("0.8.5", cuda_graph_sizes=16) == (
        '--compilation-config={"cudagraph_capture_sizes": [1, 2, 4, 8, 16]}',
    )


@pytest.mark.parametrize("given", [{}, {"args": "--max-model-len 8192"}])
def test_adapters_take_memory_whichever_way_the_rest_is_told(given: dict[str, Any]) -> None:
    without = answer({**CASE, **given})
    with_them = answer({**CASE, **given, "lora": "enable_lora True, max_lora_rank 32, max_loras 1"})
    as_flags = answer({**CASE, "args": "--max-model-len 8192 --enable-lora --max-loras 1 --max-lora-rank 32"})
    assert with_them["weights_gib"] - without["weights_gib"] == pytest.approx(0.156, abs=0.01)
    assert with_them == {**as_flags, "id": with_them["id"]}


@pytest.mark.parametrize(
    "told",
    [
        "{'model': 'a/b', 'max_model_len': 8192, 'enforce_eager': True, 'revision': None, 'trust': False}",
        '{"model_tag": "a/b", "max_model_len": 8192, "enforce_eager": true}',
    ],
)
def test_arguments_may_be_what_vllm_logs_of_them(told: str) -> None:
    assert arguments_of({"args": told}) == ("--max_model_len=8192", "--enforce_eager")
    assert answer({**CASE, "args": told})["verdict"] == "starts"


def test_an_object_in_them_is_json() -> None:
    given = arguments_of({"args": {"limit_mm_per_prompt": {"image": 0}}})
    assert given == ('--limit_mm_per_prompt={"image": 0}',)


@pytest.mark.parametrize("told", ["{1: ", "{1, 2}", "{"])
def test_a_dict_that_cant_be_read_is_unknown(told: str) -> None:
    line = answer({**CASE, "args": told})
    assert (line["verdict"], "can't be read" in line["why"]) == ("unknown", True)
