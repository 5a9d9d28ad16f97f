"""Who may do what on the stub cluster, and what it does wrong on demand."""

from __future__ import annotations

import re
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Right:
    """May do `verbs` on a resource: of one namespace, or everywhere (`*`)."""

    resource: str
    """`nodes`, `templates.template.openshift.io`, or `*`."""
    namespace: str = "*"
    verbs: tuple[str, ...] = ("get", "list", "watch")


@dataclass(frozen=True)
class User:
    """Somebody who can log in."""

    name: str
    groups: tuple[str, ...] = ("system:authenticated",)
    rights: tuple[Right, ...] = ()

    def may(self, verb: str, resource: str, group: str, namespace: str) -> bool:
        """Whether one of the rights covers it; an empty namespace means all of them."""
        full = f"{resource}.{group}" if group else resource
        return any(
            (right.resource in ("*", full))
            and right.namespace in ("*", namespace)
            and (verb in right.verbs or "*" in right.verbs)
            for right in self.rights
        )


ANONYMOUS = User("system:anonymous", ("system:unauthenticated",))


def admin(name: str = "kubeadmin") -> User:
    """A user who may do everything."""
    return User(name, ("system:cluster-admins", "system:authenticated"), (Right("*", verbs=("*",)),))


@dataclass
class Fault:
    """What goes wrong on the requests whose path and query match."""

    match: str
    """A regular expression, searched in `path?query`."""
    kind: str
    """`status`, `delay`, `drip`, `cut`, `silent`, `close`, `gzip`, `length`, `garbage`, `empty`, `expire`."""
    status: int = 500
    body: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    fresh: bool = True
    """For `expire`: whether the 410 carries a new continue token."""
    times: int | None = None
    """How often; always when None."""
    skip: int = 0
    """Matching requests that are served well before it begins."""

    def takes(self, target: str) -> bool:
        """Whether this request goes wrong; counts."""
        if not re.search(self.match, target):
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        if self.times is not None:
            if self.times <= 0:
                return False
            self.times -= 1
        return True
