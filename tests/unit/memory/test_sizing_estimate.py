from __future__ import annotations

import pytest
from sizing_models import BERT, DEEPSEEK_LITE, GEMMA_4, GEMMA_27B, QWEN_NEXT, WHISPER

from modelcar_tui.core.facts import Fact, Source
from modelcar_tui.hardware.product import gpu_for
from modelcar_tui.memory.estimator import estimate
from modelcar_tui.memory.types import Estimate, Outcome
from modelcar_tui.memory.what_if import knobs, smallest_tp
from modelcar_tui.models.facts import ModelFacts, TensorGroup
from modelcar_tui.report.estimate import estimate_lines
from modelcar_tui.vllm.arguments.engine_args import EngineArgs, read_engine_args
from support.configs import LLAMA_8B


def size(
    config, *args: str, gpu: str = "H100", gpus: int = 1, vllm: str | None = "0.19.0", **facts
) -> Estimate:
    wanted = read_engine_args((f"--tensor-parallel-size={gpus}", *args), None, vllm)
    return estimate(ModelFacts(config=config, **facts), gpu_for(gpu, count=8), wanted, vllm=vllm)


def test_llama_on_h100_has_the_tokens_that_vllm_logs():
    found = size(LLAMA_8B, "--max-model-len=8192", "--gpu-memory-utilization=0.95")
    assert found.outcome is Outcome.STARTS
    assert found.kv_tokens.value == pytest.approx(476_016, rel=0.001)
    assert found.max_concurrency.value == pytest.approx(58.11, rel=0.001)


def test_the_version_changes_the_budget():
    old = size(LLAMA_8B, vllm="0.16.0").kv_available_gib.value
    now = size(LLAMA_8B, vllm="0.19.0").kv_available_gib.value
    assert old is not None and now is not None
    assert now - old > 2  # the sorting sampler keeps 9.5 copies of the logits instead of 3.5
    assert size(LLAMA_8B, vllm="0.20.0").requested_gib.value == pytest.approx(0.92 * 79.19)


def test_an_unknown_version_is_said():
    found = size(LLAMA_8B, vllm=None)
    assert found.vllm.endswith("?")
    assert any("version" in note for note in found.notes)
    available = found.kv_available_gib
    assert available.low is not None and available.high is not None
    assert available.high - available.low > 2
    assert found.outcome is Outcome.STARTS


def test_a_verdict_that_hangs_on_an_unknown_version_is_unknown():
    tight = ("--max-model-len=8192", "--gpu-memory-utilization=0.25")
    assert size(LLAMA_8B, *tight, vllm="0.33.0").outcome is Outcome.STARTS
    assert size(LLAMA_8B, *tight, vllm="0.16.0").outcome is Outcome.REFUSED_NO_KV
    found = size(LLAMA_8B, *tight, vllm=None)
    assert found.outcome is Outcome.UNKNOWN
    assert "version" in found.why


def test_weights_come_to_the_sum_of_their_terms():
    found = size(LLAMA_8B, gpus=2).weights_gib
    assert sum(term.value for term in found.terms) == pytest.approx(found.value, abs=0.001)
    assert found.value == pytest.approx(7.51, abs=0.01)


def test_a_pipeline_rank_holds_its_layers_and_one_end():
    found = size(LLAMA_8B, "--pipeline-parallel-size=4")
    assert found.weights_gib.value == pytest.approx(4.26, abs=0.01)


def test_gemmas_groups_are_padded():
    found = size(GEMMA_27B, "--max-model-len=8192", "--gpu-memory-utilization=0.95")
    terms = {term.label: term.value for term in found.kv_tokens.terms}
    assert terms["groups"] == 7  # 52 sliding and 10 full layers in groups of 10
    assert found.weights_gib.value == pytest.approx(51.4, abs=0.1)  # with its vision tower


def test_unequal_heads_share_pages_and_the_smaller_tokens_get_longer_blocks():
    found = size(GEMMA_4, "--max-model-len=8192", gpus=2, vllm="0.33.0")
    terms = {term.label: term.value for term in found.kv_tokens.terms}
    assert terms["groups"] == 6
    assert found.kv_bytes_per_token.value == 10 * 2 * 2 * 512 * 2  # 10 full layers, 2 of 4 KV heads
    ropes = 262144 * (256 + 512) * 2  # of the sliding and of the full layers, whole on each GPU
    assert found.weights_gib.value == pytest.approx((30.8e9 + ropes) / 2**30, rel=0.01)


def test_latent_attention_is_not_split_and_its_quantized_projection_is_kept_twice():
    one, two = size(DEEPSEEK_LITE), size(DEEPSEEK_LITE, gpus=2)
    assert one.kv_bytes_per_token.value == two.kv_bytes_per_token.value == 27 * 576 * 2
    quantized = size({**DEEPSEEK_LITE, "quantization_config": {"quant_method": "fp8"}})
    absorbed = {term.label: term.value for term in quantized.weights_gib.terms}["absorbed kv_b"]
    assert absorbed == pytest.approx(0.105, abs=0.002)
    assert "absorbed kv_b" not in {term.label for term in one.weights_gib.terms}  # views of the one matrix


def test_state_pages_raise_the_block():
    found = size(QWEN_NEXT, "--kv-cache-dtype=fp8", "--max-model-len=32768", vllm="0.26.0")
    terms = {term.label: term.value for term in found.kv_tokens.terms}
    assert terms["tokens of a block"] == 1568  # as logged for a model of this shape


def test_whisper_keeps_cross_attention_and_an_encoder():
    found = size(WHISPER)
    labels = {term.label for term in found.weights_gib.terms}
    assert {"encoder", "cross attention"} <= labels
    assert found.outcome is Outcome.STARTS
    assert found.weights_gib.value == pytest.approx(2.9, abs=0.2)


def test_an_embedding_model_has_no_kv_cache():
    found = size(BERT)
    assert found.outcome is Outcome.STARTS
    assert not found.kv_tokens.known
    assert "no KV cache" in found.kv_tokens.note


def test_an_fp8_cache_holds_twice_the_tokens():
    plain, small = size(LLAMA_8B), size(LLAMA_8B, "--kv-cache-dtype=fp8")
    assert small.kv_tokens.value == pytest.approx(2 * (plain.kv_tokens.value or 0), rel=0.001)


def test_lora_takes_memory():
    plain = size(LLAMA_8B).weights_gib.value or 0
    tuned = size(LLAMA_8B, "--enable-lora", "--max-loras=4", "--max-lora-rank=64").weights_gib.value or 0
    assert 0.8 < tuned - plain < 1.6  # 4 slots x 64 x (inputs + outputs) of every layer


def test_an_unknown_draft_model_leaves_the_verdict_open():
    found = size(LLAMA_8B, '--speculative-config={"model": "a/draft", "num_speculative_tokens": 3}')
    assert found.outcome is Outcome.UNKNOWN
    assert "draft" in found.why
    assert size(LLAMA_8B, '--speculative-config={"method": "ngram"}').outcome is Outcome.STARTS


@pytest.mark.parametrize(
    ("args", "gpus", "gpu", "outcome"),
    [
        (("--max-model-len=200000",), 1, "H100", Outcome.REFUSED_ARGS),
        ((), 3, "H100", Outcome.REFUSED_ARGS),
        (("--gpu-memory-utilization=0.2",), 1, "H100", Outcome.REFUSED_NO_KV),
        (("--max-model-len=131072",), 1, "L4", Outcome.REFUSED_KV),
        (("--dtype=bfloat16",), 2, "T4", Outcome.REFUSED_DTYPE),
        (("--kv-cache-dtype=fp8",), 1, "A100", Outcome.UNKNOWN),
        (("--kv-cache-dtype=fp8",), 2, "T4", Outcome.REFUSED_KERNEL),
        ((), 1, "T4", Outcome.OOM_LOAD),
    ],
)
def test_refusals(args, gpus, gpu, outcome):
    found = size(LLAMA_8B, *args, gpu=gpu, gpus=gpus)
    assert found.outcome is outcome, found.why
    assert found.why


def test_longest_context_is_what_would_pass():
    found = size(LLAMA_8B, gpu="L4")
    longest = found.longest_context.value
    assert found.outcome is Outcome.REFUSED_KV
    assert longest and 1000 < longest < 131072
    assert size(LLAMA_8B, f"--max-model-len={longest}", gpu="L4").outcome is Outcome.STARTS
    assert size(LLAMA_8B, f"--max-model-len={longest + 100}", gpu="L4").outcome is Outcome.REFUSED_KV


def test_auto_length_fits_itself():
    found = size(LLAMA_8B, "--max-model-len=auto", gpu="L4")
    assert found.outcome is Outcome.STARTS


def test_headers_win_over_the_config():
    groups = (
        TensorGroup("model.layers.{}.mlp.up_proj.weight", "BF16", (14336, 4096), 32),
        TensorGroup("vision_tower.blocks.{}.weight", "BF16", (4096, 4096), 10),
    )
    found = size(LLAMA_8B, tensors=groups)
    assert found.weights_gib.source is Source.HEADERS
    labels = {term.label: term.value for term in found.weights_gib.terms}
    assert labels["vision or audio tower"] == pytest.approx(10 * 4096 * 4096 * 2 / 2**30)
    assert labels["not explained by config.json"] < 0


def test_a_name_decides_only_when_both_bounds_agree():
    billion = Fact(value=7_000_000_000, source=Source.NAME)
    bits = Fact(value=16, source=Source.NAME)
    assert size(None, "--max-model-len=8192", parameters=billion, bits=bits).outcome is Outcome.STARTS
    huge = Fact(value=400_000_000_000, source=Source.NAME)
    assert size(None, parameters=huge, bits=bits).outcome is Outcome.OOM_LOAD
    close = Fact(value=33_000_000_000, source=Source.NAME)
    found = size(None, parameters=close, bits=bits)
    assert found.outcome is Outcome.UNKNOWN
    assert found.required_gib.guess


def test_a_name_does_not_start_with_a_context_that_nobody_knows():
    """Llama 3.1 8B in 4 bits fits into 24 GB, and its 131,072 tokens, 16 GiB of KV cache, do not."""
    facts = {
        "parameters": Fact(value=8_030_000_000, source=Source.CATALOG),
        "bits": Fact(value=4, source=Source.NAME),
    }
    found = size(None, gpu="L4", **facts)
    assert found.outcome is Outcome.UNKNOWN
    assert "--max-model-len" in found.why
    assert size(None, "--max-model-len=131072", gpu="L4", **facts).outcome is Outcome.UNKNOWN
    assert size(None, "--max-model-len=8192", gpu="L4", **facts).outcome is Outcome.STARTS
    assert size(None, "--max-model-len=auto", gpu="L4", **facts).outcome is Outcome.STARTS
    assert size(None, "--max-model-len=8192", gpu="L4", gpus=2, **facts).outcome is Outcome.STARTS
    third = size(None, "--max-model-len=8192", gpu="L4", gpus=3, **facts)
    assert third.outcome is Outcome.UNKNOWN
    assert "attention heads can be shared by 3 GPUs" in third.why


def test_the_most_a_guess_caches_is_more_than_multi_head_attention_does():
    """Llama 2 7B caches 524,288 B a token (gt-60c08847da logs as much), Llama 1 65B twice 80 x 8,192
    numbers."""
    for billions, per_token in ((6.74, 524_288), (13.0, 819_200), (65.2, 2_621_440)):
        parameters = Fact(value=int(billions * 1e9), source=Source.NAME)
        model = ModelFacts(parameters=parameters, bits=Fact(value=16, source=Source.NAME))
        low, high = (
            estimate(
                model,
                gpu_for("H100"),
                read_engine_args((f"--max-model-len={tokens}",), 1, None),
                vllm="0.19.0",
            ).required_gib.high
            for tokens in (1, 100_001)
        )
        assert high is not None and low is not None
        assert (high - low) * 0.9 * 2**30 / 100_000 >= per_token


def test_nothing_known_is_unknown():
    found = size(None)
    assert found.outcome is Outcome.UNKNOWN
    assert not found.required_gib.known


def test_the_smallest_parallel_size_and_what_knobs_buy():
    args = EngineArgs(max_model_len=32768)
    model, gpu = ModelFacts(config=LLAMA_8B), gpu_for("T4", count=8)
    assert smallest_tp(model, gpu, args, vllm="0.19.0") == 2
    bought = {
        knob.flag: knob for knob in knobs(ModelFacts(config=LLAMA_8B), gpu_for("L4"), args, vllm="0.19.0")
    }
    assert bought["--kv-cache-dtype=fp8"].outcome is Outcome.STARTS
    assert (bought["--gpu-memory-utilization=0.95"].gained_gib or 0) == pytest.approx(0.05 * 22.03, abs=0.01)


def test_stages_of_a_pipeline_take_gpus_as_well():
    model, gpu = ModelFacts(config=LLAMA_8B), gpu_for("L40S", count=2)
    args = EngineArgs(max_model_len=8192, pp=2)
    assert smallest_tp(model, gpu, args, vllm="0.19.0") == 1
    assert smallest_tp(model, gpu_for("L40S", count=1), args, vllm="0.19.0") is None
    assert "--tensor-parallel-size=2" not in {knob.flag for knob in knobs(model, gpu, args, vllm="0.19.0")}


def test_what_a_change_buys_has_bounds_where_the_release_was_not_read():
    model, args, gpu = ModelFacts(config=LLAMA_8B), EngineArgs(max_model_len=8192), gpu_for("L40S")
    for release, exact in (("0.33.0", True), ("0.40.0", False), (None, False)):
        found = knobs(model, gpu, args, vllm=release)
        assert found and all((knob.kv_tokens_between is None) is exact for knob in found)
        told = estimate_lines("m", gpu, args, size(LLAMA_8B), smallest_tp=1, knobs=found, explain=False)
        assert all(("~" in line) is not exact for line in told if line.startswith("  --"))


def test_every_number_explains_itself():
    told = estimate_lines(
        "config.json", gpu_for("H100"), EngineArgs(), size(LLAMA_8B), smallest_tp=1, knobs=(), explain=True
    )
    lines = list(told)
    assert lines[1].startswith("starts: ")
    assert any(line.startswith("      lm_head: ") and "[config.json]" in line for line in lines)
    assert any(line.startswith("      sampler's dummy run: ") for line in lines)
    assert all(line.isprintable() for line in lines)


def test_a_gguf_header_is_enough_and_new_releases_refuse_it():
    header = {
        "general.architecture": "llama",
        "llama.embedding_length": 4096,
        "llama.block_count": 32,
        "llama.attention.head_count": 32,
        "llama.attention.head_count_kv": 8,
        "llama.feed_forward_length": 14336,
        "llama.context_length": 8192,
        "llama.vocab_size": 128256,
    }
    facts = {
        "gguf": header,
        "weight_bytes": Fact(value=4_920_000_000, source=Source.HEADERS),
        "quantization_name": Fact(value="gguf", source=Source.HEADERS),
    }
    found = size(None, **facts)
    assert found.outcome is Outcome.STARTS
    assert found.weights_gib.value == pytest.approx(4_920_000_000 / 2**30, abs=0.1)
    assert size(None, vllm="0.30.0", **facts).outcome is Outcome.REFUSED_QUANT


def test_yarn_stretches_what_may_be_asked_for():
    stretched = {
        **LLAMA_8B,
        "max_position_embeddings": 32768,
        "rope_scaling": {"type": "yarn", "factor": 4.0, "original_max_position_embeddings": 32768},
    }
    assert size(stretched, "--max-model-len=131072").outcome is Outcome.STARTS
    assert size(stretched, "--max-model-len=131073").outcome is Outcome.REFUSED_ARGS


def test_old_cards_and_schemes_are_refused_by_the_release_table():
    quantized = {**LLAMA_8B, "quantization_config": {"quant_method": "fp8"}}
    assert size(quantized, gpu="T4", gpus=2, vllm="0.11.0").outcome is Outcome.REFUSED_QUANT
    assert size(quantized, "--max-model-len=4096", gpu="T4", gpus=2, vllm="0.19.0").outcome is Outcome.STARTS
    assert size(LLAMA_8B, gpu="V100-32", vllm="0.30.0").outcome is Outcome.REFUSED_KERNEL


@pytest.mark.parametrize(
    ("arch", "vllm", "outcome"),
    [
        ("GptOssForCausalLM", "0.9.2", Outcome.REFUSED_ARCH),
        ("AquilaForCausalLM", "0.30.0", Outcome.REFUSED_ARCH),
        ("PersimmonForCausalLM", "0.30.0", Outcome.STARTS),
        ("Qwen3_5ForCausalLM", "0.24.0", Outcome.STARTS),
        ("Ministral3ForCausalLM", "0.19.0", Outcome.REFUSED_ARCH),
        ("Ministral3ForCausalLM", "0.33.0", Outcome.STARTS),
        ("Ministral3ForCausalLM", "0.25.0", Outcome.STARTS),
        ("GptOssForCausalLM", "0.10", Outcome.STARTS),
        ("Gemma4ForCausalLM", "0.18.1", Outcome.REFUSED_ARCH),
        ("Gemma4ForCausalLM", "0.18.2rc1.dev73", Outcome.UNKNOWN),
        ("Gemma4ForCausalLM", "0.19.0", Outcome.UNKNOWN),
        ("Gemma4ForCausalLM", "0.19.1", Outcome.STARTS),
        ("Glm4MoeLiteForCausalLM", "0.17.0", Outcome.UNKNOWN),
        ("Gemma4ForCausalLM", "0.20.0", Outcome.STARTS),
        ("BgeM3EmbeddingModel", "0.14.0", Outcome.REFUSED_ARCH),
        ("BgeM3EmbeddingModel", "0.15.0", Outcome.UNKNOWN),
        ("SomethingElseForCausalLM", "0.33.0", Outcome.REFUSED_ARCH),
        ("SomethingElseForCausalLM", "0.18.0", Outcome.UNKNOWN),
        ("LlamaForSequenceClassification", "0.33.0", Outcome.STARTS),
    ],
)
def test_releases_know_some_architectures(arch, vllm, outcome):
    found = size({**LLAMA_8B, "architectures": [arch]}, "--max-model-len=8192", vllm=vllm)
    assert found.outcome is outcome, found.why


def test_what_a_dependency_of_the_image_decides_is_unknown_and_says_so():
    gemma = {**LLAMA_8B, "architectures": ["Gemma4ForCausalLM"]}
    found = size(gemma, "--max-model-len=8192", vllm="0.19.0")
    assert "it starts hangs on the image: vLLM 0.19.0 asks for a transformers below 5" in found.why
    own = {**gemma, "auto_map": {"AutoModelForCausalLM": "modeling.Own"}}
    assert size(own, "--max-model-len=8192", vllm="0.19.0").outcome is Outcome.STARTS


def test_code_beside_the_weights_may_know_what_no_registry_does():
    own = {
        "auto_map": {"AutoModelForCausalLM": "modeling.Else"},
        "architectures": ["SomethingElseForCausalLM"],
    }
    found = size({**LLAMA_8B, **own}, "--max-model-len=8192", vllm="0.33.0")
    assert found.outcome is Outcome.UNKNOWN
    assert "--trust-remote-code" in found.why
