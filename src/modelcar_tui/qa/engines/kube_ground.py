"""What the suite's image is to the user that its pod runs as: where it lies, and which folder shuts it out.

OpenShift gives a pod a user id of the namespace's range and group 0. An image whose files lie in a home of
mode 0700 can't be used by it, whatever the pod mounts: the suite must then run as the files' owner, which
takes a service account that may use the constraint `nonroot-v2`.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath

import msgspec

from modelcar_tui.core.errors import Problem
from modelcar_tui.core.text import clean

ACCOUNT = "modelcar-qa"
"""A name for the service account, where the operator has none yet."""
FIRST_UID = 1000
"""`useradd` gives it to an image's first user; the published image makes one."""
_LINE = re.compile(r"^job-(at|closed|uid)=(.+)$", re.MULTILINE)
_CLOSED = re.compile(r"^(?P<mode>[a-z-]{10})\S? (?P<owner>\d+) (?P<path>/.*)$")
_PLAIN = re.compile(r"^/[\w./-]+$")


class Ground(msgspec.Struct, frozen=True, kw_only=True):
    """What the pod's user found."""

    at: str = ""
    """The image's working folder, absolute; empty where it did not say."""
    uid: int | None = None
    """The pod's user."""
    closed: str = ""
    """The topmost folder on the way there that this user may not enter; empty when all is open."""
    mode: str = ""
    """Of that folder, as `ls` writes it."""
    owner: int | None = None
    """Of that folder."""

    def snapshots(self, test_path: str) -> str:
        """Where a suite that compares answers with stored ones writes them when it ends."""
        return str(PurePosixPath(self.at, test_path).parent / "__snapshots__")


def ground_script() -> str:
    """Shell text that prints what `read_ground` reads; it leaves the words after it as they are."""
    return (
        '( at=$(pwd); closed=; p=$at; while [ -n "$p" ]; do [ -x "$p" ] || closed=$p; p=${p%/*}; done; '
        '[ -n "$closed" ] || [ -r "$at" ] || closed=$at; '
        'echo "job-at=$at"; echo "job-uid=$(id -u)"; '
        'if [ -n "$closed" ]; then set -- $(ls -ldn "$closed"); echo "job-closed=$1 $3 $closed"; fi )'
    )


def read_ground(text: str) -> Ground:
    """The facts among a probe's lines; anything odd counts as not said."""
    facts: dict[str, str] = dict(_LINE.findall(text))
    at, uid = facts.get("at", "").strip(), facts.get("uid", "").strip()
    closed = _CLOSED.match(facts.get("closed", "").strip())
    return Ground(
        at=at if _PLAIN.match(at) else "",
        uid=int(uid) if uid.isdecimal() else None,
        closed=clean(closed["path"], limit=200) if closed else "",
        mode=closed["mode"] if closed else "",
        owner=int(closed["owner"]) if closed else None,
    )


def shut_out(ground: Ground, *, namespace: str, account: str | None) -> Problem | None:
    """What stands in the way of the pod's user, with the commands that mend it; None when nothing does."""
    if not ground.closed:
        return None
    who = f"user {ground.uid}" if ground.uid is not None else "the user"
    what = (
        f"the pod runs as {who}, who may not enter the image's {ground.closed} "
        f"({ground.mode}, of user {ground.owner})"
    )
    return Problem(what=what, fix=remedy(namespace, account, ground.owner), code="pod-refused")


def remedy(namespace: str, account: str | None, uid: int | None) -> str:
    """The commands that let the suite run as the image's own user."""
    if uid == 0:
        return "choose an image of the suite whose files are not root's alone: --qa-image"
    name = account or ACCOUNT
    make = "" if account else f"oc create serviceaccount {name} -n {namespace}; "
    flags = ("" if account else f"--qa-service-account {name} ") + f"--qa-run-as {uid or FIRST_UID}"
    return f"{make}oc adm policy add-scc-to-user nonroot-v2 -z {name} -n {namespace}, then run with {flags}"
