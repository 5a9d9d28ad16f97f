"""How each model fares in QA: a row each for a few, sums and names of those that matter for many."""

from __future__ import annotations

import time

import msgspec
import pytest

from modelcar_tui.cluster.types import Check, State
from modelcar_tui.qa.events import QaProgressed, QaSaw, QaStarted
from modelcar_tui.qa.seen import Seen
from modelcar_tui.qa.types import QaCounts, QaModelResult, QaOutcome
from modelcar_tui.supervisor import events as e
from modelcar_tui.supervisor.state import RunState, fold
from modelcar_tui.tui.faces.doing import doing
from modelcar_tui.tui.faces.qa import qa_rows
from modelcar_tui.tui.faces.qa_models import Fares, models_in_qa, qa_word, qa_words
from modelcar_tui.tui.glyphs import ASCII, UNICODE
from modelcar_tui.tui.rows import spans_width
from pilot import support as s

NAMES = [model.car.name for model in s.models()]
BEGAN = s.T0
STARTED = QaStarted(container="c", image="i", log="l", began=BEGAN, limit_s=17_000.0, model_limit_s=2_340.0)
FAILED = (QaModelResult(model=NAMES[0], status="ERROR", cause="CUDA_OOM"),)
DENIED = Seen(
    model=NAMES[2],
    object="o",
    text="waiting for the image: unauthorized",
    cause="IMAGE_PULL_DENIED",
    mends_itself=False,
)


def progress(**changes: object) -> QaProgressed:
    """The third of five models waits for its pods; the first has failed."""
    base = QaProgressed(
        done=2,
        total=5,
        phase="waiting for pods",
        model=NAMES[2],
        passed=1,
        failed=1,
        failures=FAILED,
        phase_since=BEGAN + 60,
        model_since=BEGAN + 50,
        window_s=1_800.0,
    )
    return msgspec.structs.replace(base, **changes)


def running(*events: e.AnyEvent) -> RunState:
    return fold(s.stamp([*s.in_qa("x", 3), STARTED, *events]))


def many(count: int, **changes: object) -> RunState:
    """A run of that many models."""
    state = running(progress(**changes))
    assert state.manifest is not None
    cars = tuple(
        msgspec.structs.replace(state.manifest.models[0], name=f"granite-{at:03d}") for at in range(count)
    )
    manifest = msgspec.structs.replace(state.manifest, models=cars)
    return msgspec.structs.replace(state, manifest=manifest)


def ended(*results: tuple[str, str, str], code: str = "QA_ERROR:CUDA_OOM") -> RunState:
    models = tuple(QaModelResult(model=name, status=status, cause=cause) for name, status, cause in results)
    outcome = QaOutcome(code=code, message="m", models=models, cause="out of memory", log_line=171)
    return running(progress(), e.QaFinished(outcome=outcome))


def text_of(state: RunState, cells: int = 76, now: float = 0.0, *, plain: bool = False) -> list[str]:
    rows = qa_rows(state, cells, ASCII if plain else UNICODE, now)
    return ["".join(text for text, _ in row.spans).rstrip() for row in rows]


def roles_of(state: RunState, now: float) -> set[str]:
    return {role for row in qa_rows(state, 76, UNICODE, now)[:1] for text, role in row.spans if "█" in text}


def fares(state: RunState) -> list[Fares]:
    return [one.fares for one in models_in_qa(state)]


def test_each_model_has_its_word_and_the_one_under_test_is_first() -> None:
    state = running(progress(), QaSaw(seen=(DENIED,)))
    assert fares(state) == [Fares.FAILED, Fares.PASSED, Fares.PULLING, Fares.WAITING, Fares.WAITING]
    lines = text_of(state, now=BEGAN + 960)
    assert lines[0].startswith(f"● {NAMES[2]}")
    assert "pulling" in lines[0] and lines[0].endswith("15m00s/30m")
    assert lines[1] == "  waiting for the image: unauthorized"
    assert any("1 passed, 1 failed, 1 running, 2 to come" in line for line in lines)
    assert any(line.startswith("✗") and line.endswith("CUDA_OOM") for line in lines)
    at = {
        word: next(n for n, line in enumerate(lines) if f" {word}" in line[30:])
        for word in ("failed", "waiting")
    }
    assert at["failed"] < at["waiting"]


@pytest.mark.parametrize(("seconds", "role"), [(600, "run"), (1_600, "warn"), (1_900, "bad")])
def test_bar_turns_as_the_budget_is_used_up(seconds: int, role: str) -> None:
    assert roles_of(running(progress()), BEGAN + 60 + seconds) == {role}


def test_without_the_suites_own_limit_the_models_budget_counts() -> None:
    state = running(progress(window_s=None))
    assert text_of(state, now=BEGAN + 50 + 1_170)[0].endswith("19m30s/39m")


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"phase": "inference"}, Fares.INFERENCE),
        ({"phase": "setup"}, Fares.STARTING),
        ({"phase": "teardown", "done": 3, "passed": 2}, Fares.ENDING),
    ],
)
def test_word_follows_the_phase(changes: dict[str, object], word: Fares) -> None:
    assert fares(running(progress(**changes)))[2] is word


@pytest.mark.parametrize("changes", [{"total": 10}, {"total": 3}, {"done": 2, "passed": 0}])
def test_numbers_that_are_not_of_the_manifests_models_claim_nothing_of_the_others(
    changes: dict[str, object],
) -> None:
    state = running(progress(**changes))
    assert fares(state) == [Fares.FAILED, Fares.UNKNOWN, Fares.STARTING, Fares.UNKNOWN, Fares.UNKNOWN]


def test_another_order_than_the_manifests_tells_only_what_is_known_by_name() -> None:
    state = running(progress(done=4, passed=3))
    assert fares(state) == [Fares.FAILED, Fares.UNKNOWN, Fares.STARTING, Fares.UNKNOWN, Fares.UNKNOWN]
    lines = text_of(state)
    assert any("3 passed, 1 failed, 1 running" in line for line in lines)
    assert not any(NAMES[1] in line for line in lines)


@pytest.mark.parametrize("cells", [40, 56, 76, 116])
def test_of_a_hundred_models_the_running_and_the_failed_are_named(cells: int) -> None:
    failed = tuple(
        QaModelResult(model=f"granite-{at:03d}", status="FAILED", cause="READY_TIMEOUT") for at in (3, 7)
    )
    state = many(100, done=39, total=100, passed=37, failed=2, failures=failed, model="granite-039")
    lines = text_of(state, cells, BEGAN + 100)
    assert lines[0].startswith("● granite-039")
    joined = "\n".join(lines)
    assert "37 passed, 2 failed, 1 running, 60 to come" in joined
    named = [line for line in lines if "granite-" in line]
    assert len(named) == 3
    assert all(spans_width(row.spans) <= max(cells, 44) for row in qa_rows(state, cells, UNICODE, BEGAN))
    assert len(lines) < 12


def test_two_models_of_one_name_are_told_apart_as_the_suite_does() -> None:
    state = many(3, done=1, total=3, passed=1, failed=0, failures=(), model="a (2)")
    assert state.manifest is not None
    cars = tuple(msgspec.structs.replace(car, name="a") for car in state.manifest.models)
    state = msgspec.structs.replace(state, manifest=msgspec.structs.replace(state.manifest, models=cars))
    assert [(one.model, one.fares) for one in models_in_qa(state)] == [
        ("a", Fares.PASSED),
        ("a (2)", Fares.STARTING),
        ("a (3)", Fares.WAITING),
    ]


def test_a_thousand_models_are_worked_out_at_once() -> None:
    state = many(1_000, done=500, total=1_000, passed=500, failed=0, failures=(), model="granite-500")
    began = time.process_time()
    assert len(qa_words(state)) == 1_000
    assert time.process_time() - began < 0.2


def test_one_model_has_one_row() -> None:
    state = many(1, done=0, total=1, passed=0, failed=0, failures=(), model="granite-000")
    assert [line for line in text_of(state) if "granite" in line] == text_of(state)[:1]


def test_end_says_cause_line_and_which_models_the_suite_never_reached() -> None:
    state = ended((NAMES[0], "ERROR", "CUDA_OOM"), (NAMES[1], "PASSED", ""), (NAMES[2], "", "ENGINE_DIED"))
    assert fares(state) == [Fares.FAILED, Fares.PASSED, Fares.CUT_SHORT, Fares.NOT_REACHED, Fares.NOT_REACHED]
    lines = text_of(state)
    assert lines[0] == "QA_ERROR:CUDA_OOM"
    assert "1 passed, 1 failed, 1 cut short, 2 not reached" in "\n".join(lines)
    assert "log    line 171: l, then e goes there" in lines
    assert [line[:1] for line in lines[-5:]] == ["✗", "✗", "–", "–", "✓"]


def test_a_model_whose_cause_is_the_runs_is_not_told_twice() -> None:
    one = QaModelResult(
        model=NAMES[0], status="ERROR", cause="CUDA_OOM", line="no memory", fix="less context"
    )
    other = QaModelResult(
        model=NAMES[1], status="ERROR", cause="ARCH", line="wrong node", fix="an arm64 image"
    )
    outcome = QaOutcome(
        code="QA_ERROR:CUDA_OOM",
        message="m",
        cause=f"{NAMES[0]}: no memory",
        fix="less context",
        models=(one, other),
    )
    text = "\n".join(text_of(running(progress(), e.QaFinished(outcome=outcome))))
    assert text.count("no memory") == 1
    assert text.count("wrong node") == 1


def test_words_for_a_column() -> None:
    state = ended(
        (NAMES[0], "ERROR", "CUDA_OOM"),
        (NAMES[1], "PASSED", ""),
        (NAMES[2], "FAILED", "IMAGE_PULL_DENIED"),
        (NAMES[3], "FAILED", "WRONG_ANSWER"),
    )
    words = [qa_word(state, name)[0] for name in NAMES]
    assert words == ["OOM", "pass", "pull", "fail", "-"]
    assert [qa_word(state, name)[1] for name in NAMES] == ["bad", "ok", "bad", "bad", "muted"]
    now = running(progress())
    assert [qa_word(now, name)[0] for name in NAMES] == ["OOM", "pass", "…", "-", "-"]
    assert qa_word(running(progress(), QaSaw(seen=(DENIED,))), NAMES[2]) == ("…", "bad")
    assert qa_word(fold(s.stamp(s.decided())), NAMES[0]) == ("-", "muted")
    assert qa_word(now, "a model of nobody") == ("-", "muted")


def test_skipped_qa_and_a_log_without_models_claim_nothing() -> None:
    skipped = QaOutcome(code="QA_SKIPPED:NO_GO", message="the verdict is NO-GO")
    assert models_in_qa(fold(s.stamp([*s.decided(), e.QaFinished(outcome=skipped)]))) == []
    bare = QaOutcome(code="QA_ERROR:TESTS_FAILED", message="m", counts=QaCounts(passed=24, failed=1))
    state = running(progress(), e.QaFinished(outcome=bare))
    assert models_in_qa(state) == []
    assert any("24 passed, 1 failed" in line for line in text_of(state))
    good = QaOutcome(code="QA_OK", message="5 passed")
    assert set(fares(running(progress(), e.QaFinished(outcome=good)))) == {Fares.PASSED}


def test_ascii_twin_tells_the_same() -> None:
    lines = text_of(running(progress(), QaSaw(seen=(DENIED,))), now=BEGAN + 960, plain=True)
    assert all(line.isascii() for line in lines)
    assert lines[0].startswith("> ")


def test_what_was_noticed_before_qa_does_not_hide_its_progress() -> None:
    state = fold(s.stamp(s.in_qa("/none", 1)))
    assert state.decision is not None
    check = Check(code="pull", state=State.WARNING, what="a cold pull takes 70 min", fix="pull it first")
    report = msgspec.structs.replace(state.decision, checks=(check,))
    before, during = (e.Noticed(text=text) for text in (f"{check.what}; {check.fix}", "QA is silent"))

    def word(*notices: e.Noticed) -> str:
        noticed = msgspec.structs.replace(state, decision=report, notices=notices)
        return doing(noticed, replay=False, glyphs=UNICODE, now=state.now).word

    assert word() == word(before) == "QA is running"
    assert word(before, during).startswith("warning")
