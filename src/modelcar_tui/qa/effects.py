"""What QA does to the cluster, said before it starts; and what a broken run may have left there."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from modelcar_tui.qa.suite_facts import SuiteFacts, suite_namespaces
from modelcar_tui.qa.suite_probe import Probe
from modelcar_tui.qa.types import QaOutcome

NOT_TESTED = "this suite does not read the models' serving arguments and gives each model one GPU"
ANY_ANSWER = "this suite takes any text for a right answer"
NOT_ASKED = "the image could not be asked which suite it holds; taken for its tag's, or else for the newest"
UNKNOWN = "Which suite this image holds is known once it was asked: what follows names all that it may be."
_PLACES = {"home": "its home", "cwd": "its working folder", "tmp": "/tmp"}  # noqa: S108 - the container's


def cluster_effects(
    facts: SuiteFacts | None, *, models: Sequence[str], server: str = "", user: str = "", audio: bool = False
) -> tuple[str, ...]:
    """One line for each thing that the suite will do, most far-reaching first.

    Args:
        facts: What its image is known to hold; with None, what only some images do is said with a "may".
        audio: An audio model is among the models.
    """
    who = f" as {user}" if user else ""
    where = f" on {server}" if server else ""
    lines = [f"The suite works{where}{who} with rights that amount to cluster-admin."]
    lines += [UNKNOWN] if facts is None else []
    if facts is None or facts.sets_kserve:
        lines.append(
            "It may set KServe to Managed in the DataScienceCluster: a change for the whole cluster."
        )
    lines += [*_creates(facts, len(models)), "It downloads oc from the cluster's console route."]
    if facts is not None and not facts.reads_arguments:
        lines.append(f"WARNING: {NOT_TESTED}: its result says nothing of the arguments that you approve.")
    if facts is not None and not facts.checks_answers:
        lines.append(
            f"WARNING: {ANY_ANSWER}: its result says that a model answers, not that it answers well."
        )
    return (*lines, *(_audio(facts) if audio else ()))


def _creates(facts: SuiteFacts | None, models: int) -> list[str]:
    names = suite_namespaces(facts)
    tested = f"{models} models" if models != 1 else "1 model"
    if facts is None:
        made = f"It creates namespace {_listed(names, 'or')} for {tested}, and deletes it again."
        inside = "In it: a ServingRuntime, a Secret with your pull secret, an InferenceService for each model"
    else:
        many, it = ("s", "them") if len(names) > 1 else ("", "it")
        made = f"It creates namespace{many} {_listed(names, 'and')} for {tested}, and deletes {it} again."
        runtimes, modes = _listed(facts.runtimes, "and"), _listed(facts.modes, "and")
        inside = f"In {it}: ServingRuntime {runtimes}, Secret {facts.pull_secret} (your pull secret), an "
        inside += f"InferenceService for each model ({modes})"
    return [
        made,
        f"{inside} with 2 to 3 CPUs, 15 to 16 GiB of RAM and the model's GPUs.",
        "The GPUs are taken from other work while a model is tested; nothing else is stopped for it.",
    ]


def _audio(facts: SuiteFacts | None) -> list[str]:
    if facts is not None and not facts.reads_output_type:
        return ["This suite knows no audio models: it asks them for text."]
    if facts is None or "audio" in facts.downloads:
        return ["For audio models the container downloads a sample from github.com: it needs the internet."]
    return []


def job_engine_effects(namespace: str, parallel: int | None, facts: SuiteFacts | None) -> tuple[str, ...]:
    """What the Kubernetes engine adds to it.

    Args:
        parallel: Models at a time, of an indexed Job.
    """
    what = f"a Job with one index a model, {parallel} at a time," if parallel else "a Job"
    lines = [
        f"It runs as {what} in namespace {namespace}; meanwhile your kubeconfig and pull secret lie there "
        "in a Secret, for everybody who may read Secrets in that namespace."
    ]
    if parallel and parallel > 1:
        space = _listed(suite_namespaces(facts), "or")
        lines.append(
            f"WARNING: the suite always works in namespace {space}: {parallel} models at "
            "a time on one cluster take it from each other and fail, unless the image was changed. "
            "--qa-parallel 1 is safe."
        )
    return tuple(lines)


def cautions(probe: Probe, told: Sequence[str]) -> tuple[str, ...]:
    """What to warn of once the image was asked.

    Args:
        told: The namespaces that the question before the start named; none where nobody was asked.
    """
    facts = probe.facts
    more = [name for name in facts.namespaces if name not in told] if told else []
    lines = [] if probe.probed else [NOT_ASKED]
    if more:
        lines.append(f"the image works in namespace {_listed(more, 'and')} too, which its tag did not tell")
    lines += [] if facts.reads_arguments else [NOT_TESTED]
    shut = [place for name, place in _PLACES.items() if probe.probed and name not in probe.writable]
    lines += [f"the suite's user can't write to {_listed(shut, 'and')}: it may crash"] if shut else []
    return tuple(lines)


def of_suite(outcome: QaOutcome, facts: SuiteFacts | None) -> QaOutcome:
    """The outcome with what it can't say of a suite like this, and the namespaces where that suite works."""
    if facts is None:
        return outcome
    said = outcome.message
    if not facts.reads_arguments and outcome.counts is not None:
        said = f"{said}; {NOT_TESTED}: this says nothing of the approved arguments"
    if not facts.checks_answers and outcome.ok:
        said = f"{said}; {ANY_ANSWER}"
    return msgspec.structs.replace(outcome, message=said, namespaces=facts.namespaces)


def clean_up_commands(outcome: QaOutcome) -> tuple[str, ...]:
    """Commands that remove what the log says was created and not deleted; to be offered, never run unasked.

    Deleting the namespace deletes what is in it, so single objects are named only where no namespace was
    left.
    """
    named = [item.partition("/") for item in outcome.leftovers]
    left = [name for kind, _, name in named if kind == "Namespace"]
    if left:
        return tuple(f"oc delete namespace {name}" for name in left)
    known = outcome.namespaces or suite_namespaces(None)
    return tuple(
        f"oc delete {kind.lower()} {name} -n {space}" for kind, _, name in named for space in sorted(known)
    )


def _listed(names: Sequence[str], word: str) -> str:
    *most, last = names or ("",)
    return f"{', '.join(most)} {word} {last}" if most else last
