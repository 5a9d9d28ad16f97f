"""Visitors: a token that is spent once makes a session, which owns its runs."""

from __future__ import annotations

import hmac
import secrets
import time
from pathlib import Path

from modelcar_tui.web.terminal import Terminal

_MOST_TOKENS = 8
"""Addresses that were given out and not yet opened; the oldest is forgotten for a ninth."""
MOST_SESSIONS = 64


class FullError(Exception):
    """As many visitors as there may be."""


class Run:
    """A run of a session, open or ended."""

    def __init__(self, number: int, manifest: Path, terminal: Terminal, *, demo: bool, title: str) -> None:
        self.number = number
        self.manifest = manifest
        self.terminal = terminal
        self.demo = demo
        self.title = title
        """The manifest's name; of a run that goes on, also which one that is."""
        self.began = time.time()
        self.folder: Path | None = None
        """The run's own folder, when it has been found."""


class Session:
    """One visitor."""

    def __init__(self) -> None:
        self.key = secrets.token_urlsafe(32)
        """What its cookie holds: 256 bits."""
        self.form_key = secrets.token_urlsafe(32)
        """What each form that it sends must hold."""
        self.runs: dict[int, Run] = {}
        self.seen = time.monotonic()

    @property
    def watched(self) -> bool:
        """Whether a window of it is open on a run."""
        return any(run.terminal.watched for run in self.runs.values())


class Sessions:
    """All visitors of one server, and the tokens that wait for one."""

    def __init__(self, idle_s: float) -> None:
        self._idle_s = idle_s
        self._tokens: list[str] = []
        self._sessions: list[Session] = []
        self._numbers = 0

    @property
    def runs(self) -> list[Run]:
        """Those of all sessions."""
        return [run for session in self._sessions for run in session.runs.values()]

    def new_token(self) -> str:
        """A token for one more visitor."""
        self._tokens = [*self._tokens, secrets.token_urlsafe(32)][-_MOST_TOKENS:]
        return self._tokens[-1]

    def spend(self, token: str, session: Session | None) -> Session | None:
        """The session for a token, which is none any more; None where it is none, or was spent.

        Args:
            token: as the address holds it.
            session: the one that this browser has already, and keeps with its runs.

        Raises:
            FullError: there is no room for a further session.
        """
        found = [known for known in self._tokens if _same(known, token)]
        if not found:
            return None
        if session is None and len(self._sessions) >= MOST_SESSIONS:
            raise FullError
        self._tokens.remove(found[0])
        if session is not None:
            return session
        session = Session()
        self._sessions.append(session)
        return session

    def find(self, key: str) -> Session | None:
        """The session of a cookie, which is alive from now on."""
        found = [session for session in self._sessions if _same(session.key, key)]
        if not found or self._is_idle(found[0]):
            return None
        found[0].seen = time.monotonic()
        return found[0]

    def add(self, session: Session, manifest: Path, terminal: Terminal, *, demo: bool, title: str) -> Run:
        """A run that has begun."""
        self._numbers += 1
        run = Run(self._numbers, manifest, terminal, demo=demo, title=title)
        session.runs[run.number] = run
        return run

    def take_idle(self) -> list[Session]:
        """The sessions that have asked for nothing for too long; they are no more."""
        gone = [session for session in self._sessions if self._is_idle(session)]
        self._sessions = [session for session in self._sessions if session not in gone]
        return gone

    def _is_idle(self, session: Session) -> bool:
        return not session.watched and time.monotonic() - session.seen > self._idle_s


def _same(one: str, other: str) -> bool:
    """Compared in a time that tells nothing of where they differ."""
    return hmac.compare_digest(one.encode(), other.encode(errors="replace"))
