"""Everything that happens is one of these. The journal stores them; every face folds them.

Importing this module loads no LangGraph, no Textual, no Kubernetes client: the screen needs it before its
first frame.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Literal, TypeAlias

import msgspec

from modelcar_tui.cluster.types import AcceleratorReport
from modelcar_tui.core.counting import several
from modelcar_tui.manifest import Decision, Manifest, Replaced
from modelcar_tui.qa import Effect, QaLogGrew, QaOutcome, QaProgressed, QaSaw, QaStarted
from modelcar_tui.trial import TrialEnd, TrialNews, TrialPlan
from modelcar_tui.verdict import DecisionReport, ModelRequirements, Verdict


class Status(StrEnum):
    """State of a step or a specialist."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    WARNING = "warning"
    """Finished; something is missing or doubtful, `detail` says what."""
    FAILED = "failed"
    SKIPPED = "skipped"


class StepPlan(msgspec.Struct, frozen=True):
    """One line of a specialist's checklist, before it is ticked."""

    id: str
    title: str


class PanePlan(msgspec.Struct, frozen=True):
    """A specialist as the screen needs it."""

    name: str
    title: str
    steps: tuple[StepPlan, ...]
    foreign: bool = False
    """Of another package, or given by an embedding program."""


How: TypeAlias = Literal["done", "failed", "refused"]
"""How a specialist or step has ended: to its own end, whatever it found; not; or the input can't be read and
the run ends."""


class Event(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind"):
    """Base of all events; the tag is the class name."""


class RunStarted(Event, tag=True, frozen=True, kw_only=True):
    run_id: str
    manifest: str
    panes: tuple[PanePlan, ...]
    version: str
    demo: bool = False
    folder: str = ""
    vllm: str = ""
    """The release that the operator stated; empty where none was."""


class RunResumed(Event, tag=True, frozen=True, kw_only=True):
    """The run goes on by its journal; what a step that was cut short has told may be told again."""


class SpecialistStarted(Event, tag=True, frozen=True, kw_only=True):
    specialist: str


class StepChanged(Event, tag=True, frozen=True, kw_only=True):
    specialist: str
    step: str
    status: Status
    detail: str = ""


class SpecialistFinished(Event, tag=True, frozen=True, kw_only=True):
    specialist: str
    status: Status
    summary: str
    """One line for the pane's foot."""
    lines: tuple[str, ...] = ()
    """The result, for the pane's body and the Markdown report."""
    metadata: dict[str, str | int | float | bool | None] = {}
    """Machine-readable, such as `gpu_available`, `gpu_provider`, `vllm_runtime_image`."""
    verdict: Verdict | None = None
    """What a specialist of another package makes of the run; None where it says nothing of it."""
    reason: str = ""
    ended: How | None = None
    """None in journals of earlier releases."""


class Reported(Event, tag=True, frozen=True, kw_only=True):
    """The report of a specialist that is not ours, for those that need it; ours tell theirs by events of
    their own."""

    specialist: str
    report: Any
    """As JSON has it."""


class ManifestRead(Event, tag=True, frozen=True, kw_only=True):
    manifest: Manifest


class ModelLearned(Event, tag=True, frozen=True, kw_only=True):
    """Facts of one model; a later event of the same name replaces an earlier one."""

    model: ModelRequirements


class ClusterRead(Event, tag=True, frozen=True, kw_only=True):
    """The accelerators so far; replaces what was known."""

    report: AcceleratorReport


class DecisionMade(Event, tag=True, frozen=True, kw_only=True):
    report: DecisionReport


class ApprovalRequested(Event, tag=True, frozen=True, kw_only=True):
    """The run waits for the operator."""

    request_id: str
    plan_digest: str


class ChangesMarked(Event, tag=True, frozen=True, kw_only=True):
    """The operator has marked changes of the plan; no answer yet, nothing is written for it.

    It holds all marks after the step, so that it says the same however often it is told.
    """

    plan_digest: str
    accepted: tuple[str, ...] = ()
    """Ids, the edited ones among them."""
    rejected: tuple[str, ...] = ()
    """Ids; what is named nowhere is undecided."""
    edited: dict[str, str] = {}
    """New items of accepted changes that the operator edited, by id."""
    undo: bool = False
    """The last step is taken back; nothing else is said then."""


class ApprovalGiven(Event, tag=True, frozen=True, kw_only=True):
    decision: Decision


class ManifestWritten(Event, tag=True, frozen=True, kw_only=True):
    path: str
    sha256: str
    changes: int
    replaced: tuple[Replaced, ...] = ()
    """Files that another hand or run had written there, with their copies."""
    lacking: str = ""
    """What was to be written beside it and could not be, and why."""


class ManifestKept(Event, tag=True, frozen=True, kw_only=True):
    """Nothing was written, and why."""

    why: str


class ConsentRequested(Event, tag=True, frozen=True, kw_only=True):
    """QA is ready and would change the cluster: the run waits for a key."""

    effects: tuple[Effect | str, ...]
    """What it would do, a row each; journals of older releases have plain lines."""


class ConsentGiven(Event, tag=True, frozen=True, kw_only=True):
    allowed: bool
    who: str = ""


class QaFinished(Event, tag=True, frozen=True, kw_only=True):
    outcome: QaOutcome


class Noticed(Event, tag=True, frozen=True, kw_only=True):
    """Something that the operator should see now."""

    text: str
    status: Status = Status.WARNING


class LanguageModelJoined(Event, tag=True, frozen=True, kw_only=True):
    """A language model will be asked; said once, before anything leaves the machine."""

    model: str
    """`gemini:gemini-3.8-flash`."""
    host: str
    """Where it is asked."""
    shares: tuple[str, ...]
    """What is sent there; nothing else is."""


class LanguageModelOffered(Event, tag=True, frozen=True, kw_only=True):
    """There is a key, and no word of the operator's on the host: nobody is asked, nothing has left."""

    model: str
    """As in `LanguageModelJoined`."""
    host: str
    """What consent is about: the host, with its port where that is not the usual one."""
    shares: tuple[str, ...]
    """What would be sent there."""
    note: str = ""
    """What is wrong with the way there, such as plain http."""


class LanguageModelAnswered(Event, tag=True, frozen=True, kw_only=True):
    """The operator's word on the host that was offered."""

    host: str
    allowed: bool
    who: str = ""


class LanguageModelUsed(Event, tag=True, frozen=True, kw_only=True):
    """What one more call has cost; the state holds the sums."""

    calls: int = 1
    """0 where there was no call, only a problem."""
    failed: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    seconds: float = 0.0
    problem: str = ""
    """Why the last call failed, or why there is no model."""


class ReadFirst(Event, tag=True, frozen=True, kw_only=True):
    """What a language model would have the operator read first: facts that it chose, in the program's words.

    It is told once, after the decision, and holds as long as nothing changes the decision."""

    lines: tuple[str, ...]
    facts: tuple[str, ...] = ()
    """Their ids."""


class QuestionAnswered(Event, tag=True, frozen=True, kw_only=True):
    """An answer to a question about the run; it changes nothing of the run."""

    id: str
    question: str
    text: str
    """Plain lines; empty when nothing could be answered."""
    facts: tuple[str, ...] = ()
    """Ids of the facts that it rests on."""
    by: str = "tools"
    """`model`, or `tools` where the answer is what the read-only functions gave."""
    why: str = ""
    """Why there is no answer of the model, where one was asked."""
    calls: int = 0
    """To the language model, for this answer; with what they cost."""
    tokens: int = 0
    seconds: float = 0.0

    @property
    def cost(self) -> str:
        """`2 calls, 94 tokens, 3.1 s`; empty where no model was asked."""
        if not self.calls:
            return ""
        return f"{several(self.calls, 'call')}, {several(self.tokens, 'token')}, {self.seconds:.1f} s"

    @property
    def credit(self) -> str:
        """Who chose the facts, with what it cost; empty where the rules did."""
        if self.by != "model":
            return ""
        if not self.calls:  # an answer that was chosen by ids says what it cost
            return "a language model's own words: a journal of an earlier release"
        return f"the language model chose the facts, the words are the program's; {self.cost}"


class TrialAsked(Event, tag=True, frozen=True, kw_only=True):
    """Somebody wants a model tried on a real GPU: what that would do is being worked out."""

    id: str
    model: str


class TrialPlanned(Event, tag=True, frozen=True, kw_only=True):
    """What the try would do: nothing is made before the operator's word."""

    plan: TrialPlan
    asked: str = ""
    """Id of the `TrialAsked` that it answers; from here on the try has the plan's."""


class TrialAllowed(Event, tag=True, frozen=True, kw_only=True):
    """The operator's word on a try."""

    id: str
    allowed: bool
    who: str = ""


class TrialMoved(Event, tag=True, frozen=True, kw_only=True):
    """How far a try has come."""

    news: TrialNews
    passing: bool = False
    """It says only how it stands now, at the stage that was told: shown, and not kept in the journal."""


class TrialEnded(Event, tag=True, frozen=True, kw_only=True):
    """How a try ended, also one that could not be prepared."""

    end: TrialEnd


class RunFinished(Event, tag=True, frozen=True, kw_only=True):
    exit_status: int
    verdict: Verdict
    summary: str
    seconds: float


AnyEvent = (
    RunStarted
    | RunResumed
    | SpecialistStarted
    | StepChanged
    | SpecialistFinished
    | Reported
    | ManifestRead
    | ModelLearned
    | ClusterRead
    | DecisionMade
    | ApprovalRequested
    | ChangesMarked
    | ApprovalGiven
    | ManifestWritten
    | ManifestKept
    | ConsentRequested
    | ConsentGiven
    | QaStarted
    | QaLogGrew
    | QaProgressed
    | QaSaw
    | QaFinished
    | Noticed
    | LanguageModelJoined
    | LanguageModelOffered
    | LanguageModelAnswered
    | LanguageModelUsed
    | ReadFirst
    | QuestionAnswered
    | TrialAsked
    | TrialPlanned
    | TrialAllowed
    | TrialMoved
    | TrialEnded
    | RunFinished
)


RETIRED = ("NarrationToken", "NarrationSettled", "RouteChosen")
"""Tags of events that journals of earlier releases may hold and that no state is folded of: passed over."""


class Stamped(msgspec.Struct, frozen=True):
    """An event with its place in the run; one JSON line of the journal."""

    seq: int
    at: float
    event: AnyEvent
