"""What is told before QA starts, how long it may take, and what is offered after it broke."""

from __future__ import annotations

import pytest

from modelcar_tui.qa.budget import GB, SUITE_READY_S, budgets, cold_start_s
from modelcar_tui.qa.effects import clean_up_commands, effects, image_for_release, namespace_of
from modelcar_tui.qa.types import QaOutcome


@pytest.mark.parametrize(("gigabytes", "seconds"), [(2, 59.6), (14, 363.3), (140, 4603.0)])
def test_cold_start_meets_the_measured_points(gigabytes: int, seconds: float) -> None:
    assert cold_start_s(gigabytes * GB) == pytest.approx(seconds)


def test_cold_start_grows_between_and_beyond_the_points() -> None:
    seconds = [cold_start_s(size * GB) for size in range(0, 400, 5)]
    assert seconds == sorted(seconds)
    assert seconds[-1] > 10_000


def test_budget_is_never_shorter_than_the_suites_own_and_warns_of_what_the_suite_can_not_wait_for() -> None:
    small, large = ("small", 5 * GB), ("large", 140 * GB)
    assert budgets([small, ("unknown", None)]).per_model > SUITE_READY_S
    both = budgets([small, large])
    assert both.whole > budgets([small]).whole + cold_start_s(140 * GB)
    assert both.warnings == (
        "large: a cold pull takes about 77 min, the suite gives up after 30; pull the image on the node first",
    )


def test_effects_name_what_reaches_far() -> None:
    old = "\n".join(effects("G1", models=["a", "b"], server="https://api.test:6443", user="kubeadmin", audio=True))
    for needle in ("cluster-admin", "https://api.test:6443", "kubeadmin", "DataScienceCluster",
                   "raw-model-validation", "github.com", "2 models"):  # fmt: skip
        assert needle in old
    new = "\n".join(effects("G3", models=["a"]))
    assert "standard-model-validation" in new
    assert "DataScienceCluster" not in new
    assert "github.com" not in new
    assert effects("?", models=[]) == effects("G3", models=[])
    assert namespace_of("G2") == "raw-model-validation"


def test_clean_up_is_offered_as_commands() -> None:
    left = QaOutcome(code="QA_ERROR:TIMEOUT", message="", leftovers=("Namespace/raw-model-validation", "Secret/x"))
    assert clean_up_commands(left) == ("oc delete namespace raw-model-validation",)
    single = QaOutcome(code="QA_ERROR:TIMEOUT", message="", leftovers=("InferenceService/granite",))
    assert "oc delete inferenceservice granite -n standard-model-validation" in clean_up_commands(single)
    assert clean_up_commands(QaOutcome(code="QA_OK", message="")) == ()


@pytest.mark.parametrize(
    ("release", "given", "tag"),
    [("3.3.1", None, ":3.3"), ("2.25", None, ":2.25"), ("9.9", None, ":latest"), (None, None, ":latest"),
     ("3.3", "mine:1", "mine:1")],
)  # fmt: skip
def test_tag_follows_the_release(release: str | None, given: str | None, tag: str) -> None:
    assert image_for_release(release, given).endswith(tag)
