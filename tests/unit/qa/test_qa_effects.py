"""What is told before QA starts, how long it may take, and what is offered after it broke."""

from __future__ import annotations

import pytest

from modelcar_tui.qa.budget import GB, QUICK_S, SESSION_S, SUITE_READY_S, cold_start_s, time_budgets
from modelcar_tui.qa.effect import Effect, EffectLevel, effect_rows, fails, tells, warns
from modelcar_tui.qa.effects import (
    ANY_ANSWER,
    NOT_TESTED,
    cautions,
    clean_up_commands,
    cluster_effects,
    job_engine_effects,
    of_suite,
    pull_effects,
    time_effect,
)
from modelcar_tui.qa.image import suite_image
from modelcar_tui.qa.suite_facts import branches
from modelcar_tui.qa.suite_probe import Probe, assumed
from modelcar_tui.qa.types import QaCounts, QaOutcome


@pytest.mark.parametrize(("gigabytes", "seconds"), [(2, 59.6), (14, 363.3), (140, 4603.0)])
def test_cold_start_meets_the_measured_points(gigabytes: int, seconds: float) -> None:
    assert cold_start_s(gigabytes * GB) == pytest.approx(seconds)


def test_cold_start_grows_between_and_beyond_the_points() -> None:
    seconds = [cold_start_s(size * GB) for size in range(0, 400, 5)]
    assert seconds == sorted(seconds)
    assert seconds[-1] > 10_000


def test_budget_is_never_shorter_than_the_suites_own_and_warns_of_what_the_suite_can_not_wait_for() -> None:
    small, large = ("small", 5 * GB), ("large", 140 * GB)
    assert time_budgets([small, ("unknown", None)]).per_model > SUITE_READY_S
    both = time_budgets([small, large])
    assert both.whole > time_budgets([small]).whole + cold_start_s(140 * GB)
    assert [(one.model, round(one.seconds / 60)) for one in both.slow] == [("large", 77)]
    assert time_budgets([small]).slow == ()


def test_pull_that_the_suite_can_not_wait_for_is_one_row_with_its_way_out() -> None:
    slow = time_budgets([("large", 140 * GB)]).slow
    (row,) = pull_effects(slow, {"large": "quay.io/org/large:1"}, {"large": "gpu-a"})
    assert (row.level, row.label) == (EffectLevel.FAILS, "will fail")
    assert row.text == "large: a cold pull takes about 77 min, the suite waits 30"
    assert row.way_out == (
        "pull it first: oc debug node/gpu-a -- chroot /host crictl pull quay.io/org/large:1"
    )
    many = time_budgets([(f"m{at}", (100 + at) * GB) for at in range(9)]).slow
    (row,) = pull_effects(many, {}, {})
    assert row.text.startswith("m0, m1, m2 and 6 more: a cold pull takes about 54 to 59 min")
    assert row.way_out.startswith("pull each first: oc debug node/NODE")
    assert pull_effects((), {}, {}) == ()


def test_likely_time_counts_a_model_that_never_gets_ready_as_long_as_the_suite_waits() -> None:
    assert time_budgets([("unknown", None), ("b", GB)]).likely is None
    one, two = time_budgets([("a", 140 * GB)]), time_budgets([("a", 140 * GB), ("b", 300 * GB)])
    assert one.likely is not None and two.likely is not None
    assert two.likely - one.likely == SUITE_READY_S + QUICK_S
    assert one.likely < one.whole


@pytest.mark.parametrize(
    ("likely", "most", "text"),
    [
        (2100.0, 17_160.0, "35 min likely, 4 h 46 at most"),
        (None, 1800.0, "30 min at most"),
        (7200.0, 1800.0, "30 min at most"),
    ],
)
def test_time_is_said_with_its_limit(likely: float | None, most: float, text: str) -> None:
    assert time_effect(likely, most).text == text


def test_rows_stand_in_the_order_of_what_they_cost_and_plain_lines_stay_readable() -> None:
    rows = effect_rows(
        ("an old line.", tells("lasts", "1 min"), warns("takes", "2 GPUs"), fails("a: b", "c"))
    )
    assert [row.level.value for row in rows] == ["fails", "warns", "tells", "tells"]
    assert [str(row) for row in rows] == [
        "will fail: a: b; c",
        "takes: 2 GPUs",
        "an old line.",
        "lasts: 1 min",
    ]


@pytest.mark.parametrize(("branch", "text"), [("3.4", "1 to 4 GPUs"), ("2.23", "1 GPU at")])
def test_gpus_that_are_taken_are_those_that_the_suite_gives(branch: str, text: str) -> None:
    rows = cluster_effects(branches()[branch], models=["a", "b"], gpus=[1, 4])
    (takes,) = [row for row in rows if row.label == "takes"]
    assert takes.text.startswith(text)
    assert takes.level is EffectLevel.WARNS


def joined(rows: tuple[Effect, ...]) -> str:
    return "\n".join(map(str, rows))


ALL = {"raw-model-validation", "serverless-model-validation", "standard-model-validation"}
EVERYWHERE = ("home", "cwd", "tmp")
TESTING = [name for name, facts in branches().items() if facts.test]


@pytest.mark.parametrize("branch", TESTING)
def test_question_warning_and_clean_up_name_exactly_the_namespaces_of_the_branch(branch: str) -> None:
    facts = branches()[branch]
    asked = joined(cluster_effects(facts, models=["a", "b"]))
    assert {name for name in ALL if name in asked} == set(facts.namespaces)
    job = joined(job_engine_effects("qa", 2, facts))
    assert {name for name in ALL if name in job} == set(facts.namespaces)
    left = QaOutcome(code="QA_ERROR:TIMEOUT", message="", leftovers=("InferenceService/granite",))
    commands = clean_up_commands(of_suite(left, facts))
    assert set(commands) == {f"oc delete inferenceservice granite -n {name}" for name in facts.namespaces}


@pytest.mark.parametrize("branch", TESTING)
def test_question_says_what_a_branch_does_and_nothing_that_it_does_not(branch: str) -> None:
    facts = branches()[branch]
    asked = joined(cluster_effects(facts, models=["a"], audio=True))
    assert ("DataScienceCluster" in asked) == facts.sets_kserve
    assert ("serving arguments" in asked) == (not facts.reads_arguments)
    assert ("github.com" in asked) == ("audio" in facts.downloads)
    assert all(name in asked for name in (*facts.runtimes, *facts.modes, facts.pull_secret))


def test_question_names_who_and_where() -> None:
    asked = cluster_effects(
        branches()["3.2"], models=["a", "b"], server="https://api.test:6443", user="kubeadmin"
    )
    assert all(word in asked[0].text for word in ("cluster-admin", "https://api.test:6443", "kubeadmin"))
    assert "2 models" in joined(asked)
    assert "github.com" not in joined(asked)


def test_of_an_image_that_nobody_knows_it_is_said_that_nobody_knows() -> None:
    asked = joined(cluster_effects(None, models=["a"]))
    assert "is known once it was asked" in asked
    assert "may set KServe to Managed" in asked
    assert all(name in asked for name in ALL)


@pytest.mark.parametrize("branch", TESTING)
def test_outcome_carries_what_the_suite_could_not_test(branch: str) -> None:
    facts = branches()[branch]
    outcome = of_suite(QaOutcome(code="QA_OK", message="2 passed", counts=QaCounts(passed=2)), facts)
    assert outcome.namespaces == facts.namespaces
    said = outcome.message.removeprefix("2 passed")
    assert ("does not read the models' serving arguments" in said) == (not facts.reads_arguments)
    assert (ANY_ANSWER in said) == (not facts.checks_answers)
    asked = joined(cluster_effects(facts, models=["a"]))
    assert (ANY_ANSWER in asked) == (not facts.checks_answers)
    failed = of_suite(QaOutcome(code="QA_ERROR:CRASH_LOOP", message="died"), facts)
    assert ANY_ANSWER not in failed.message
    assert (NOT_TESTED in cautions(Probe(facts=facts, writable=EVERYWHERE), ())) == (
        not facts.reads_arguments
    )


def test_outcome_of_a_suite_that_nobody_asked_is_left_as_it_is() -> None:
    outcome = QaOutcome(code="QA_OK", message="2 passed")
    assert of_suite(outcome, None) is outcome


def test_what_the_question_did_not_tell_is_told_before_the_start() -> None:
    probe = Probe(facts=branches()["2.24"], writable=EVERYWHERE)
    assert cautions(probe, branches()["3.2"].namespaces) == (
        "the image works in namespace serverless-model-validation too, which its tag did not tell",
    )
    assert cautions(probe, ()) == cautions(probe, branches()["2.24"].namespaces) == ()
    assert "could not be asked" in cautions(assumed(), ())[0]


def test_places_that_the_suite_can_not_write_to_are_named() -> None:
    probe = Probe(facts=branches()["3.2"], writable=())
    (line,) = cautions(probe, ())
    assert line == "the suite's user can't write to its home, its working folder and /tmp: it may crash"


def test_suite_that_tests_each_model_twice_has_twice_the_time() -> None:
    once, twice = time_budgets([("a", None), ("b", None)]), time_budgets([("a", None), ("b", None)], tests=2)
    assert twice.per_model == 2 * once.per_model
    assert twice.whole - 2 * once.whole == -SESSION_S


def test_clean_up_is_offered_as_commands() -> None:
    left = QaOutcome(
        code="QA_ERROR:TIMEOUT", message="", leftovers=("Namespace/raw-model-validation", "Secret/x")
    )
    assert clean_up_commands(left) == ("oc delete namespace raw-model-validation",)
    single = QaOutcome(code="QA_ERROR:TIMEOUT", message="", leftovers=("InferenceService/granite",))
    assert "oc delete inferenceservice granite -n standard-model-validation" in clean_up_commands(single)
    assert clean_up_commands(QaOutcome(code="QA_OK", message="")) == ()


@pytest.mark.parametrize(
    ("release", "given", "tag", "branch", "why"),
    [
        ("OpenShift AI Self-Managed 3.3.1", None, ":3.3", "3.3", "the tag of the cluster's release"),
        ("OpenShift AI Cloud Service 2.24.0", None, ":2.24", "2.24", "the tag of the cluster's release"),
        ("OpenShift AI Self-Managed 2.25.3", None, ":2.25", "2.25", "the tag of the cluster's release"),
        (
            "OpenShift AI Self-Managed 3.4.0-ea.1",
            None,
            ":3.4ea1",
            "3.4ea1",
            "the tag of the cluster's release",
        ),
        ("OpenShift AI Self-Managed 3.4.0-ea.9", None, ":3.4", "3.4", "the tag of the cluster's release"),
        ("OpenShift AI Self-Managed 9.9.0", None, ":latest", "main", "has no tag of its own"),
        ("Open Data Hub 3.3.0", None, ":latest", "main", "has no tag of its own"),
        (None, None, ":latest", "main", "is not known"),
        ("OpenShift AI Self-Managed 3.3.1", "mine:1", "mine:1", "", "--qa-image"),
        (None, "quay.io/opendatahub/opendatahub-tests:3.2", ":3.2", "3.2", "--qa-image"),
    ],
)
def test_tag_follows_the_release_and_says_why(
    release: str | None, given: str | None, tag: str, branch: str, why: str
) -> None:
    chosen = suite_image(release, given)
    assert chosen.image.endswith(tag)
    assert chosen.facts == branches().get(branch)
    assert why in chosen.why
