"""Measured beats computed: which start counts for which, and what follows from its parts."""

from __future__ import annotations

import math
from typing import Any

import msgspec
import pytest

from modelcar_tui.core.facts import Fact, Source
from modelcar_tui.hardware import Gpu, gpu_for
from modelcar_tui.memory import Estimate, Outcome, estimate
from modelcar_tui.memory.measured import of_it
from modelcar_tui.models import MeasuredStart, ModelFacts, TensorGroup, model_fingerprint
from modelcar_tui.vllm.arguments import read_engine_args
from support.configs import LLAMA_8B
from support.measured_starts import AT, rows

VLLM = "0.19.0"
CARD = gpu_for("NVIDIA-H100-80GB-HBM3", memory_mib=81559)
FACTS = ModelFacts(config=dict(LLAMA_8B))
ARGS = ("--max-model-len=8192",)


def start(**changes: Any) -> MeasuredStart:
    made = MeasuredStart(
        id="20261128-101112-abcd",
        at=1_795_860_000.0,
        model="llama",
        fingerprint=model_fingerprint(FACTS),
        gpu="NVIDIA-H100-80GB-HBM3",
        memory_mib=81559,
        vllm=VLLM,
        args=ARGS,
        outcome="starts",
        figures={
            "weights_gib": 15.01,
            "activation_gib": 1.5,
            "non_torch_gib": 0.3,
            "graphs_gib": 0.7,
            "graphs_estimated_gib": 0.6,
            "kv_cache_gib": 53.86,
            "kv_tokens": 441216.0,
            "concurrency": 53.86,
            "total_gib": 79.19,
            "free_gib": 78.68,
        },
    )
    return msgspec.structs.replace(made, **changes)


def told(
    *starts: MeasuredStart,
    args: tuple[str, ...] = ARGS,
    gpu: Gpu = CARD,
    vllm: str | None = VLLM,
    **more: Any,
) -> Estimate:
    facts = msgspec.structs.replace(FACTS, measured=starts)
    return estimate(
        facts, gpu, msgspec.structs.replace(read_engine_args(args, None, vllm), **more), vllm=vllm
    )


def test_the_very_same_start_is_the_answer() -> None:
    found, plain = told(start()), told()
    assert found.exact and found.measured == start() and found.predicted is plain.outcome
    assert (
        found.why
        == "measured on NVIDIA-H100-80GB-HBM3 with vLLM 0.19.0 on 2026-11-28: starts, KV cache 441,216 tokens"
    )
    assert (found.kv_tokens.value, found.kv_tokens.source, found.kv_tokens.at) == (
        441216,
        Source.MEASURED,
        start().at,
    )
    assert found.weights_gib.value == 15.01 and found.weights_gib.source is Source.MEASURED
    assert f"computed: {plain.kv_tokens.value:,}" in found.kv_tokens.note
    assert any("dummies" in note for note in found.notes)
    assert not any("dummies" in note for note in told(start(dummy=False)).notes)


@pytest.mark.parametrize(
    "args",
    [
        (*ARGS, "--gpu-memory-utilization=0.9"),
        (*ARGS, "--max-num-seqs=1024", "--max-num-batched-tokens=8192"),
        (*ARGS, "--served-model-name", "a", "b", "--port=9000", "--model=/mnt/models"),
        ("--max-model-len", "8k"),
        (*ARGS, "--enable-prefix-caching", "--tensor-parallel-size=1"),
    ],
)
def test_a_name_a_port_and_an_explicit_default_make_no_other_start(args: tuple[str, ...]) -> None:
    if "8k" in args:
        args = ("--max-model-len", "8192")
    assert told(start(), args=args).exact
    assert told(start(args=args)).exact


@pytest.mark.parametrize(
    "change",
    [
        {"fingerprint": "0" * 16},
        {"fingerprint": ""},
        {"gpu": "NVIDIA-H100-80GB-HBM3-SHARED"},
        {"gpu": "NVIDIA-H100-80GB-HBM3-MIG-3g.40gb"},
        {"gpu": "NVIDIA-A100-SXM4-80GB"},
        {"memory_mib": 40536},
        {"memory_mib": None},
        {"vllm": "0.19.1"},
        {"vllm": ""},
        {"args": (*ARGS, "--max-num-seqs=64")},
        {"args": (*ARGS, "--kv-cache-dtype=fp8")},
        {"args": (*ARGS, "--max-model-len=$(LEN)")},
        {"implied_size": 2},
        {"environment": (("VLLM_USE_DEEP_GEMM", "0"),)},
        {"outcome": "unknown"},
        {"outcome": "a word of a newer version"},
    ],
)
def test_another_start_says_nothing(change: dict[str, Any]) -> None:
    found = told(start(**change))
    assert found.measured is None and not found.exact
    assert msgspec.structs.replace(found, notes=()) == msgspec.structs.replace(told(), notes=())


def test_other_variables_are_said() -> None:
    found = told(start(environment=(("VLLM_USE_DEEP_GEMM", "0"), ("VLLM_LOGGING_LEVEL", "DEBUG"))))
    assert "VLLM_USE_DEEP_GEMM=0" in found.notes[-1] and "LOGGING" not in found.notes[-1]
    assert told(start(environment=(("VLLM_LOGGING_LEVEL", "DEBUG"),))).exact


@pytest.mark.parametrize(
    ("logged", "stated"), [("0.19.0+rhai5", VLLM), ("v0.19.0", VLLM), (VLLM, "0.19.0+cu129")]
)
def test_a_vendors_build_is_its_release(logged: str, stated: str) -> None:
    assert told(start(vllm=logged), vllm=stated).exact


def test_an_unknown_release_and_another_vendors_build_fit_nothing() -> None:
    assert told(start(), vllm=None).measured is None
    assert told(start(vllm="0.19.0+rhai5"), vllm="0.19.0+rhai6").measured is None


def test_a_short_name_of_the_same_card_is_that_card() -> None:
    assert told(start(), gpu=gpu_for("H100")).exact


def test_less_free_memory_than_then_is_another_start() -> None:
    free = msgspec.structs.replace(CARD, free_gib=Fact(value=60.0, source=Source.OPERATOR, unit="GiB"))
    found = told(start(), gpu=free)
    assert not found.exact and found.outcome is Outcome.REFUSED_FREE_MEMORY


def test_a_start_that_was_refused_is_the_answer_with_vllms_words() -> None:
    refused = start(
        outcome="died", error="RuntimeError: no kernel image is available", figures={"weights_gib": 15.01}
    )
    found = told(refused)
    assert found.exact and found.outcome is Outcome.DIED and found.error == refused.error
    assert found.why.endswith(
        "ended before it served: RuntimeError: no kernel image is available (predicted: starts)"
    )
    assert found.predicted is Outcome.STARTS and found.headroom_gib.value is None
    assert found.required_gib.value is None and found.longest_context.value is None


def test_of_a_start_that_died_nothing_follows_for_another() -> None:
    assert told(start(outcome="died"), args=("--max-model-len=4096",)).measured is None
    assert told(start(outcome="refused_args"), args=(*ARGS, "--trust-remote-code")).measured is None


def test_the_newest_counts_and_an_older_one_that_ended_otherwise_is_said() -> None:
    older = start(id="20261101-000000-0000", at=start().at - 9e5, outcome="oom_warmup", figures={})
    found = told(older, start())
    assert found.outcome is Outcome.STARTS
    assert any("an older start, measured" in note and "out of memory" in note for note in found.notes)
    assert told(msgspec.structs.replace(older, at=start().at + 1), start()).outcome is Outcome.OOM_WARMUP


def test_more_of_the_card_is_all_for_the_cache() -> None:
    then, now = told(start()), told(start(), args=(*ARGS, "--gpu-memory-utilization=0.92"))
    assert not now.exact and now.measured == start() and now.predicted is Outcome.STARTS
    assert now.why.endswith("on 2026-11-28, then --gpu-memory-utilization 0.9")
    more = now.kv_available_gib.value - then.kv_available_gib.value  # type: ignore[operator]
    assert math.isclose(more, 0.02 * 79.19, abs_tol=1e-6)
    assert (now.weights_gib.value, now.weights_gib.source) == (15.01, Source.MEASURED)
    assert now.activation_gib.value == pytest.approx(1.5)


def test_terms_add_up_to_what_they_explain() -> None:
    found = told(start(), args=(*ARGS, "--gpu-memory-utilization=0.92"))
    for name in (
        "weights_gib",
        "activation_gib",
        "non_torch_gib",
        "kv_available_gib",
        "headroom_gib",
        "required_gib",
    ):
        fact = getattr(found, name)
        assert fact.terms and math.isclose(
            sum(term.value for term in fact.terms), fact.value, abs_tol=1e-6
        ), name


def test_a_longer_context_is_refused_where_the_measured_cache_is_too_small() -> None:
    found = told(start(figures=start().figures | {"kv_cache_gib": 16.0, "kv_tokens": 131072.0}), args=())
    assert found.measured is not None and not found.exact and found.outcome is Outcome.STARTS
    small = start(figures=start().figures | {"kv_cache_gib": 15.9, "kv_tokens": 130240.0})
    found = told(small, args=())
    assert found.outcome is Outcome.REFUSED_KV and found.predicted is Outcome.STARTS
    assert "from parts measured" in found.why


def test_a_log_that_our_arithmetic_does_not_find_again_lends_no_parts() -> None:
    odd = start(figures=start().figures | {"kv_tokens": 300000.0})
    assert told(odd).kv_tokens.value == 300000
    assert told(odd, args=("--max-model-len=4096",)).measured is None


def test_a_start_that_served_is_never_computed_to_die_with_less() -> None:
    """Its log leaves the warm-up less than the formulas ask for: they are wrong, not the start."""
    tight = start(
        args=(*ARGS, "--gpu-memory-utilization=0.98"),
        figures=start().figures | {"kv_cache_gib": 60.2, "kv_tokens": 493152.0, "graphs_gib": 1.4},
    )
    assert told(tight, args=tight.args).outcome is Outcome.STARTS
    for share in ("0.97", "0.9", "0.5"):
        found = told(tight, args=(*ARGS, f"--gpu-memory-utilization={share}"))
        assert found.measured is not None and found.outcome is Outcome.STARTS, share


def test_hostile_figures_are_none() -> None:
    figures = {"weights_gib": float("inf"), "kv_cache_gib": float("nan"), "kv_tokens": -5.0, "x": 1e300}
    found = told(start(figures=figures))
    assert found.exact and found.outcome is Outcome.STARTS
    assert found.weights_gib.source is not Source.MEASURED
    assert found.weights_gib.value == told().weights_gib.value


def busy(**changes: Any) -> MeasuredStart:
    """A start on a card of which others held 40 GiB."""
    made = start(**changes)
    return msgspec.structs.replace(made, figures=made.figures | {"total_gib": 79.19, "free_gib": 38.5})


@pytest.mark.parametrize(
    "outcome", ["refused_free_memory", "refused_kv", "refused_no_kv", "oom_load", "oom_warmup", "died"]
)
def test_a_refusal_on_a_card_that_others_used_is_none_on_an_idle_one(outcome: str) -> None:
    found = told(busy(outcome=outcome, error="Free memory on device is less than desired"))
    assert found.outcome is Outcome.STARTS and found.measured is None
    assert found.notes[-1].endswith("on 2026-11-28, when others held 40.7 GiB of the card")
    left = msgspec.structs.replace(CARD, free_gib=Fact(value=38.5, source=Source.OPERATOR, unit="GiB"))
    assert told(busy(outcome=outcome), gpu=left).outcome.value == outcome


def test_what_served_beside_others_serves_alone_and_lends_no_parts() -> None:
    assert told(busy()).outcome is Outcome.STARTS and told(busy()).exact
    assert told(busy(), args=(*ARGS, "--gpu-memory-utilization=0.95")).measured is None


@pytest.mark.parametrize(
    "flag",
    [
        "--all2all-backend=deepep_low_latency",
        '--compilation-config={"use_inductor": false}',
        "--lora-modules=a=/mnt/a",
        "--enable-dbo",
    ],
)
def test_of_a_flag_whose_memory_nobody_knows_no_part_follows(flag: str) -> None:
    more = "--gpu-memory-utilization=0.92"
    assert told(start(args=(*ARGS, flag)), args=(*ARGS, more)).measured is None
    assert told(start(), args=(*ARGS, flag, more)).measured is None
    assert told(start(args=(*ARGS, flag)), args=(*ARGS, flag)).exact


def test_trust_is_of_account_where_the_model_has_code() -> None:
    words = (*ARGS, "--trust-remote-code")
    assert told(start(), args=words).measured is not None
    coded = ModelFacts(config={**LLAMA_8B, "auto_map": {"AutoConfig": "configuration_x.X"}})
    facts = msgspec.structs.replace(coded, measured=(start(fingerprint=model_fingerprint(coded)),))
    args = read_engine_args(words, None, VLLM)
    assert estimate(facts, CARD, args, vllm=VLLM).measured is None


def test_of_a_flag_that_takes_no_memory_of_a_gpu_parts_follow() -> None:
    other = told(start(), args=(*ARGS, "--tool-call-parser=hermes", "--enable-auto-tool-choice"))
    assert other.measured is not None and not other.exact
    assert other.why.endswith("then other arguments beside memory")


def test_a_slice_of_as_much_memory_is_another_card() -> None:
    name = "NVIDIA-H100-80GB-HBM3-MIG-1g.20gb"
    small = msgspec.structs.replace(
        gpu_for(name, memory_mib=20096), product="NVIDIA-H100-80GB-HBM3", profile="1g.20gb"
    )
    larger = msgspec.structs.replace(small, profile="2g.20gb")
    measured = start(gpu=name, memory_mib=20096, outcome="oom_load", figures={})
    assert told(measured, gpu=small).exact and not told(measured, gpu=larger).exact
    assert told(measured, gpu=gpu_for(name, memory_mib=20096)).exact
    whole = start(memory_mib=20096, outcome="oom_load", figures={})
    assert not told(whole, gpu=small).exact


def test_a_head_of_its_own_that_dummies_lack_keeps_a_tight_start_open() -> None:
    """128256 x 4096 of two bytes: 0.98 GiB."""
    tied = {**LLAMA_8B, "tie_word_embeddings": True}
    head = TensorGroup("lm_head.weight", "BF16", (128256, 4096), 1)
    facts = ModelFacts(config=tied, tensors=(head,))
    wide = start(fingerprint=model_fingerprint(facts))
    tight = msgspec.structs.replace(
        wide, figures=wide.figures | {"kv_cache_gib": 1.9, "kv_tokens": 15564.0, "concurrency": 1.9}
    )
    args = read_engine_args(ARGS, None, VLLM)

    def found(one: MeasuredStart, of: ModelFacts = facts) -> Estimate:
        return estimate(msgspec.structs.replace(of, measured=(one,)), CARD, args, vllm=VLLM)

    assert found(tight).outcome is Outcome.UNKNOWN and found(tight).exact
    assert found(tight).why.endswith("output matrix of their own, and dummies have not: up to 0.98 GiB more")
    assert found(wide).outcome is Outcome.STARTS and "0.98 GiB more" in found(wide).notes[-1]
    real = msgspec.structs.replace(tight, dummy=False)
    assert found(real).outcome is Outcome.STARTS
    assert found(tight, ModelFacts(config=tied)).outcome is Outcome.STARTS


@pytest.mark.parametrize(
    "bad", ["--tensor-parallel-size=0", "--gpu-memory-utilization=lots", "--max-num-seqs=-3"]
)
def test_a_refusal_of_arguments_is_none_of_them_mended(bad: str) -> None:
    refused = start(args=(*ARGS, bad), outcome="refused_args", error="error: argument", figures={})
    assert told(refused).measured is None and told(refused).outcome is Outcome.STARTS
    facts = msgspec.structs.replace(FACTS, measured=(refused,))
    args = read_engine_args(refused.args, None, VLLM)
    assert args.problems
    for asked in (args, args.mended(), args.mended().mended()):
        assert estimate(facts, CARD, asked, vllm=VLLM).exact


def test_many_alike_are_compared_once() -> None:
    many = tuple(start(id=f"a-{at}", at=start().at - at, args=(*ARGS, "--seed=1")) for at in range(100))
    facts = msgspec.structs.replace(FACTS, measured=(*many, start(outcome="died", at=1.0)))
    found = of_it(facts, CARD, VLLM)
    assert [one.id for one in found] == ["a-0", start().id]


REAL = [row for row in rows() if row.start.outcome in set(Outcome)]


@pytest.mark.parametrize("of", REAL, ids=lambda row: row.start.id)
def test_a_real_start_is_always_its_own_answer(of: Any) -> None:
    args = read_engine_args(of.words, None, of.vllm)
    found = estimate(of.with_start, of.gpu, args, vllm=of.vllm)
    if found.measured is None or not found.exact:
        assert of.gpu.free_gib.known
        return
    assert found.outcome.value == of.start.outcome and found.measured.at == AT
    for what, fact in (("kv_tokens", found.kv_tokens), ("weights_gib", found.weights_gib)):
        if what in of.start.figures:
            assert fact.value == pytest.approx(of.start.figures[what])
    if found.outcome is Outcome.STARTS and of.gpu.visible_gib.value and found.required_gib.value:
        assert found.required_gib.value <= of.gpu.visible_gib.value + 1e-9
