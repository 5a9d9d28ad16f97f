"""Memory outside torch's tensors, as it was measured: by release, by kind of card, by number of GPUs."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from modelcar_tui.core.facts import GIB, Fact
from modelcar_tui.hardware.product import gpu_for
from modelcar_tui.memory import overheads
from modelcar_tui.memory.start import Start, start_of
from modelcar_tui.models.facts import ModelFacts
from modelcar_tui.models.model import Model, describe_model
from modelcar_tui.vllm.arguments.engine_args import read_engine_args
from modelcar_tui.vllm.profile import profile_for
from support.configs import LLAMA_8B


def started(
    *args: str, vllm: str = "0.19.0", gpu: str = "H100", config: dict[str, Any] = LLAMA_8B, **card: Any
) -> Start:
    wanted = read_engine_args(args, None, vllm)
    facts = ModelFacts(config=config)
    model = describe_model(facts, quantization=None, dtype="auto", overrides=None)
    assert isinstance(model, Model)
    unit = msgspec.structs.replace(gpu_for(gpu, count=8), **card)
    return start_of(model, unit, wanted, profile_for(vllm))


@pytest.mark.parametrize(
    ("vllm", "gpu", "args", "gib"),
    [
        # The engine before V1.
        ("0.6.6", "L4", (), 0.30),
        ("0.6.6", "H100", (), 0.5),
        ("0.6.6", "L4", ("-tp=2",), 0.30 * 1.2),
        ("0.6.6", "H100", ("-tp=2",), 0.5 * 1.2),
        ("0.7.3", "L4", (), 0.09),
        ("0.7.3", "H100", ("-tp=2",), 0.43),
        ("0.8.5", "T4", (), 0.03),  # which V1 does not take
        ("0.10.1", "T4", (), 0.03),
        # All that is in use on the card: the context, and NCCL's.
        ("0.8.0", "L4", (), 0.35 + 0.05),
        ("0.9.0", "H100", (), 0.51 + 0.13),
        ("0.9.0", "H100", ("-tp=2",), 1.55 + 0.13),
        # One GPU, before and after graphs are profiled; a stage of a pipeline.
        ("0.9.1", "H100", (), 0.13),
        ("0.17.1", "H100", (), 0.13),
        ("0.18.0", "H100", (), 0.25),
        ("0.17.1", "L4", (), 0.05),
        ("0.18.0", "L4", (), 0.25),
        ("0.18.0", "H100", ("-pp=2",), 0.07),
        ("0.17.1", "H100", ("-pp=2",), 0.07),
        ("0.18.0", "L4", ("-pp=2",), 0.25),
        # Several.
        ("0.17.1", "H100", ("-tp=2",), 0.55),
        ("0.17.1", "L4", ("-tp=2",), 0.35),
        ("0.18.0", "L4", ("-tp=2",), 0.6),
        ("0.18.0", "H100", ("-tp=2",), 2.09),
        ("0.18.0", "H100", ("-tp=4",), 2.21),
        ("0.18.0", "H100", ("-tp=8",), 2.45),
        ("0.11.0", "H100", ("-tp=4",), 0.55),
        ("0.11.2", "H100", ("-tp=8",), 0.91),
    ],
)
def test_what_grows_outside_torch_between_start_and_profile(
    vllm: str, gpu: str, args: tuple[str, ...], gib: float
) -> None:
    assert overheads.non_torch(started(*args, vllm=vllm, gpu=gpu)) == pytest.approx(gib * GIB)


@pytest.mark.parametrize(
    ("gpu", "args", "gib"),
    [
        ("L4", (), 0.35),
        ("H100", (), 0.51),
        ("L4", ("-tp=2",), 0.7),
        ("H100", ("-tp=2",), 1.55),
        ("H100", ("-pp=2",), 1.55),
    ],
)
def test_what_an_idle_card_has_lost_before_vllm_measures(gpu: str, args: tuple[str, ...], gib: float) -> None:
    assert overheads.used_at_start(started(*args, gpu=gpu)) == pytest.approx(gib * GIB)


def test_what_is_counted_as_vllm_s_own_was_not_gone_before() -> None:
    assert overheads.used_at_start(started(vllm="0.9.0")) == 0.0
    busy = started(vllm="0.9.0", visible_gib=Fact(value=79.0), free_gib=Fact(value=70.0))
    assert overheads.non_torch(busy) == pytest.approx(9.13 * GIB)


def test_what_is_free_on_this_card_counts_where_it_is_known() -> None:
    busy = started(visible_gib=Fact(value=79.0), free_gib=Fact(value=70.0))
    assert overheads.used_at_start(busy) == pytest.approx(9 * GIB)
    more = started(visible_gib=Fact(value=79.0), free_gib=Fact(value=80.0))
    assert overheads.used_at_start(more) == 0.0


@pytest.mark.parametrize(("memory", "gib"), [(69.9, 0.35), (70.0, 0.51)])
def test_cards_of_70_gib_and_more_are_data_centre_cards(memory: float, gib: float) -> None:
    card = started(visible_gib=Fact(value=memory))
    assert overheads.used_at_start(card) == pytest.approx(gib * GIB)
    labelled = started(visible_gib=Fact(), memory_gib=Fact(value=memory))
    assert overheads.used_at_start(labelled) == pytest.approx(gib * GIB)


@pytest.mark.parametrize(
    ("gpu", "link", "gib"),
    [
        ("H100", "NVLink", 2.21),
        ("B200", "NVLink", 2.21),  # of its class: the table does not say
        ("A100-40", "NVLink", 2.21),
        ("H100-PCIe", "PCIe", 0.6),
        ("RTX-PRO-6000-Blackwell-Server-Edition", "PCIe", 0.6),
        ("L40S", "PCIe", 0.6),
        ("RTX-A6000", "PCIe", 0.6),
    ],
)
def test_the_products_link_decides_about_nccls_buffers(gpu: str, link: str, gib: float) -> None:
    start = started("-tp=4", vllm="0.18.0", gpu=gpu)
    assert overheads.non_torch(start) == pytest.approx(gib * GIB)
    assert overheads.non_torch_parts(start)[1][2].startswith(f"of 4 GPUs over {link}")


def test_without_graphs_there_are_none() -> None:
    for argument in ("--enforce-eager", "--max-cudagraph-capture-size=0"):
        assert overheads.graphs(started(argument), estimate=False) == 0.0
        assert overheads.graphs(started(argument), estimate=False, least=True) == 0.0
