"""What is told before QA starts, how long it may take, and what is offered after it broke."""

from __future__ import annotations

import pytest

from modelcar_tui.qa.budget import GB, SUITE_READY_S, budgets, cold_start_s
from modelcar_tui.qa.effects import clean_up_commands, effects, namespace_of
from modelcar_tui.qa.image import suite_image
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
        "large: a cold pull takes about 77 min, the suite gives up after 30; pull the image on the node "
        "first",
    )


def test_effects_name_what_reaches_far() -> None:
    old = "\n".join(
        effects("G1", models=["a", "b"], server="https://api.test:6443", user="kubeadmin", audio=True)
    )
    for needle in (
        "cluster-admin",
        "https://api.test:6443",
        "kubeadmin",
        "DataScienceCluster",
        "raw-model-validation",
        "github.com",
        "2 models",
    ):
        assert needle in old
    new = "\n".join(effects("G3", models=["a"]))
    assert "standard-model-validation" in new
    assert "DataScienceCluster" not in new
    assert "github.com" not in new
    unsure = "\n".join(effects("", models=["a"]))
    assert "If it is an older suite: It may set KServe to Managed" in unsure
    assert namespace_of("G2") == "raw-model-validation"


def test_clean_up_is_offered_as_commands() -> None:
    left = QaOutcome(
        code="QA_ERROR:TIMEOUT", message="", leftovers=("Namespace/raw-model-validation", "Secret/x")
    )
    assert clean_up_commands(left) == ("oc delete namespace raw-model-validation",)
    single = QaOutcome(code="QA_ERROR:TIMEOUT", message="", leftovers=("InferenceService/granite",))
    assert "oc delete inferenceservice granite -n standard-model-validation" in clean_up_commands(single)
    assert clean_up_commands(QaOutcome(code="QA_OK", message="")) == ()


@pytest.mark.parametrize(
    ("release", "given", "tag", "generation", "why"),
    [
        ("OpenShift AI Self-Managed 3.3.1", None, ":3.3", "G3", "the tag of the cluster's release"),
        ("OpenShift AI Cloud Service 2.24.0", None, ":2.24", "G1", "the tag of the cluster's release"),
        ("OpenShift AI Self-Managed 2.25.3", None, ":2.25", "", "the tag of the cluster's release"),
        ("OpenShift AI Self-Managed 3.4.0-ea.1", None, ":3.4ea1", "G2", "the tag of the cluster's release"),
        ("OpenShift AI Self-Managed 3.4.0-ea.9", None, ":3.4", "G3", "the tag of the cluster's release"),
        ("OpenShift AI Self-Managed 9.9.0", None, ":latest", "G3", "has no tag of its own"),
        ("Open Data Hub 3.3.0", None, ":latest", "G3", "has no tag of its own"),
        (None, None, ":latest", "G3", "is not known"),
        ("OpenShift AI Self-Managed 3.3.1", "mine:1", "mine:1", "", "--qa-image"),
        (None, "quay.io/opendatahub/opendatahub-tests:3.2", ":3.2", "G1", "--qa-image"),
    ],
)
def test_tag_follows_the_release_and_says_why(
    release: str | None, given: str | None, tag: str, generation: str, why: str
) -> None:
    chosen = suite_image(release, given)
    assert chosen.image.endswith(tag)
    assert chosen.generation == generation
    assert why in chosen.why
