"""Each remark of the lint at its place; against vLLM itself it is held in test_lint_against_vllm.py."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
import pytest
from compatibility_support import LLAMA, car, facts, manifest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelcar_tui.advice.finding import Finding, Severity
from modelcar_tui.advice.lint.lint import examine, lint_model
from modelcar_tui.advice.repairs.proposals import propose
from modelcar_tui.core.errors import Problem
from modelcar_tui.manifest.types import ArgumentsFrom, ModelCar, Position, Server
from modelcar_tui.models.facts import ModelFacts
from modelcar_tui.vllm.argument_table import known_arguments
from modelcar_tui.vllm.arguments.parsing import flags_of, parse_arguments


def codes(*args: str, vllm: str = "0.19.1", gpus: int = 1, **options) -> set[str]:
    return {finding.code for finding in lint_model(car(*args, gpus=gpus, **options), vllm=vllm)}


def only(code: str, found: Iterable[Finding]) -> Finding:
    (finding,) = [finding for finding in found if finding.code == code]
    return finding


@pytest.mark.parametrize(
    ("args", "vllm", "code", "fix"),
    [
        (["--max_model_len=1"], "0.19.1", None, ""),
        (["--disable-log-requests"], "0.19.1", "flag-removed", "--enable-log-requests"),
        (["--swap-space=4"], "0.19.1", "flag-removed", "--kv-offloading-size"),
        (["--swap-space=4"], "0.16.0", None, ""),
        (["--kv-offloading-size=4"], "0.10.0", "flag-too-new", "newer runtime"),
        (["--gpu-memory-utilisation=0.9"], "0.19.1", "flag-unknown", "--gpu-memory-utilization"),
        (["--max-model=4"], "0.19.1", "flag-abbreviated", "--max-model-len"),
        (["--max=4"], "0.19.1", "flag-ambiguous", "whole flag"),
        (["--gpu-memory-utilization=1.5"], "0.19.1", "value-range", ""),
        (["--max-num-seqs=0"], "0.19.1", "value-range", ""),
        (["--task=embed"], "0.11.2", "flag-deprecated", ""),
        (["--seed=1", "--seed=2"], "0.19.1", "flag-repeated", ""),
        (["--served-model-name=x"], "0.19.1", "model-renamed", "clients"),
        (["--port=9000"], "0.19.1", "port-moved", "port"),
        (["--model=other/model"], "0.19.1", "model-replaced", "image"),
        (["--model=/mnt/models/model.gguf"], "0.19.1", "model-replaced", ""),
        (["--port=8080"], "0.19.1", "template-flag", "may go"),
        (["--lora-modules=a=/a", "--lora-modules=b=/b"], "0.19.1", "flag-repeated", "behind one flag"),
        (["--api-key=hunter2"], "0.19.1", "secret-in-clear", "Secret"),
        (["--allowed-local-media-path=/"], "0.19.1", "open-door", ""),
        (["--trust-remote-code"], "0.19.1", "remote-code", "trust"),
        (["--max-num-batched-tokens=64", "--max-num-seqs=128"], "0.19.1", "batch-too-small", "128"),
        (
            ["--no-enable-chunked-prefill", "--max-num-batched-tokens=2048", "--max-model-len=4096"],
            "0.19.1",
            "batch-below-context",
            "chunked",
        ),
        (["--distributed-executor-backend=mp"], "0.19.1", "executor-one-gpu", "delete"),
    ],
)
def test_each_remark(args: list[str], vllm: str, code: str | None, fix: str) -> None:
    found = lint_model(car(*args), vllm=vllm)
    assert {finding.code for finding in found} == ({code} if code else set())
    if code:
        assert fix in only(code, found).fix


def test_a_secret_is_told_neither_in_a_finding_nor_in_a_change() -> None:
    item = car(
        "--api-key=hunter2hunter2", "--hf-token", "hf_abcdef", "--hf-token=hf_other", "--api_key sekret99"
    )
    for text in (str(lint_model(item, vllm="0.19.1")), str(propose(item, facts(LLAMA), None, vllm="0.19.1"))):
        assert (
            "hunter2" not in text
            and "hf_abcdef" not in text
            and "hf_other" not in text
            and "sekret99" not in text
        )


@pytest.mark.parametrize(
    ("args", "gpus", "code", "severity"),
    [
        (["--tensor-parallel-size=2"], 1, "gpu-count", Severity.ERROR),
        (["--tensor-parallel-size=2"], 4, "gpu-count", Severity.WARNING),
        (["--max-model-len=1024"], 2, "gpu-count", Severity.WARNING),
        (["--pipeline-parallel-size=4"], 2, "suite-parallel", Severity.ERROR),
        ([], 2, "gpus-without-args", Severity.WARNING),
        (
            ["--distributed-executor-backend=uni", "--tensor-parallel-size=2"],
            2,
            "executor-uni",
            Severity.ERROR,
        ),
    ],
)
def test_gpu_counts(args: list[str], gpus: int, code: str, severity: Severity) -> None:
    assert only(code, lint_model(car(*args, gpus=gpus), vllm="0.19.1")).severity is severity


def test_the_short_form_is_unknown_to_the_suite() -> None:
    assert codes("-tp=2", gpus=2) == {"short-flag"}
    assert codes("-tp", "2", gpus=2) == {"short-flag", "two-item-flag"}


@pytest.mark.parametrize(
    ("config", "args", "gpus", "code"),
    [
        ({}, ["--max-model-len=131073"], 1, "context-too-long"),
        ({}, ["--max-model-len=131072"], 1, None),
        ({"max_position_embeddings": 2048}, ["--max-model-len=4k"], 1, "context-too-long"),
        (
            {"rope_scaling": {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 32768}},
            ["--max-model-len=131072"],
            1,
            None,
        ),
        ({}, ["--tensor-parallel-size=3"], 3, "tensor-parallel"),
        (
            {"num_key_value_heads": 6, "num_attention_heads": 24},
            ["--seed=1", "--tensor-parallel-size=4"],
            4,
            "tensor-parallel",
        ),
        (
            {"vocab_size": 151936, "num_attention_heads": 40},
            ["--tensor-parallel-size=5"],
            5,
            "tensor-parallel",
        ),
        ({"intermediate_size": 14337}, ["--tensor-parallel-size=2"], 2, "tensor-parallel"),
        (
            {
                "quantization_config": {"quant_method": "gptq", "bits": 4, "group_size": 128},
                "intermediate_size": 160 * 8,
            },
            ["--tensor-parallel-size=8"],
            8,
            "tensor-parallel",
        ),
        (  # Machete multiplies it on Hopper, whole groups or not
            {
                "quantization_config": {"quant_method": "gptq", "bits": 4, "group_size": 128},
                "intermediate_size": 192 * 8,
            },
            ["--tensor-parallel-size=8"],
            8,
            None,
        ),
        ({}, ["--enable-expert-parallel"], 1, "expert-parallel"),
        ({"num_local_experts": 8}, ["--enable-expert-parallel"], 1, None),
        ({"architectures": ["BertModel"]}, [], 1, "output-type"),
        ({"architectures": ["WhisperForConditionalGeneration"]}, [], 1, "output-type"),
    ],
)
def test_what_the_model_itself_does_not_allow(
    config: dict, args: list[str], gpus: int, code: str | None
) -> None:
    found = lint_model(car(*args, gpus=gpus), vllm="0.19.1", facts=facts(LLAMA | config))
    assert {finding.code for finding in found} == ({code} if code else set())


def test_a_key_of_a_flag_that_takes_none_is_to_be_its_value() -> None:
    for written, fix in (
        ("--max-num-seqs.x=3", "write --max-num-seqs=VALUE"),
        ("--enforce-eager.x=3", "write --enforce-eager alone, or --no-enforce-eager"),
    ):
        found = [one for one in lint_model(car(written), vllm="0.19.1") if one.severity is Severity.ERROR]
        assert [one.fix for one in found] == [fix]


def test_a_finding_stands_at_its_argument() -> None:
    found = examine(manifest(car("--seed=1", "--no-such-flag")), vllm="0.19.1").findings
    assert only("flag-unknown", found).at == Position(11, 9)


def test_what_the_runtime_passes_by_itself_is_said() -> None:
    item = car("--seed=1", "--max-num-seqs=8", "--port=9000", "--served-model-name", "a", "b")
    passed = ("--seed=1", "--max-num-seqs=16", "--port=9000")
    found = examine(manifest(item), vllm="0.19.1", runtime_args=passed, each=True).findings
    assert [(one.code, one.at, one.severity) for one in found] == [
        ("template-flag", Position(10, 9), Severity.NOTE),
        ("template-flag", Position(12, 9), Severity.NOTE),
        ("model-renamed", Position(13, 9), Severity.NOTE),
    ]
    assert "a or b" in found[-1].what


@pytest.mark.parametrize("flag", ["--served-model-name", "--port", "--model"])
def test_what_takes_the_templates_place_is_never_deleted(flag: str) -> None:
    for args in ([f"{flag}=8080"], [f"{flag}=9000", f"{flag}=9001"]):
        changes = propose(car(*args), facts(), None, vllm="0.19.1", runtime_args=(f"{flag}=8080",))
        assert changes == ()


def test_a_flag_that_adds_up_is_neither_repeated_nor_deleted() -> None:
    twice = car("--middleware=a.b", "--middleware=c.d")
    assert {finding.code for finding in lint_model(twice, vllm="0.19.1")} == {"open-door"}
    assert propose(twice, facts(), None, vllm="0.19.1") == ()
    patterns = car("--ignore-patterns=a", "--ignore-patterns=b")
    assert lint_model(patterns, vllm="0.8.5") == []
    assert {finding.code for finding in lint_model(patterns, vllm="0.19.1")} == {"flag-repeated"}


def test_a_flag_that_is_given_twice_with_one_value_loses_nothing() -> None:
    for second, severity in (("--seed=1", Severity.NOTE), ("--seed=2", Severity.WARNING)):
        found = lint_model(car("--seed=1", second), vllm="0.19.1")
        assert only("flag-repeated", found).severity is severity


def test_models_that_share_the_default_block_share_its_findings() -> None:
    shared = [car("--swap-space=1", name=f"m{number}", origin=ArgumentsFrom.DEFAULT) for number in range(3)]
    assert (
        len([f for f in examine(manifest(*shared), vllm="0.19.1").findings if f.code == "flag-removed"]) == 1
    )


def test_the_readers_own_warnings_come_first_in_the_files_order() -> None:
    problem = Problem(what="two names are cut alike", where="m.yaml:2:9", fix="rename", code="name-cut")
    import msgspec

    read = msgspec.structs.replace(manifest(car("--no-such-flag")), findings=(problem,))
    assert [finding.code for finding in examine(read, vllm="0.19.1").findings] == ["name-cut", "flag-unknown"]


def test_whisper_is_asked_for_text_only_by_mistake() -> None:
    assert "output-type" in codes(image="oci://quay.io/x/whisper-large-v3:1")
    assert "output-type" not in codes(image="oci://quay.io/x/whisper-large-v3:1", output="audio")


def test_the_table_has_every_flag_in_one_shape_a_release() -> None:
    for release in known_arguments().versions:
        flags = flags_of(release)
        assert len({flag.flag for flag in flags}) == len(flags)
        assert all(flag.choices for flag in flags if flag.kind in ("choice", "option"))


ITEMS = st.one_of(
    st.sampled_from([row.flag for row in known_arguments().flags]),
    st.builds(
        "{}={}".format, st.sampled_from([row.flag for row in known_arguments().flags]), st.text(max_size=20)
    ),
    st.text(max_size=30),
    st.sampled_from(
        ["-tp", "2", "--", "-O3", "-O", "-O.mode=3", "--a.b.c", "--=", "-", "--compilation-config.x+"]
    ),
)


@settings(deadline=None)
@given(st.lists(ITEMS, max_size=12), st.sampled_from([None, *known_arguments().versions]))
def test_no_argument_list_breaks_the_lint_and_every_item_is_seen_once(
    args: list[str], vllm: str | None
) -> None:
    arguments = parse_arguments(tuple(args), vllm)
    covered = [i for found in arguments for i in range(found.index, found.index + found.items)]
    assert covered == list(range(len(args)))
    item = car(*args)
    findings = lint_model(item, vllm=vllm, facts=facts(LLAMA))
    assert all("\n" not in finding.what and "\x1b" not in finding.what for finding in findings)
    changes = propose(item, ModelFacts(), None, vllm=vllm)
    assert len({change.id for change in changes}) == len(changes)


@pytest.mark.parametrize(
    "item",
    [
        '--structured-outputs-config={"disable_any_whitespace":true}',
        '--eplb-config={"window_size":0}',
        '--speculative-config={"method":"ngram","num_speculative_tokens":0}',
    ],
)
def test_what_parser_and_engine_refuse_alike_is_said_once(item: str) -> None:
    found = lint_model(car(item), vllm="0.32.0")
    assert len([one for one in found if one.severity is Severity.ERROR]) == 1


def test_a_kubernetes_manifest_is_judged_by_the_release_of_its_own_image() -> None:
    """`--swap-space` went in 0.18.0."""

    def served(image: str) -> ModelCar:
        return msgspec.structs.replace(
            car("--swap-space=4"), kind="Deployment", server=Server(image=f"vllm/vllm-openai:{image}")
        )

    for image, stated, codes in (
        ("v0.11.0", None, []),
        ("v0.18.0", None, ["flag-removed"]),
        ("v0.11.0", "0.18.0", ["flag-removed"]),
    ):
        found = examine(manifest(served(image)), vllm=stated).findings
        assert [finding.code for finding in found if finding.code.startswith("flag")] == codes
