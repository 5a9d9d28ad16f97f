"""A plan: the changes that we propose to one manifest, tied to its exact bytes."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from modelcar_tui.core.decode import decode
from modelcar_tui.core.facts import Term


class Operation(StrEnum):
    """What a change does to one argument."""

    SET = "set"
    """The flag gets another value."""
    ADD = "add"
    REMOVE = "remove"
    GPU_COUNT = "gpu_count"
    """`serving_arguments.gpu_count` gets another value."""


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One change of one model's serving arguments: what the operator accepts or rejects."""

    id: str
    """Stable within the plan, such as `granite-3.1-8b-instruct/--max-model-len`."""
    model: str
    operation: Operation
    flag: str
    """`--max-model-len`, or `gpu_count`."""
    old: str | None = None
    """As in the manifest (`--max-model-len=131072`); None for ADD."""
    new: str | None = None
    """The whole new item (`--max-model-len=32768`); None for REMOVE."""
    reason: str
    """One sentence with its numbers."""
    severity: str = "improvement"
    """`required` (it does not run without), `improvement` or `warning`."""
    evidence: tuple[Term, ...] = ()
    together_with: tuple[str, ...] = ()
    """Ids of the changes without which this one makes no valid command line."""
    origin: str = "rules"
    """`rules`, or `model` for a language model's suggestion that the validators let through."""
    counts: str | msgspec.UnsetType = msgspec.UNSET
    """What a Kubernetes manifest calls the GPU count, such as `nvidia.com/gpu`; only for GPU_COUNT, and not
    of a model-car."""

    @property
    def called(self) -> str:
        """The flag by the name that the file has for it: `gpu_count` of a model-car is `nvidia.com/gpu`
        elsewhere."""
        if self.operation is not Operation.GPU_COUNT:
            return self.flag
        return self.counts or Operation.GPU_COUNT.value

    @property
    def count_name(self) -> str:
        """That name and a blank where a GPU count changes, which is a number alone; else nothing."""
        return f"{self.called} " if self.operation is Operation.GPU_COUNT else ""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """All proposed changes of a manifest. Applying any subset of them is a pure function of the base's
    bytes."""

    base: str
    """Path of the base manifest."""
    base_sha256: str
    target: str
    """Path of the generated manifest: `X.generated.yaml` beside `X.base.yaml`."""
    changes: tuple[Change, ...] = ()

    @property
    def digest(self) -> str:
        """A short hash of what is shown; an answer to another plan is refused."""
        import hashlib

        # A whole number given for a float is written as `5` here and as `5.0` after a round trip: level them.
        level = decode(msgspec.json.encode(self), Plan)
        return hashlib.sha256(msgspec.json.encode(level)).hexdigest()[:16]


class Hunk(msgspec.Struct, frozen=True, kw_only=True):
    """A run of changed lines in the text diff, and the changes that cause it."""

    header: str
    """`@@ -12,7 +12,6 @@`; behind it the object of a Kubernetes manifest that the change is in."""
    lines: tuple[str, ...]
    """Each with its mark: blank, `-` or `+`."""
    changes: tuple[str, ...] = ()


ANYTHING = "anything"
"""In `Decision.replaces`: whatever stands there, unseen (`--force`)."""


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """The operator's answer to a plan."""

    plan_digest: str
    accepted: tuple[str, ...] = ()
    """Ids of the accepted changes; what is not named is rejected."""
    edited: dict[str, str] = {}
    """New items of accepted changes that the operator edited, by id."""
    write: bool = False
    """False rejects the whole plan: nothing is written."""
    who: str = ""
    replaces: tuple[str, ...] | None = None
    """Fingerprints of the files that may be replaced, as they were shown; None where nobody was asked."""
