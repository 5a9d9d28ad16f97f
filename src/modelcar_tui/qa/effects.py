"""What QA does to the cluster, said before it starts; and what a broken run may have left there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from modelcar_tui.qa.budget import SUITE_READY_S, SlowPull
from modelcar_tui.qa.effect import Effect, fails, tells, warns
from modelcar_tui.qa.suite_facts import SuiteFacts, suite_namespaces
from modelcar_tui.qa.suite_probe import Probe
from modelcar_tui.qa.types import QaOutcome

NOT_TESTED = "this suite does not read the models' serving arguments and gives each model one GPU"
ANY_ANSWER = "this suite takes any text for a right answer"
NOT_ASKED = "the image could not be asked which suite it holds; taken for its tag's, or else for the newest"
UNKNOWN = "which one this image holds is known once it was asked: all that it may do is named"
MOST_NAMED = 3
"""Models that one row names."""
_PLACES = {"home": "its home", "cwd": "its working folder", "tmp": "/tmp"}  # noqa: S108 - the container's


def cluster_effects(
    facts: SuiteFacts | None,
    *,
    models: Sequence[str],
    server: str = "",
    user: str = "",
    audio: bool = False,
    gpus: Sequence[int] = (),
) -> tuple[Effect, ...]:
    """A row for each thing that the suite will do.

    Args:
        facts: What its image is known to hold; with None, what only some images do is said with a "may".
        audio: An audio model is among the models.
        gpus: How many each model is given; empty where that is not known.
    """
    who = f" as {user}" if user else ""
    where = f" on {server}" if server else ""
    rows = [warns("rights", f"amounts to cluster-admin{where}{who}")]
    if facts is None:
        rows.append(warns("suite", UNKNOWN))
    if facts is None or facts.sets_kserve:
        rows.append(warns("changes", "may set KServe to Managed in the DataScienceCluster, for everybody"))
    rows.append(_takes(facts, gpus))
    if facts is not None and not facts.reads_arguments:
        rows.append(warns("result", f"{NOT_TESTED}: it says nothing of the arguments that you approve"))
    if facts is not None and not facts.checks_answers:
        rows.append(warns("result", f"{ANY_ANSWER}: it says that a model answers, not that it answers well"))
    return (*rows, *_creates(facts, len(models)), *_network(facts, audio=audio))


def _takes(facts: SuiteFacts | None, gpus: Sequence[int]) -> Effect:
    each = gpus if facts is None or facts.reads_arguments else [1 for _ in gpus]
    low, high = (min(each), max(each)) if each else (0, 0)
    many = f"{low} to {high}" if low != high else f"{high}"
    what = f"{many} GPU{'s' * (high != 1)}" if each else "the model's GPUs"
    return warns("takes", f"{what} at a time from other work, 2-3 CPUs, 15-16 GiB RAM")


def _creates(facts: SuiteFacts | None, models: int) -> list[Effect]:
    names = suite_namespaces(facts)
    each = f"an InferenceService for each of {models} models" if models != 1 else "an InferenceService"
    if facts is None:
        made = f"namespace {_listed(names, 'or')}; deleted again"
        inside = f"in it: a ServingRuntime, a Secret (your pull secret), {each}"
    else:
        many, it = ("s", "them") if len(names) > 1 else ("", "it")
        made = f"namespace{many} {_listed(names, 'and')}; deleted again"
        runtimes, modes = _listed(facts.runtimes, "and"), _listed(facts.modes, "and")
        inside = f"in {it}: ServingRuntime {runtimes}, Secret {facts.pull_secret} (your pull secret), "
        inside += f"{each} ({modes})"
    return [tells("creates", f"{made}; {inside}")]


def _network(facts: SuiteFacts | None, *, audio: bool) -> list[Effect]:
    sample = audio and (facts is None or (facts.reads_output_type and "audio" in facts.downloads))
    from_where = "oc from the cluster's console route" + ("; audio sample from github.com" * sample)
    rows = [tells("network", from_where)]
    if audio and facts is not None and not facts.reads_output_type:
        rows.insert(0, warns("audio", "this suite knows no audio models: it asks them for text"))
    return rows


def job_engine_effects(namespace: str, parallel: int | None, facts: SuiteFacts | None) -> tuple[Effect, ...]:
    """What the Kubernetes engine adds to it.

    Args:
        parallel: Models at a time, of an indexed Job.
    """
    what = f"a Job with one index a model, {parallel} at a time," if parallel else "a Job"
    rows = [
        warns(
            "secret",
            f"your kubeconfig and pull secret lie in a Secret of namespace {namespace} while it runs: "
            "who may read Secrets there has them",
        ),
        tells("runs", f"as {what} in namespace {namespace}".rstrip(",")),
    ]
    if parallel and parallel > 1:
        space = _listed(suite_namespaces(facts), "or")
        why = f"{parallel} models at a time take namespace {space} from each other, unless the image "
        why += "was changed"
        rows.append(fails(why, "--qa-parallel 1 is safe"))
    return tuple(rows)


def pull_effects(
    slow: Sequence[SlowPull], images: Mapping[str, str], nodes: Mapping[str, str]
) -> tuple[Effect, ...]:
    """The models whose image must lie on the node beforehand, in one row.

    Args:
        images: Of the models, by name.
        nodes: A node that each may run on, by the model's name; those of which none is known are missing.
    """
    if not slow:
        return ()
    minutes = sorted(round(one.seconds / 60) for one in slow)
    span = f"{minutes[0]}" if minutes[0] == minutes[-1] else f"{minutes[0]} to {minutes[-1]}"
    first, each = slow[0].model, "it" if len(slow) == 1 else "each"
    pull = f"crictl pull {images.get(first, 'IMAGE')}"
    text = f"{named([one.model for one in slow])}: a cold pull takes about {span} min, the suite waits"
    way_out = f"pull {each} first: oc debug node/{nodes.get(first, 'NODE')} -- chroot /host {pull}"
    return (fails(f"{text} {SUITE_READY_S / 60:.0f}", way_out),)


def time_effect(likely: float | None, most: float) -> Effect:
    """How long it lasts.

    Args:
        likely: Seconds; None where that is not known.
        most: Seconds, after which it is stopped.
    """
    first = f"{duration(likely)} likely, " if likely is not None and likely < most else ""
    return tells("lasts", f"{first}{duration(most)} at most")


def duration(seconds: float) -> str:
    """`35 min`, `4 h 46`."""
    minutes = max(1, round(seconds / 60))
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d}"


def named(names: Sequence[str]) -> str:
    """The first names, and how many more there are."""
    more = len(names) - MOST_NAMED
    return ", ".join(names[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


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
