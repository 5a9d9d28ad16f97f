"""The last question before a plan is answered: the result is looked at again, and a word is typed."""

from __future__ import annotations

import getpass

import msgspec

from modelcar_tui.manifest import Decision
from modelcar_tui.tui.face import Face
from modelcar_tui.tui.faces.writing import look_only, write_facts, write_warnings
from modelcar_tui.tui.own_keys import shown
from modelcar_tui.tui.port import EnginePort
from modelcar_tui.tui.review import Review
from modelcar_tui.tui.screens.confirm import ConfirmDialog
from modelcar_tui.tui.screens.previewing import PreviewingScreen
from modelcar_tui.verdict import ApplyPreview, DecisionReport


class AnsweringScreen(PreviewingScreen):
    """A screen that answers the plan, where the run waits for it."""

    def __init__(self, face: Face, report: DecisionReport, review: Review, port: EnginePort) -> None:
        super().__init__(face, review, port)
        self.report = report

    @property
    def only(self) -> str:
        """Why the plan is there to look at only; empty where it can be marked."""
        return look_only(self.face.state, self.review.digest, replay=self.face.replay)

    @property
    def open_question(self) -> bool:
        """Whether the run waits for the answer to this very plan."""
        state = self.face.state
        asked, report = state.approval, state.decision
        mine = asked is not None and asked.plan_digest == self.review.digest
        newest = report is not None and report.plan == self.review.plan
        return mine and newest and state.waiting_for_approval and not self.face.replay

    def action_write(self) -> None:
        """`W`: say what is wrong, else ask for the word."""
        if self.only or not self.open_question:
            self.tell(self.only or "the run does not wait for an answer to this plan")
        elif not self.review.counts.accepted:
            self.tell(
                f"nothing is accepted; {shown('space')} accepts a change, {shown('R')} rejects the whole plan"
            )
        else:
            self.tell("working out what would be written")
            self.look(self._ask_to_write)

    def _ask_to_write(self, found: ApplyPreview, decision: Decision, warning: str = "") -> None:
        if not self.is_mounted or self.app.screen is not self:
            return
        if decision != self.review.decision(write=True):
            self.close_ears()
            self.tell(f"the marks have changed meanwhile; {shown('W')} asks again")
            return
        self.preview = found
        if found.problems:
            self.close_ears()
            self.tell(f"can't be written: {found.problems[0]}")
            return
        facts = write_facts(self.report, self.review, found, self.face.clock(), self.face.glyphs)
        warnings = [*([warning] if warning else []), *write_warnings(self.review, found, self.face.glyphs)]
        dialog = ConfirmDialog(self.face, "write", "Write the accepted changes?", facts, warnings)
        self.app.push_screen(dialog, self._confirmed)

    def action_reject_all(self) -> None:
        """`R`."""
        if self.only or not self.open_question:
            self.tell(self.only or "the run does not wait for an answer to this plan")
            return
        facts = [
            ("file", f"{self.report.plan.target} is not written"),
            ("then", "the base manifest stays; exit status 5"),
        ]
        dialog = ConfirmDialog(self.face, "reject", "Reject the whole plan?", facts, [])
        self.app.push_screen(dialog, self._confirmed)

    def _confirmed(self, word: str | None) -> None:
        if word and not self.open_question:
            # While the word was typed another plan came, or the answer came from elsewhere.
            self.tell(self.only or "not sent: the run does not wait for an answer to this plan any more")
        elif word == "write":
            self.look(self._write_or_ask_again)
        elif word == "reject":
            self._answer(self.review.decision(write=False), "plan rejected")

    def _write_or_ask_again(self, found: ApplyPreview, decision: Decision) -> None:
        """The word counts for what was shown: another file by now is another question."""
        shown = self.preview.replaces if self.preview is not None else ()
        if [each.fingerprint for each in found.replaces] != [each.fingerprint for each in shown]:
            self._ask_to_write(found, decision, "what stands there has changed since you were asked")
        elif found.problems or decision != self.review.decision(write=True):
            self._ask_to_write(found, decision)
        else:
            replaces = tuple(each.fingerprint for each in shown)
            self._answer(msgspec.structs.replace(decision, replaces=replaces), str(self.review.counts))

    def _answer(self, decision: Decision, said: str) -> None:
        self._port.answer(msgspec.structs.replace(decision, who=getpass.getuser()))
        self.face.message = f"answer sent: {said}"
        self.face.word_at = self.monotonic()
        self.dismiss()
