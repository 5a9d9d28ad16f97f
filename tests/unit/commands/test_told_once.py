"""What a run without a screen says on standard error: a notice once, and where a resumed run goes on."""

from __future__ import annotations

import pytest

from modelcar_tui.commands.run import _Talk
from modelcar_tui.supervisor import events as e


def test_a_notice_that_is_repeated_is_told_once(capsys: pytest.CaptureFixture[str]) -> None:
    talk = _Talk("text")
    worse = e.Noticed(text="x", status=e.Status.FAILED)
    for number, event in enumerate([e.Noticed(text="x"), e.RunResumed(), e.Noticed(text="x"), worse, worse]):
        talk.tell(e.Stamped(number, 1.0, event))
    said = capsys.readouterr().err.splitlines()
    assert said == ["note: x", "the run goes on here: what stands above was told before", "note: x"]
