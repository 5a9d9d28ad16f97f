"""What a review would do, worked out beside the screen: the engine may take seconds for a hundred models."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual.worker import get_current_worker

from modelcar_tui.core.errors import Problem
from modelcar_tui.manifest import Decision
from modelcar_tui.tui.face import Face
from modelcar_tui.tui.port import EnginePort
from modelcar_tui.tui.review import Review
from modelcar_tui.tui.screens.base import FaceScreen
from modelcar_tui.verdict import ApplyPreview

LOOK_S = 5.0
"""Longest time without ears while the disk is looked at; a share that hangs must not lock the screen."""


class PreviewingScreen(FaceScreen):
    """A screen over a review whose result, and that of what is under the cursor, are asked of the engine."""

    deaf_s: ClassVar[float] = 0.5

    def __init__(self, face: Face, review: Review, port: EnginePort) -> None:
        super().__init__(face)
        self._port = port
        self.review = review
        self.preview: ApplyPreview | None = None
        """For exactly the present marks; None while it is being worked out."""
        self.tried: ApplyPreview | None = None
        """As if what is under the cursor were accepted too; None while it is not known."""
        self._trying: Decision | None = None

    def candidate(self) -> Review:
        """The review as if what is under the cursor were accepted too."""
        return self.review

    def work_out(self) -> None:
        """Ask what the present marks come to, and what those of the cursor would."""
        self.preview = None
        decision = self.review.decision(write=True)
        show = self._show_preview
        self.run_worker(lambda: self._preview(decision, show), thread=True, exclusive=True, group="preview")
        self.work_out_tried()

    def _preview(self, decision: Decision, show: Callable[[ApplyPreview, Decision], None]) -> None:
        worker = get_current_worker()
        try:
            found = self._port.preview(decision)
        except Exception as error:  # noqa: BLE001 - a fault there must not end the review
            found = ApplyPreview(
                problems=(Problem(what=f"the result can't be worked out ({type(error).__name__})"),)
            )
        if not worker.is_cancelled:
            self.app.call_from_thread(show, found, decision)

    def _show_preview(self, found: ApplyPreview, decision: Decision) -> None:
        if decision == self.review.decision(write=True) and self.is_mounted:
            self.preview = found
            self.refresh_state()

    def work_out_tried(self) -> None:
        """Work out what the changes under the cursor would do; one at a time, the newest wins."""
        self.tried = None
        if self._trying is None:
            self._trying = decision = self.candidate().decision(write=True)
            self.run_worker(lambda: self._preview(decision, self._show_tried), thread=True, group="trying")

    def _show_tried(self, found: ApplyPreview, decision: Decision) -> None:
        self._trying = None
        if not self.is_mounted:
            return
        if decision != self.candidate().decision(write=True):
            self.work_out_tried()
            return
        self.tried = found
        self.refresh_state()

    def look(self, then: Callable[[ApplyPreview, Decision], None]) -> None:
        """Look again at what stands where it would be written: the result may be minutes old."""
        self.hears_from = self.monotonic() + LOOK_S  # the keys to come are meant for the question
        decision = self.review.decision(write=True)
        self.run_worker(lambda: self._preview(decision, then), thread=True, exclusive=True, group="looking")
