"""The exit statuses of `modelcar-tui` and `agent`, in one place."""

from __future__ import annotations

from enum import IntEnum


class ExitStatus(IntEnum):
    """What the shell sees; `docs/operating.md` carries the same table."""

    GO = 0
    """The verdict is GO and everything that was asked for has finished."""
    NO_GO = 1
    """At least one model can't be served as the manifest says."""
    USAGE = 2
    """A bad command line or a bad manifest."""
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
    HANGUP = 129
    """The terminal went away (SIGHUP); the run can be resumed."""
    INTERRUPTED = 130
    """Ctrl-C (SIGINT)."""
    TERMINATED = 143
    """SIGTERM."""
