"""Plans as JSON files: `agent plan -o plan.json`, `agent apply plan.json`."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Literal

import msgspec

from modelcar_tui.core.errors import Problem, UserError
from modelcar_tui.core.files import write_atomic
from modelcar_tui.core.text import clean, reveal
from modelcar_tui.manifest.plan import Plan
from modelcar_tui.manifest.source import read_bytes
from modelcar_tui.manifest.write import target_path


class PlanFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What such a file holds; `digest` guards against edits by hand."""

    kind: Literal["modelcar-tui plan"] = "modelcar-tui plan"
    version: Literal[1] = 1
    digest: str
    plan: Plan


def encode_plan(plan: Plan) -> bytes:
    """A plan as the bytes of a plan file."""
    return msgspec.json.format(msgspec.json.encode(PlanFile(digest=plan.digest, plan=plan)), indent=2) + b"\n"


def save_plan(plan: Plan, path: Path) -> None:
    """Write a plan file.

    Raises:
        UserError: the file can't be written.
    """
    try:
        write_atomic(path, encode_plan(plan))
    except OSError as error:
        what = f"the plan can't be written ({error.strerror or error})"
        raise _refuse(path, what, "name another file with -o", "plan-write") from None


def load_plan(path: Path) -> Plan:
    """Read a plan file and check that its base is still the one that the plan was made for.

    Raises:
        UserError: no such file, no plan, edited by hand, or stale.
    """
    data = read_bytes(path)
    try:
        file = msgspec.json.decode(data, type=PlanFile, strict=True)
    except (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError, RecursionError) as error:
        fix = "make it again: agent plan FILE -o plan.json"
        raise _refuse(path, f"this is no plan file ({clean(reveal(str(error)))})", fix, "plan-format") from None
    plan = file.plan
    fix = f"make it again: agent plan {reveal(plan.base)} -o {reveal(str(path))}"
    if plan.digest != file.digest:
        raise _refuse(path, "the plan was changed by hand", fix, "plan-edited")
    if len({change.id for change in plan.changes}) != len(plan.changes):
        raise _refuse(path, "two changes of the plan have one id", fix, "plan-format")
    if Path(plan.target) != target_path(Path(plan.base)):
        raise _refuse(path, f"the plan would write {reveal(plan.target)}, not beside its base", fix, "plan-target")
    check_fresh(plan, path)
    return plan


def check_fresh(plan: Plan, path: Path | None = None) -> None:
    """Refuse a plan whose base has changed.

    Raises:
        UserError: the base is gone or has other bytes.
    """
    base = read_bytes(Path(plan.base))
    if hashlib.sha256(base).hexdigest() != plan.base_sha256:
        where = path or Path(plan.base)
        what = f"stale: {reveal(plan.base)} has changed since the plan was made"
        raise _refuse(where, what, f"make it again: agent plan {reveal(plan.base)}", "plan-stale")


def _refuse(where: Path, what: str, fix: str, code: str) -> UserError:
    return UserError(Problem(where=reveal(str(where)), what=what, fix=fix, code=code))
