"""What QA does to the cluster, said before it starts; and what a broken run may have left there."""

from __future__ import annotations

from collections.abc import Sequence

from modelcar_tui.qa.tables import suite
from modelcar_tui.qa.types import QaOutcome


def effects(
    generation: str, *, models: Sequence[str], server: str = "", user: str = "", audio: bool = False
) -> tuple[str, ...]:
    """One line for each thing that the suite will do, most far-reaching first.

    Args:
        generation: `G1`, `G2` or `G3`; with anything else, what only some of them do is said with a "may".
        audio: An audio model is among the models.
    """
    table = suite().generations.get(generation) or suite().generations["G3"]
    who = f" as {user}" if user else ""
    where = f" on {server}" if server else ""
    lines = [f"The suite works{where}{who} with rights that amount to cluster-admin."]
    if generation in ("", "G1"):
        older = "" if generation else "If it is an older suite: "
        lines.append(
            f"{older}It may set KServe to Managed in the DataScienceCluster: a change for the whole cluster."
        )
    lines += [
        f"It creates namespace {table.namespace}, and deletes it again, once for each of {len(models)} "
        "models.",
        f"In it: ServingRuntime {table.runtime}, Secret oci-registry-pull-secret (your pull secret), one "
        f"InferenceService ({table.mode}) with 2 to 3 CPUs, 15 to 16 GiB of RAM and the model's GPUs.",
        "The GPUs are taken from other work while a model is tested; nothing else is stopped for it.",
        "It downloads oc from the cluster's console route.",
    ]
    if audio:
        lines.append(
            "For audio models the container downloads a sample from github.com: it needs the internet."
        )
    return tuple(lines)


def job_effects(namespace: str, parallel: int | None, generation: str) -> tuple[str, ...]:
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
        space = namespace_of(generation)
        lines.append(
            f"WARNING: the suite always works in namespace {space}: {parallel} models at a time on one "
            "cluster take it from each other and fail, unless the image was changed. --qa-parallel 1 is "
            "safe."
        )
    return tuple(lines)


def namespace_of(generation: str) -> str:
    """The namespace that a generation works in."""
    return (suite().generations.get(generation) or suite().generations["G3"]).namespace


def clean_up_commands(outcome: QaOutcome) -> tuple[str, ...]:
    """Commands that remove what the log says was created and not deleted; to be offered, never run unasked.

    Deleting the namespace deletes what is in it, so single objects are named only where no namespace was
    left.
    """
    named = [item.partition("/") for item in outcome.leftovers]
    spaces = [name for kind, _, name in named if kind == "Namespace"]
    if spaces:
        return tuple(f"oc delete namespace {name}" for name in spaces)
    known = {generation.namespace for generation in suite().generations.values()}
    return tuple(
        f"oc delete {kind.lower()} {name} -n {space}" for kind, _, name in named for space in sorted(known)
    )
