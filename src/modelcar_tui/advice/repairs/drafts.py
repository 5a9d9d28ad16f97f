"""Collecting the changes of one model: one change an argument, ids that stay the same."""

from __future__ import annotations

import msgspec

from modelcar_tui.core.facts import Term
from modelcar_tui.core.text import clean
from modelcar_tui.manifest import Change, ModelCar, Operation, flag_of
from modelcar_tui.vllm.arguments import Argument, may_hold_anything, parse_arguments

REQUIRED, IMPROVEMENT, WARNING = "required", "improvement", "warning"
GPU_COUNT = "gpu_count"
_ANY_GPU = "GPUs"
"""What the GPU count is called where a manifest has no word for it: a command line."""


class Drafts:
    """The proposed changes of one model, in the order of its arguments."""

    def __init__(self, car: ModelCar) -> None:
        self.car = car
        self._changes: list[Change] = []
        self._touched: set[int] = set()
        self._added: set[str] = set()
        self._for_suite: set[str] = set()
        self._refused: set[int] = set()
        arguments = parse_arguments(car.serving.args, None)
        self._from_outside = {item.name for item in arguments if item.unknown}
        self._anything_more = may_hold_anything(arguments)

    def touched(self, argument: Argument) -> bool:
        """Whether an argument has its change already."""
        return argument.index in self._touched

    def refuse(self, argument: Argument) -> None:
        """Mark an argument that vLLM's parser refuses as it is written: any change of it is required."""
        self._refused.add(argument.index)

    def is_refused(self, argument: Argument) -> bool:
        """Whether an argument is marked so."""
        return argument.index in self._refused

    def set(
        self,
        argument: Argument,
        new: str,
        reason: str,
        severity: str = IMPROVEMENT,
        *,
        evidence: tuple[Term, ...] = (),
    ) -> str:
        """Give an argument another text; returns the change's id.

        Empty when it has a change already, or its value is not known here: what Kubernetes puts in stays.
        """
        return self._on(argument, Operation.SET, new, reason, severity, evidence)

    def remove(
        self, argument: Argument, reason: str, severity: str = IMPROVEMENT, *, for_suite: bool = False
    ) -> str:
        """Take an argument away, with its value; `for_suite` where the server would start with it."""
        made = self._on(argument, Operation.REMOVE, None, reason, severity, ())
        if for_suite:
            self._for_suite.add(made)
        return made

    def add(
        self,
        item: str,
        reason: str,
        severity: str = IMPROVEMENT,
        *,
        evidence: tuple[Term, ...] = (),
        for_suite: bool = False,
    ) -> str:
        """Add an argument at the end; nothing when the flag was added before, or has a value that is not
        known here."""
        flag = item.partition("=")[0]
        covers = self._anything_more and severity != REQUIRED
        there = flag in self._added or flag in self._from_outside or self.text_of(flag) is not None
        if there or covers:
            return ""
        self._added.add(flag)
        made = self._keep(Operation.ADD, flag, None, item, reason, severity, evidence)
        if for_suite:
            self._for_suite.add(made)
        return made

    def gpus(
        self,
        count: int,
        reason: str,
        severity: str = REQUIRED,
        *,
        evidence: tuple[Term, ...] = (),
        for_suite: bool = False,
    ) -> str:
        """Give the model another number of GPUs."""
        old = str(self.car.serving.gpu_count)
        made = self._keep(Operation.GPU_COUNT, GPU_COUNT, old, str(count), reason, severity, evidence)
        if for_suite:
            self._for_suite.add(made)
        return made

    def couple(self, *ids: str) -> None:
        """Say that these changes, with those they are bound to, make a valid command line only together."""
        group = {identifier for identifier in ids if identifier}
        group.update(*(change.together_with for change in self._changes if change.id in group))
        if len(group) < 2:
            return
        self._changes = [
            msgspec.structs.replace(
                change, together_with=tuple(sorted({*change.together_with, *group} - {change.id}))
            )
            if change.id in group
            else change
            for change in self._changes
        ]

    def revise(self, flag: str, new: str | None, reason: str) -> bool:
        """Let the last change that writes `flag` write something else, or take the argument away (None).

        For what is wrong with an argument once it is mended. Returns whether there was such a change.
        """
        writing = [
            at
            for at, change in enumerate(self._changes)
            if change.operation is Operation.SET and flag_of(change.new or "") == flag
        ]
        if not writing or self._changes[writing[-1]].new == new:
            return False
        before = self._changes[writing[-1]]
        self._changes[writing[-1]] = msgspec.structs.replace(
            before,
            operation=Operation.REMOVE if new is None else Operation.SET,
            new=new,
            reason=clean(f"{before.reason}; then {reason}", limit=500),
            severity=REQUIRED,
        )
        return True

    def settles(self, flag: str) -> bool:
        """Whether a flag gets a value, or `gpu_count` another number."""
        written = any(
            change.flag == flag for change in self._changes if change.operation is not Operation.REMOVE
        )
        return written or self.text_of(flag) is not None

    def text_of(self, flag: str) -> str | None:
        """What an argument that is there is changed into, where that is `flag`, whatever it was."""
        made = [change.new for change in self._changes if change.operation is Operation.SET and change.new]
        return next((new for new in reversed(made) if flag_of(new) == flag), None)

    @property
    def gpu_count(self) -> int:
        """The GPU count as it will be."""
        counts = [change.new for change in self._changes if change.flag == GPU_COUNT]
        return int(counts[-1] or 1) if counts else self.car.serving.gpu_count

    def ids(self, flag: str) -> list[str]:
        """The changes of one flag, or of `gpu_count`."""
        return [change.id for change in self._changes if change.flag == flag]

    def all(self) -> tuple[Change, ...]:
        """The changes as they are now."""
        return tuple(self._changes)

    def stopping(self) -> tuple[Change, ...]:
        """The changes without which the server itself would not start."""
        return tuple(
            change
            for change in self._changes
            if change.severity == REQUIRED and change.id not in self._for_suite
        )

    def _on(
        self,
        argument: Argument,
        operation: Operation,
        new: str | None,
        reason: str,
        severity: str,
        evidence: tuple[Term, ...],
    ) -> str:
        if self.touched(argument) or argument.unknown:
            return ""
        self._touched.add(argument.index)
        severity = REQUIRED if self.is_refused(argument) else severity
        items = self.car.serving.args[argument.index : argument.index + argument.items]
        # A change is found by its flag where its text may not be told: plans are journalled and shown.
        old = None if argument.secret else " ".join(items)
        return self._keep(operation, argument.name, old, new, reason, severity, evidence)

    def _keep(
        self,
        operation: Operation,
        flag: str,
        old: str | None,
        new: str | None,
        reason: str,
        severity: str,
        evidence: tuple[Term, ...],
    ) -> str:
        flag = clean(flag, limit=120)
        base = f"{self.car.name}/{flag}"
        same = sum(change.flag == flag for change in self._changes)
        identifier = base if not same else f"{base}#{same + 1}"
        counts: str | msgspec.UnsetType = msgspec.UNSET
        if self.car.server is not None:
            reason = reason.replace(GPU_COUNT, self._counted)
            counts = self._counted if operation is Operation.GPU_COUNT else counts
        self._changes.append(
            Change(
                id=identifier,
                model=self.car.name,
                operation=operation,
                flag=flag,
                old=old,
                new=new,
                reason=clean(reason, limit=500),
                severity=severity,
                evidence=evidence,
                counts=counts,
            )
        )
        return identifier

    @property
    def _counted(self) -> str:
        """What the file calls the GPU count."""
        return (self.car.server.resource if self.car.server is not None else "") or _ANY_GPU
