"""The layer tables against the published sizes of 120 models of 70 model types."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from modelcar_tui.memory.split import Split
from modelcar_tui.memory.weights import rank_weights
from modelcar_tui.models.quantization.named_layers import Storage
from modelcar_tui.models.quantization.scheme import PLAIN_SCHEME
from modelcar_tui.models.shape import Shape, shape_of
from modelcar_tui.models.weights.stored import whole_bytes
from modelcar_tui.models.weights.tensors import NEWEST_LAYOUT, true_count

MODELS: list[dict[str, Any]] = json.loads(Path(__file__).with_name("parameter_counts.json").read_text())[
    "models"
]
LARGEST_MISS = 0.002


def the_shape(config: dict[str, Any]) -> Shape:
    shape = shape_of(config)
    assert isinstance(shape, Shape), shape
    return shape


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model["model"])
def test_published_count(model):
    shape = the_shape(model["config"])
    assert shape.odd == ()
    assert true_count(shape) == pytest.approx(model["parameters"], rel=LARGEST_MISS)


DECODERS = [
    model for model in MODELS if model["config"]["model_type"] not in ("bert", "xlm-roberta", "modernbert")
]


@pytest.mark.parametrize("model", DECODERS, ids=lambda model: model["model"])
def test_a_single_gpu_holds_the_counted_weights(model):
    """What a GPU holds is the checkpoint, its rotary caches, MLA's second kv_b and less than 3 % of
    rounding."""
    shape = the_shape(model["config"])
    split = Split(tp=1, pp=1, ep=1)
    weights = rank_weights(shape, split, Storage(PLAIN_SCHEME), 2, 0.0, 0.0, (0, shape.layers))
    held = weights.total - shape.ropes.held(NEWEST_LAYOUT)
    absorbed = 0
    if shape.mla is not None and shape.mla.latent:
        own = shape.heads * (shape.mla.nope + shape.mla.value) * shape.mla.kv_rank * 2
        absorbed = shape.kinds.count("mla") * own
    assert held - absorbed == pytest.approx(2 * model["parameters"], rel=0.03)


def test_the_bytes_of_a_checkpoint_are_its_count():
    for model in MODELS:
        shape = the_shape(model["config"])
        if not shape.encoder_layers:
            assert whole_bytes(shape, Storage(PLAIN_SCHEME), 2) == pytest.approx(
                2 * true_count(shape), rel=1e-3
            ), model["model"]


def test_many_families_are_covered():
    families = {model["config"]["model_type"] for model in MODELS}
    assert len(families) >= 70
    assert len(MODELS) >= 120
