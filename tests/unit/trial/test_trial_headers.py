"""Headers of weights that are lent, and questions that are asked at one time."""

from __future__ import annotations

import asyncio
import json
import struct
from pathlib import Path
from typing import Any

import pytest
from plan_support import Found, model, prepare

from modelcar_tui.core.errors import Problem, UserError
from modelcar_tui.models.facts import ModelFacts, TensorGroup
from modelcar_tui.trial.headers import TOLD, header, lent_headers
from modelcar_tui.trial.together import together
from support.configs import LLAMA_8B

BF16 = (
    TensorGroup("model.embed_tokens.weight", "BF16", (8, 8), 1),
    TensorGroup("model.layers.{}.mlp.up_proj.weight", "BF16", (8, 8), 32),
)
SILENT = {key: value for key, value in LLAMA_8B.items() if key not in ("torch_dtype", "dtype")}


def tensors(data: bytes) -> dict[str, Any]:
    (size,) = struct.unpack("<Q", data[:8])
    assert len(data) == 8 + size
    found: dict[str, Any] = json.loads(data[8:])
    assert all(one["shape"] == [0] and one["data_offsets"] == [0, 0] for one in found.values())
    return {name: one["dtype"] for name, one in found.items()}


def test_a_config_without_a_dtype_has_the_weights_told(tmp_path: Path) -> None:
    found = Found(weights=("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"))
    made = prepare(model(config=SILENT, tensors=BF16), tmp_path, found=found)
    assert "model-00001-of-00002.safetensors" in dict(made.plan.files)
    assert TOLD in made.plan.changed
    plain = prepare(model(tensors=BF16), tmp_path, found=found)
    assert not any(path.endswith(".safetensors") for path, _ in plain.plan.files)
    unread = prepare(model(config=SILENT), tmp_path, found=found)
    assert any(line.startswith("nothing about the dtype") for line in unread.plan.unproven)


def test_mistral_s_format_is_known_by_the_name_of_its_weights() -> None:
    facts = ModelFacts(config=LLAMA_8B, tensors=BF16)
    weights = ("consolidated-00001-of-00002.safetensors", "model.safetensors")
    assert list(lent_headers(facts, {"params.json": b"{}"}, weights)) == [weights[0]]
    assert lent_headers(facts, {"config.json": b"{}"}, weights) == {}
    hostile = ("consolidated/../../x.safetensors", "-x.safetensors")
    assert list(lent_headers(ModelFacts(config={}, tensors=BF16), {}, hostile)) == ["model.safetensors"]


def test_layers_that_gptq_leaves_alone_are_named_or_none_is() -> None:
    quantized = TensorGroup("model.layers.{}.mlp.up_proj.qweight", "I32", (8, 8), 32)
    facts = ModelFacts(config=LLAMA_8B, quantization={"quant_method": "gptq"}, tensors=(*BF16[:1], quantized))
    (data,) = lent_headers(facts, {}, ("model.safetensors",)).values()
    found = tensors(data)
    assert found["model.layers.31.mlp.up_proj.qweight"] == "I32" and len(found) == 33
    # 30 of 32 layers: which ones is not known, and GPTQ would take all that is not named for plain.
    some = TensorGroup(quantized.pattern, "I32", (8, 8), 30)
    found = tensors(header((*BF16[:1], some), 32))
    assert found == {"model.embed_tokens.weight": "BF16", "try-kind-BF16": "BF16"}
    listed = {"quant_method": "awq", "modules_to_not_convert": ["lm_head"]}
    assert lent_headers(ModelFacts(config=LLAMA_8B, quantization=listed, tensors=BF16), {}, ()) == {}


def test_experts_of_each_layer_are_written_out() -> None:
    experts = TensorGroup("model.layers.{}.mlp.experts.{}.up_proj.weight", "BF16", (8, 8), 8)
    found = tensors(header((experts,), 2))
    assert list(found)[-1] == "model.layers.1.mlp.experts.3.up_proj.weight" and len(found) == 8


def test_a_question_that_fails_ends_the_others() -> None:
    ended = []

    async def fails() -> int:
        await asyncio.sleep(0)
        raise UserError(Problem(what="no"))

    async def waits() -> int:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(True)
        return 1

    with pytest.raises(UserError, match="no"):
        asyncio.run(together([waits(), fails(), waits()]))
    assert ended == [True, True]
