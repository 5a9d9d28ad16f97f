"""A measured start in the verdict: what it beats, what it does not lend, and what is said of it."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from deciding_support import SHORT, cluster_of, decide, h100, model

from modelcar_tui.cluster.types import Runtime
from modelcar_tui.models import MeasuredStart, model_fingerprint
from modelcar_tui.verdict import ModelRequirements, ModelVerdict, Verdict
from modelcar_tui.verdict.candidate import candidates
from modelcar_tui.verdict.deciding import decide_model

RAN, OTHER = f"sha256:{'a' * 64}", f"sha256:{'b' * 64}"


def measured(what: ModelRequirements, **changes: Any) -> ModelRequirements:
    """The model with a start of these very arguments."""
    start = MeasuredStart(
        id="20261128-101112-abcd",
        at=1_795_860_000.0,
        model="m",
        fingerprint=model_fingerprint(what.image.model),
        gpu="H100-80GB-HBM3",
        memory_mib=81559,
        vllm="0.19.0",
        runtime_digest=RAN,
        args=what.car.serving.whole,
        outcome="starts",
        figures={"kv_cache_gib": 53.9},
    )
    facts = msgspec.structs.replace(what.image.model, measured=(msgspec.structs.replace(start, **changes),))
    return msgspec.structs.replace(what, image=msgspec.structs.replace(what.image, model=facts))


def with_args(what: ModelRequirements, *args: str) -> ModelRequirements:
    serving = msgspec.structs.replace(what.car.serving, args=args)
    return msgspec.structs.replace(what, car=msgspec.structs.replace(what.car, serving=serving))


def by_image(digest: str) -> ModelVerdict:
    runtime = Runtime(image=f"quay.io/x/vllm@{digest}" if digest else "quay.io/x/vllm:1", name="r")
    cluster = msgspec.structs.replace(cluster_of(h100()), runtime=runtime)
    return decide_model(measured(model(SHORT)), cluster, candidates(cluster), "0.19.0")


@pytest.mark.parametrize("digest", [RAN, ""])
def test_the_image_that_ran_needs_no_word_nor_does_one_that_is_not_known(digest: str) -> None:
    found = by_image(digest)
    assert found.verdict is Verdict.GO and not any("another image" in one for one in found.warnings)


def test_another_image_of_the_same_release_is_said() -> None:
    found = by_image(OTHER)
    assert found.verdict is Verdict.GO
    assert (
        "measured with another image of that release: sha256:aaaaaaaaaaaa, not sha256:bbbbbbbbbbbb"
        in found.warnings
    )


@pytest.mark.parametrize(
    "change",
    [
        "--tensor-parallel-size=2",
        "--kv-cache-dtype=fp8",
        "--enforce-eager",
        "--enable-lora",
        "--block-size=64",
    ],
)
def test_changed_arguments_inherit_no_refusal_and_no_start(change: str) -> None:
    for outcome in ("starts", "oom_load"):
        found = decide(with_args(measured(model(SHORT), outcome=outcome), SHORT, change), h100())
        plain = decide(with_args(model(SHORT), SHORT, change), h100())
        assert found.verdict is plain.verdict and found.why == plain.why
        assert found.estimate is not None and found.estimate.measured is None


def test_a_start_is_no_place_and_no_room_for_it() -> None:
    assert decide(measured(model(SHORT)), h100(free=0)).verdict is Verdict.NO_GO
    refused = decide(measured(model(SHORT), outcome="died", error="no kernel image"), h100())
    assert refused.verdict is Verdict.NO_GO and "no kernel image" in refused.why
