"""What the cluster says of a model, on stderr of a run without a screen."""

from __future__ import annotations

import msgspec
import pytest

from modelcar_tui.commands.run import _Talk
from modelcar_tui.qa.seen import Seen
from modelcar_tui.supervisor import events as e

BUSY = Seen(model="granite", object="granite", text="no node takes its pod: 0/3", at=1.0)
FULL = msgspec.structs.replace(BUSY, model="llama", text="exceeded quota: gpu", mends_itself=False)


def test_each_line_is_said_once_and_what_will_not_mend_itself_is_said_to_be_so(
    capsys: pytest.CaptureFixture[str],
) -> None:
    talk = _Talk("text")
    for seen in ((BUSY,), (BUSY, FULL), (), (BUSY,)):
        talk.tell(e.Stamped(1, 1.0, e.QaSaw(seen=seen)))
    assert capsys.readouterr().err.splitlines() == [
        "[cluster] granite: no node takes its pod: 0/3",
        "[cluster] llama: exceeded quota: gpu; it will not mend itself: Ctrl-C stops QA",
    ]
