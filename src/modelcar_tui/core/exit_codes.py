"""The exit statuses of `modelcar-tui` and `agent`, and which one stands where several compete."""

from __future__ import annotations

from enum import IntEnum


class ExitStatus(IntEnum):
    """What the shell sees; `docs/operating.md` carries the same table."""

    GO = 0
    """The verdict is GO, everything that was asked for has finished and was delivered."""
    NO_GO = 1
    """At least one model can't be served as the manifest says."""
    USAGE = 2
    """A bad command line or a bad manifest, or a file or disk that the operator has to mend."""
    CLUSTER = 3
    """The cluster was needed and could not be reached, or refused us."""
    QA_FAILED = 4
    """The opendatahub-tests container ran and did not pass."""
    REJECTED = 5
    """The operator rejected the proposed changes."""
    TIMED_OUT = 6
    """A limit on the whole run, or on QA, was reached."""
    INTERNAL = 7
    """A fault of ours; the report names the file with the details."""
    UNKNOWN = 8
    """No verdict: something that decides it is not known."""
    OUTPUT = 9
    """Standard output could not be written (a full disk, a broken device): not all was delivered."""
    LIMIT = 10
    """A limit of the process (`ulimit`) or the machine's memory stopped it."""
    HANGUP = 129
    """The terminal went away (SIGHUP); the run can be resumed."""
    INTERRUPTED = 130
    """Ctrl-C (SIGINT)."""
    QUIT = 131
    """SIGQUIT."""
    READER_GONE = 141
    """Whoever read standard output went away (`| head`) before all was delivered."""
    TERMINATED = 143
    """SIGTERM."""


SIGNALLED = (ExitStatus.TERMINATED, ExitStatus.QUIT, ExitStatus.INTERRUPTED, ExitStatus.HANGUP)
"""Ended by a signal: 128 and its number."""
WORST_FIRST = (
    ExitStatus.INTERNAL,  # nothing else that is told can be relied on
    *SIGNALLED,  # the end was asked for; a broken pipe beside it comes of the same Ctrl-C
    ExitStatus.READER_GONE,
    ExitStatus.OUTPUT,
    ExitStatus.LIMIT,
    ExitStatus.USAGE,
    ExitStatus.TIMED_OUT,
    ExitStatus.QA_FAILED,
    ExitStatus.REJECTED,
    ExitStatus.NO_GO,
    ExitStatus.CLUSTER,
    ExitStatus.UNKNOWN,
    ExitStatus.GO,
)
"""Why there is no whole answer, then the answers: what was measured or chosen before what was computed."""


def worst(*statuses: int) -> ExitStatus:
    """The one that stands where several compete (files, cases, models, faults); GO of none."""
    return min(map(ExitStatus, statuses), key=WORST_FIRST.index, default=ExitStatus.GO)
