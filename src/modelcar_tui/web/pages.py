"""The pages as HTML, from our own templates; every value is escaped."""

from __future__ import annotations

import time
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelcar_tui.core.counting import several
from modelcar_tui.core.exit_codes import ExitStatus
from modelcar_tui.core.text import clean
from modelcar_tui.verdict import Verdict
from modelcar_tui.web.offer import Offer, in_size
from modelcar_tui.web.sessions import Run, Session

_CUT_OFF = (ExitStatus.TIMED_OUT, ExitStatus.INTERNAL, ExitStatus.LIMIT, ExitStatus.OUTPUT)
"""Ends after which a run can go on; so it can after any signal."""

if TYPE_CHECKING:
    from jinja2 import Environment

_WORDS: dict[int, str] = {
    ExitStatus.GO: f"{Verdict.GO}, finished",
    ExitStatus.NO_GO: str(Verdict.NO_GO),
    ExitStatus.USAGE: "the manifest or an option is wrong",
    ExitStatus.CLUSTER: "no cluster, or no login",
    ExitStatus.QA_FAILED: "QA failed",
    ExitStatus.REJECTED: "the changes were rejected",
    ExitStatus.TIMED_OUT: "timed out",
    ExitStatus.INTERNAL: "a fault of ours",
    ExitStatus.UNKNOWN: str(Verdict.UNKNOWN),
    ExitStatus.HANGUP: "hung up",
    ExitStatus.INTERRUPTED: "interrupted",
    ExitStatus.TERMINATED: "ended by a signal",
}


def first_page(session: Session, offer: Offer, home: str) -> str:
    """The form, and the session's runs; `home` is the path below which the pages are."""
    runs = [_row(run) for run in reversed(session.runs.values())]
    most, size = several(offer.most_runs, "run"), in_size(offer.most_manifest)
    return _page("first.html", home=home, session=session, offer=offer, runs=runs, most=most, size=size)


def run_page(run: Run, host: str, nonce: str, home: str) -> str:
    """The terminal of a run that is open."""
    return _page("run.html", home=home, run=_row(run), host=host, nonce=nonce)


def files_page(run: Run, session: Session, results: dict[str, str], name: str, home: str) -> str:
    """What has become of a run so far, and what it has made.

    Args:
        run: open or ended.
        session: whose it is.
        results: see `results.results`.
        name: of the run's own folder; empty where it has none.
        home: the path below which the pages are.
    """
    return _page("files.html", home=home, run=_row(run), session=session, results=results, name=name)


def message_page(line: str, home: str) -> str:
    """One line, and the way back; none where `home` is empty."""
    return _page("message.html", home=home, line=clean(line, limit=500))


def _row(run: Run) -> dict[str, Any]:
    status = run.terminal.status
    return {
        "number": run.number,
        "title": clean(run.title, limit=200),
        "demo": run.demo,
        "began": time.strftime("%H:%M:%S UTC", time.gmtime(run.began)),
        "open": status is None,
        "status": status,
        "resumable": status in _CUT_OFF or (status or 0) > 128,
        "word": "open" if status is None else _WORDS.get(status, f"status {status}"),
    }


def _page(template: str, **values: Any) -> str:
    return _environment().get_template(template).render(**values)


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    loader = FileSystemLoader(Path(__file__).parent / "templates")
    return Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
