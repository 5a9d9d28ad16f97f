"""Where an API server is, and who we are to it."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from modelcar_tui.core.errors import Problem


class Rung(StrEnum):
    """How far up the access ladder we came."""

    NO_KUBECONFIG = "no kubeconfig"
    UNREACHABLE = "unreachable"
    TLS = "certificate"
    UNAUTHENTICATED = "not authenticated"
    FORBIDDEN = "not authorized"
    OK = "ok"
    WHAT_IF = "what-if inventory"


class Access(msgspec.Struct, frozen=True, kw_only=True):
    """Who we are to the API server, or why we are nobody."""

    rung: Rung
    server: str = ""
    context: str = ""
    user: str = ""
    version: str = ""
    problem: Problem | None = None
    groups: tuple[str, ...] = ()
    missing: tuple[Problem, ...] = ()
    """Rights that we asked for and don't have, each with the line that an administrator would run."""
    namespace: str = ""
    """The context's own namespace."""
    via: str = ""
    """How we talk to the server where it isn't directly: a proxy's address."""

    @property
    def healthy(self) -> bool:
        """Whether a real cluster answered us and let us in."""
        return self.rung is Rung.OK


class ClusterOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Where to look for accelerators, and how long."""

    kubeconfig: str | None = None
    """A path, or a list of paths as in `KUBECONFIG`; None finds it as kubectl does."""
    context: str | None = None
    gpus: tuple[str, ...] = ()
    """What-if units, `PRODUCT:COUNT[@NODES]`; no cluster is asked for its nodes."""
    inventory: str | None = None
    namespace: str | None = None
    """The namespace that models are served in; the context's by default."""
    labels: frozenset[str] = frozenset()
    """Labels of nodes that pods of the manifest select by: kept in a report beside the runtime's."""
    profiles: frozenset[str] = frozenset()
    """Hardware profiles that the manifest names, whose labels are kept as well."""
    connect_timeout_s: float = 5.0
    read_timeout_s: float = 15.0
    """The longest silence in the middle of an answer."""
    request_timeout_s: float = 45.0
    """The longest that one answer may take in all."""
    total_timeout_s: float = 180.0
