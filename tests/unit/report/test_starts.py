"""Measured starts in words: each figure beside its prediction, date and basis; nothing from outside acts."""

from __future__ import annotations

import msgspec
import pytest

from modelcar_tui.core.facts import Source
from modelcar_tui.report import facts_of, start_figures, start_line
from modelcar_tui.report.starts import estimate_basis, start_lines
from modelcar_tui.supervisor import events as e
from modelcar_tui.supervisor import fold, outcome_of
from modelcar_tui.tui.faces.measured import measured_rows
from modelcar_tui.tui.faces.memory import memory_rows
from modelcar_tui.tui.faces.need import amount
from modelcar_tui.tui.glyphs import ASCII
from modelcar_tui.verdict import Verdict
from pilot import states
from pilot import support as s

NOW = s.T0


def text(rows: list[object]) -> str:
    return "\n".join("".join(part for part, _ in row.spans) for row in rows)  # type: ignore[attr-defined]


def test_figures_stand_beside_their_predictions_and_what_is_lacking_is_no_zero() -> None:
    found = start_figures(
        {"weights_gib": 15.27, "kv_tokens": 106_624.0}, {"weights_gib": 15.19, "graphs_gib": 1}
    )
    assert [each.line for each in found] == [
        "weights 15.27 GiB measured, 15.19 GiB predicted (0.5 % low)",
        "CUDA graphs 1.00 GiB predicted",
        "KV cache 106,624 tokens measured, not predicted",
    ]
    assert start_figures({"weights_gib": 0.0}, {"weights_gib": 1.0})[0].off == ""
    assert start_figures({"load_s": 3.0, "no such figure": 1.0}, {}) == ()


def test_start_is_told_with_card_release_and_date() -> None:
    start = states.start_of("granite", gpus=2)
    assert start_line(start, NOW) == (
        "starts on 2 x NVIDIA-H100-80GB-HBM3 with vLLM 0.13.0, 2025-10-07T08:53:20Z (2 d ago)"
    )
    odd = states.start_of("granite", gpu="", vllm="", at=0.0, outcome="no such end")
    assert start_line(odd, NOW) == (
        "no such end on a GPU whose product is not known with a vLLM whose release is not known, "
        "at a time that is not known"
    )


@pytest.mark.parametrize("exact", [True, False])
def test_estimate_says_what_of_it_was_measured(*, exact: bool) -> None:
    judged = states.with_start(s.verdicts()[0], states.start_of("a", outcome="starts"), exact=exact)
    assert judged.estimate is not None
    assert ("very arguments" in estimate_basis(judged.estimate)) == exact
    lines = [*start_lines(judged.estimate, NOW)]
    assert lines[0].startswith("starts on NVIDIA-H100-80GB-HBM3 with vLLM 0.13.0")
    assert lines[1] == "predicted: starts"
    assert "outside PyTorch 0.88 GiB measured, not predicted" in lines
    legend = text(memory_rows("card", judged, 80, ASCII))
    assert "weights =15.3" in legend
    assert ("graphs =1.1" in legend) == exact
    assert ("the rest computed" in legend) != exact


def test_need_has_a_sign_for_each_way_in_which_it_is_known() -> None:
    need = s.verdicts()[0].needed_gib
    assert amount(need)[0] == "19 GiB"
    assert amount(need, measured=True)[0] == "=19 GiB"
    guess = s.verdicts()[4].needed_gib
    assert amount(guess, measured=True)[0].startswith("~")


def test_run_says_how_many_of_its_models_were_measured() -> None:
    report = s.report()
    good = [model for model in report.models if model.verdict is Verdict.GO]
    started = [states.with_start(model, states.start_of(model.model), exact=True) for model in good]
    for models, words in (
        (good, ""),
        ([started[0], *good[1:]], ", 1 of them measured"),
        (started, ", as measured"),
    ):
        served = "each of the 3 models can be served as the manifest says"
        made = msgspec.structs.replace(
            report, verdict=Verdict.GO, why=served, models=tuple(models), checks=(), findings=()
        )
        told = outcome_of(fold(s.stamp([*s.begin(), e.DecisionMade(report=made)])))
        assert told is not None
        assert told.why.endswith(words) and ("measured" in told.why) == bool(words)
        assert any(form.what == f"all 3 models can be served{words}" for form in told.brief)


def test_why_has_the_start_and_each_figure_with_what_was_predicted() -> None:
    state = fold(s.stamp(states.measured(states.Path())))
    name = s.report().models[0].model
    known = {one.label: one for one in facts_of(state, "decision") if one.group == name}
    start = known["measured start"]
    assert start.fact.source is Source.MEASURED and start.fact.at == s.T0 - 2 * 86_400
    assert known["predicted without it"].fact.value == "starts"
    assert known["weights, each GPU"].says == "weights 15.27 GiB measured, 15.19 GiB predicted (0.5 % low)"
    other = {one.label for one in facts_of(state, "decision") if one.group == s.report().models[1].model}
    assert "measured start" not in other


def test_words_of_a_log_are_text_and_nothing_else() -> None:
    hostile = "\x1b]52;c;x\x07[/bold]\u202e" + "x" * 900
    start = states.start_of("a", outcome="died", error=hostile, gpu=hostile, vllm=hostile)
    judged = states.with_start(s.verdicts()[0], start, exact=True)
    rows = measured_rows(judged, None, NOW, 56, 11)
    told = text([*rows])
    assert "\x1b" not in told and "\u202e" not in told and "bold]" in told
    assert "ended before it served" in told
