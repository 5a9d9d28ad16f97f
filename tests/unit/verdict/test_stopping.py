"""What the lint knows of the server reaches the verdict: no GO beside "the server would not start"."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from deciding_support import LLAMA_8B, SHORT, cluster_of, decide, h100, model, node, t4
from hypothesis import given, settings
from hypothesis import strategies as st

from modelcar_tui.advice.finding import Severity, Stops
from modelcar_tui.advice.lint.lint import lint_model
from modelcar_tui.core.numbers import holds_mask
from modelcar_tui.hardware.product import gpu_for
from modelcar_tui.manifest.arguments import effective
from modelcar_tui.manifest.plan import Change, Operation
from modelcar_tui.manifest.reader import read_manifest
from modelcar_tui.verdict.candidate import candidates
from modelcar_tui.verdict.proposing import propose_for
from modelcar_tui.verdict.reports import ModelRequirements, ModelVerdict, Verdict
from modelcar_tui.verdict.stopping import changes_in_words, heard, outstanding, stopping
from modelcar_tui.vllm.arguments.parsing import flags_of
from modelcar_tui.vllm.readings import readings

READ, NEVER = "0.19.1", "0.40.0"
STOPPING = [
    "--swap-space=4",
    "--foo-bar=1",
    "--limit-mm-per-prompt=image",
    "--seed=abc",
    "word",
    "--enable-auto-tool-choice",
    "--task=generate",
    "--num-scheduler-steps=8",
    "--disable-log-requests",
    "--enforce-eager=yes",
    "--max-n=3",
    "--max-num-seqs 64",
    "--gpu-memory-utilization",
    "--max-num-seqs=0",
    "--enable-expert-parallel",
    "--decode-context-parallel-size=3",
    "--kv-cache-dtype=fp9",
    "--no-max-num-seqs",
    "--tensor-parallel-size=2",
]


@pytest.mark.parametrize("argument", STOPPING)
def test_what_stops_the_server_is_no_go_on_a_release_that_was_read(argument: str) -> None:
    found = decide(model(SHORT, argument), h100(), vllm=READ)
    assert found.verdict is Verdict.NO_GO, found.why
    assert not found.runs_on


@pytest.mark.parametrize("release", [None, NEVER, "0.19.1rc1", "nonsense"])
@pytest.mark.parametrize("argument", ["--foo-bar=1", "--enable-auto-tool-choice", "--seed=abc", "word"])
def test_a_release_that_was_not_read_may_judge_otherwise(argument: str, release: str | None) -> None:
    found = decide(model(SHORT, argument), h100(), vllm=release)
    assert found.verdict is Verdict.UNKNOWN, found.why
    assert "the release that will serve was not read" in found.why
    stated = release in (NEVER, "0.19.1rc1")
    assert ("or serve it by a release that was read" if stated else "--vllm VERSION") in found.settle


def test_a_vendors_build_of_a_release_is_that_release() -> None:
    assert decide(model(SHORT, "--foo-bar=1"), h100(), vllm="v0.19.1+rhai5").verdict is Verdict.NO_GO


@pytest.mark.parametrize(
    ("arguments", "settle"),
    [
        (("--swap-space=4",), "delete --swap-space=4"),
        (("--swap-space=4", "--foo-bar=1"), "delete --swap-space=4, delete --foo-bar=1"),
        (("--max-num-seqs 64",), "write --max-num-seqs=64"),
        (("--tensor-parallel-size=2",), "set gpu_count 2"),
        (("a", "b", "c", "d"), "delete a, delete b, delete c and 1 more"),
    ],
)
def test_the_next_step_names_what_makes_it_go(arguments: tuple[str, ...], settle: str) -> None:
    assert decide(model(SHORT, *arguments), h100(), vllm=READ).settle == settle


def change(operation: Operation, **items: str) -> Change:
    return Change(id="x", model="m", operation=operation, flag="--flag", reason="", **items)


@pytest.mark.parametrize(
    ("one", "words"),
    [
        (change(Operation.ADD, new="--a=1"), "add --a=1"),
        (change(Operation.SET, old="--a=1", new="--a=2"), "write --a=2"),
        (change(Operation.REMOVE, old="--a=1"), "delete --a=1"),
        (change(Operation.REMOVE), "delete --flag"),
        (change(Operation.GPU_COUNT, new="2"), "set gpu_count 2"),
        (change(Operation.SET, new="x" * 80), f"write {'x' * 80}"),
        (change(Operation.SET, new="x" * 81), f"write {'x' * 77}..."),
    ],
)
def test_a_change_in_words_is_short(one: Change, words: str) -> None:
    assert changes_in_words([one]) == words


def test_of_many_changes_three_are_told() -> None:
    many = [change(Operation.REMOVE, old=name) for name in "abcde"]
    assert changes_in_words(many[:3]) == "delete a, delete b, delete c"
    assert changes_in_words(many[:4]) == "delete a, delete b, delete c and 1 more"
    assert changes_in_words(many) == "delete a, delete b, delete c and 2 more"
    assert changes_in_words([]) == ""


@pytest.mark.parametrize(
    ("arguments", "more"), [(("a",), ""), (("a", "b"), " (and 1 more)"), (("a", "b", "c"), " (and 2 more)")]
)
def test_the_first_finding_decides_and_the_others_are_counted(arguments: tuple[str, ...], more: str) -> None:
    what = model(SHORT, *arguments)
    assert decide(what, h100(), vllm=READ).why == stopping(what, READ)[0].what + more


def test_where_no_change_mends_it_the_findings_own_remedy_is_told() -> None:
    found = decide(model(SHORT, "--api-key hunter2hunter2"), h100(), vllm=READ)
    assert found.settle.startswith("write --api-key=")


def test_a_repair_without_a_finding_decides_by_its_reason() -> None:
    """The lint says nothing of a dtype that this card does not compute in."""
    what = model(SHORT, "--dtype=bfloat16")
    assert not stopping(what, None)
    good = ModelVerdict(model="m", verdict=Verdict.GO, comparison="", why="it fits")
    found = heard(good, what, None, (), gpu_for("T4"))
    assert found.verdict is Verdict.UNKNOWN
    assert found.why.startswith("T4: bfloat16 needs compute capability 8.0")
    assert found.why.endswith(f" (judged by {readings().read[-1]}: the release that will serve was not read)")
    unknown = msgspec.structs.replace(good, verdict=Verdict.UNKNOWN, warnings=("before",))
    assert heard(unknown, what, None, (), gpu_for("T4")).warnings == ("before", found.why)


def test_a_secret_that_stops_the_server_is_not_in_its_sentence() -> None:
    found = decide(model(SHORT, "--api-key hunter2hunter2"), h100(), vllm=READ)
    assert found.verdict is Verdict.NO_GO
    assert "hunter2" not in msgspec.json.encode(found).decode()


@pytest.mark.parametrize(
    ("gpus", "arguments"),
    [
        (2, (SHORT, "--pipeline-parallel-size=2")),
        (2, (SHORT, "--data-parallel-size=2")),
        (4, (SHORT, "--tensor-parallel-size=2")),
        (4, (SHORT,)),
    ],
)
def test_what_stops_the_suite_alone_is_no_matter_of_the_verdict(
    gpus: int, arguments: tuple[str, ...]
) -> None:
    what = model(*arguments, gpus=gpus)
    stops = {finding.stops for finding in lint_model(what.car, vllm=READ)}
    assert Stops.SUITE in stops
    assert Stops.SERVER not in stops
    assert decide(what, h100(), vllm=READ).verdict is Verdict.GO


@pytest.mark.parametrize("arguments", [("--tensor-parallel-size=4",), ("--pipeline-parallel-size=4",)])
def test_more_ranks_than_gpus_stop_the_server_too(arguments: tuple[str, ...]) -> None:
    found = decide(model(SHORT, *arguments, gpus=2), h100(), vllm=READ)
    assert found.verdict is Verdict.NO_GO


def test_stages_and_ranks_do_not_spread_a_model_over_gpus_that_nobody_asked_for() -> None:
    """With two stages on two GPUs each holds half of the weights, not a quarter."""
    two = decide(model(SHORT, "--pipeline-parallel-size=2", gpus=2), h100(), vllm=READ)
    assert two.estimate is not None
    assert two.estimate.weights_gib.value == pytest.approx(7.98, abs=0.6)


@pytest.mark.parametrize(("nodes", "verdict"), [((h100(),), Verdict.GO), ((t4(),), Verdict.NO_GO)])
def test_without_arguments_one_of_the_gpus_must_do(nodes: tuple[Any, ...], verdict: Verdict) -> None:
    """Nobody passes a tensor parallel size then."""
    short = {**LLAMA_8B, "max_position_embeddings": 8192}
    assert decide(model(gpus=2, config=short), *nodes, vllm=READ).verdict is verdict


@pytest.mark.parametrize(
    "arguments",
    [
        ("--gpu-memory-util=0.15",),
        ("--gpu_memory_utilization", "0.15"),
        ("--gpu-memory-utilization=0.9", "--gpu-memory-util=0.15"),
    ],
)
def test_every_spelling_of_an_argument_has_the_same_verdict(arguments: tuple[str, ...]) -> None:
    plain = decide(model(SHORT, "--gpu-memory-utilization=0.15"), h100(), vllm=READ)
    found = decide(model(SHORT, *arguments), h100(), vllm=READ)
    assert (found.verdict, found.why) == (plain.verdict, plain.why)
    assert found.verdict is Verdict.NO_GO


@pytest.mark.parametrize(
    "stretch",
    [
        (
            '--hf-overrides={"rope_scaling":{"rope_type":"yarn","factor":2.0,"original_max_position_embeddings":131072}}',
        ),
        (
            '--hf-overrides={"rope_parameters":{"rope_type":"yarn","factor":2.0,"original_max_position_embeddings":131072}}',
        ),
        ('--hf-overrides={"max_position_embeddings":262144}',),
        ("--hf-overrides.max_position_embeddings=262144",),
        ("--hf-overrides", '{"max_position_embeddings":262144}'),
    ],
)
def test_positions_that_the_arguments_override_are_no_needless_no_go(stretch: tuple[str, ...]) -> None:
    what = model("--max-model-len=200000", *stretch)
    assert decide(what, h100(), vllm=READ).verdict is Verdict.GO
    assert not outstanding(what, READ)
    assert decide(model("--max-model-len=200000"), h100(), vllm=READ).verdict is Verdict.NO_GO
    assert decide(model("--max-model-len=300000", *stretch), h100(), vllm=READ).verdict is Verdict.NO_GO


def test_a_stopping_finding_needs_no_gpus_to_be_known() -> None:
    assert decide(model(SHORT, "--foo-bar=1"), known=False, vllm=READ).verdict is Verdict.NO_GO
    assert decide(model(SHORT, "--foo-bar=1"), known=False, vllm=None).verdict is Verdict.UNKNOWN


def test_every_finding_says_what_it_stops_and_by_which_release() -> None:
    what = model(SHORT, "--foo-bar=1", "--max-num-seqs", "64", "--pipeline-parallel-size=2", gpus=2)
    told = {
        finding.code: (finding.stops, finding.release, finding.read)
        for finding in lint_model(what.car, vllm=READ)
    }
    assert told["flag-unknown"] == (Stops.SERVER, READ, True)
    assert told["suite-parallel"] == (Stops.SUITE, READ, True)
    assert told["two-item-flag"] == (Stops.NOTHING, READ, True)
    newer = {finding.code: (finding.release, finding.read) for finding in lint_model(what.car, vllm=NEVER)}
    assert newer["flag-unknown"] == (readings().read[-1], False)


def test_the_arguments_own_parallel_size_counts_and_not_what_the_suite_makes_of_it() -> None:
    """KServe passes two; only the QA suite would spread it over the four that are requested."""
    large = {
        **LLAMA_8B,
        "hidden_size": 8192,
        "num_hidden_layers": 80,
        "num_attention_heads": 64,
        "intermediate_size": 28672,
    }
    l40s = node("l", "L40S", 4, mem=46068, cc="8.9")
    two = model(SHORT, "--tensor-parallel-size=2", gpus=4, config=large)
    assert decide(two, l40s, vllm=READ).verdict is Verdict.NO_GO
    assert (
        decide(model(SHORT, "--tensor-parallel-size=4", gpus=4, config=large), l40s, vllm=READ).verdict
        is Verdict.GO
    )
    kinds = candidates(cluster_of(l40s))
    verdict = decide(two, l40s, vllm=READ)
    plan = propose_for(two, verdict, kinds, cluster_of(l40s), vllm=READ, objective="minimal")
    assert plan.hope == "accept: write --tensor-parallel-size=4"


def test_an_accepted_change_elsewhere_leaves_the_gpu_count_a_count_of_its_own() -> None:
    what = model(SHORT, "--tensor-parallel-size=2", "--trust-remote-code", gpus=4)
    for changes in (
        (),
        (Change(id="x", model="m", operation=Operation.REMOVE, flag="--trust-remote-code", reason=""),),
    ):
        serving = effective(what.car.serving, changes)
        after = msgspec.structs.replace(what, car=msgspec.structs.replace(what.car, serving=serving))
        assert decide(after, h100(), vllm=READ).verdict is Verdict.GO
        assert "gpu-count-missing" not in {finding.code for finding in lint_model(after.car, vllm=READ)}


def test_a_gpu_count_that_a_change_brings_in_is_one() -> None:
    what = model(SHORT, "--tensor-parallel-size=2")
    count = Change(id="x", model="m", operation=Operation.GPU_COUNT, flag="gpu_count", new="2", reason="")
    serving = effective(what.car.serving, (count,))
    assert (serving.gpu_count, serving.gpu_count_at is not None) == (2, True)


@pytest.mark.parametrize(
    ("config", "arguments", "gpus"),
    [
        (
            {
                "rope_parameters": {
                    "full_attention": {
                        "rope_type": "yarn",
                        "factor": 2.0,
                        "original_max_position_embeddings": 131072,
                    },
                    "sliding_attention": {"rope_type": "default"},
                }
            },
            ("--max-model-len=262144",),
            1,
        ),
        ({"moe_num_experts": [64, 64]}, (SHORT, "--enable-expert-parallel"), 1),
        ({}, (SHORT, "--data-parallel-size=2", "--distributed-executor-backend=uni"), 2),
        ({}, (SHORT, "--hf-overrides.foo", "--enforce-eager"), 1),
    ],
)
def test_what_vllm_takes_is_stopped_by_no_finding(
    config: dict[str, Any], arguments: tuple[str, ...], gpus: int
) -> None:
    what = model(*arguments, config={**LLAMA_8B, **config}, gpus=gpus)
    assert not stopping(what, READ)
    assert not outstanding(what, READ)


@pytest.mark.parametrize(
    "argument", ["--api-kez=hunter22hunter", "--apikey=hunter22hunter", "--no-api-key=hunter22hunter"]
)
def test_a_slip_in_the_name_of_a_secret_makes_it_no_less_of_one(argument: str, tmp_path: Path) -> None:
    path = tmp_path / "m.base.yaml"
    path.write_text(
        "model-car:\n- name: m\n  image: oci://quay.io/x/m:1\n  serving_arguments:\n    args: "
        f"['{argument}']\n"
    )
    (car,) = read_manifest(path).models
    assert "hunter22" not in msgspec.json.encode(car).decode()
    what = msgspec.structs.replace(model(SHORT), car=car)
    found = decide(what, h100(), vllm=READ)
    assert found.verdict is Verdict.NO_GO
    assert not holds_mask(found.settle)
    assert not [change for change in outstanding(what, READ) if change.new]


def test_what_no_change_mends_is_left_to_the_operator_in_words() -> None:
    what = model(SHORT, "--api-key hunter2hunter2", "word")
    verdict = decide(what, h100(), vllm=READ)
    kinds = candidates(cluster_of(h100()))
    plan = propose_for(what, verdict, kinds, cluster_of(h100()), vllm=READ, objective="minimal")
    assert plan.hope.startswith("accept: delete word; and by hand: write --api-key=")
    assert "hunter2" not in plan.hope


def test_no_more_gpus_are_asked_for_than_a_node_has() -> None:
    found = decide(model(SHORT, "--tensor-parallel-size=8"), h100(units=4), vllm=READ)
    assert (found.verdict, found.settle) == (Verdict.NO_GO, "write --tensor-parallel-size=1")


def test_gpus_that_nobody_knows_do_not_hide_what_an_unread_release_may_refuse() -> None:
    found = decide(model(SHORT, "--foo-bar=1"), known=False, vllm=None)
    assert any("has no --foo-bar" in warning for warning in found.warnings)


_VALUES = st.sampled_from(
    ["", "=", "=1", "=0", "=8k", "=abc", "=auto", "=fp8", '={"a":1}', "=true", "=0.5", " 2", "=-1"]
)
_FLAGS = st.sampled_from(
    [flag.flag for flag in flags_of(READ)] + ["--none-such", "word", "--swap-space", "-tp", "-O"]
)
_ITEMS = st.lists(st.tuples(_FLAGS, _VALUES).map("".join), max_size=4).map(tuple)


def stopped(what: ModelRequirements, release: str) -> bool:
    findings = lint_model(what.car, vllm=release, facts=what.image.model)
    errors = [f for f in findings if f.severity is Severity.ERROR and f.stops is not Stops.SUITE]
    return bool(errors or outstanding(what, release))


@settings(max_examples=300, deadline=None)
@given(_ITEMS, st.integers(1, 4), st.sampled_from(["0.11.0", READ, "0.33.0", NEVER]))
def test_no_model_with_an_error_or_an_outstanding_repair_is_go(
    arguments: tuple[str, ...], gpus: int, release: str
) -> None:
    what = model(*arguments, gpus=gpus)
    found = decide(what, h100(), vllm=release)
    if stopped(what, release):
        assert found.verdict is not Verdict.GO, arguments
