"""Plans as JSON files: `agent plan -o plan.json`, `agent apply plan.json`."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Literal

import msgspec

from modelcar_tui.core.config_file import to_type
from modelcar_tui.core.decode import decode
from modelcar_tui.core.errors import Problem, UserError
from modelcar_tui.core.files import write_private
from modelcar_tui.core.folders import check_folder
from modelcar_tui.core.text import clean, reveal
from modelcar_tui.manifest.keeping import ChangedError, Keeping
from modelcar_tui.manifest.plan import Plan
from modelcar_tui.manifest.source import read_bytes
from modelcar_tui.manifest.standing import Kind, Replaced, Standing, look_at
from modelcar_tui.manifest.write import is_same_file, not_asked, target_path


class PlanFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What such a file holds; `digest` guards against edits by hand."""

    kind: Literal["modelcar-tui plan"] = "modelcar-tui plan"
    version: Literal[1] = 1
    digest: str
    plan: Plan
    """With whole paths: it applies from any folder."""
    beside: str = ""
    """The base as seen from the folder of the plan file, for a tree that was moved."""


def encode_plan(plan: Plan, path: Path) -> bytes:
    """A plan as the bytes of the plan file `path`."""
    base = Path(plan.base).absolute()
    rooted = msgspec.structs.replace(plan, base=str(base), target=str(Path(plan.target).absolute()))
    beside = os.path.relpath(base, path.absolute().parent)
    file = PlanFile(digest=_digest(rooted, beside), plan=rooted, beside=beside)
    return msgspec.json.format(msgspec.json.encode(file), indent=2) + b"\n"


def _digest(plan: Plan, beside: str) -> str:
    """The plan's own where it does not say how far its base lies from the file, as older ones do not."""
    if not beside:
        return plan.digest
    return hashlib.sha256(f"{plan.digest}\0{beside}".encode()).hexdigest()[:16]


def check_output(path: Path, base: Path, *, force: bool = False) -> None:
    """Refuse a path for a plan file that holds something else than a plan of ours as it was written.

    Raises:
        UserError: it is the base, or another hand's file or link and not `force`, or nothing that can be
        replaced.
    """
    check_folder(path, "name another file with -o")
    _allowed(look_at(path, b""), base, force=force)


def put_plan(plan: Plan, path: Path, keeping: Keeping, *, force: bool = False) -> Replaced | None:
    """`save_plan`, but what is no plan of ours is replaced only by `force`, after a copy of it is kept.

    Raises:
        UserError: as `check_output` and `save_plan`, or no copy can be kept.
    """
    standing = look_at(path, encode_plan(plan, path))
    replaced = None
    if _allowed(standing, Path(plan.base), force=force):
        try:
            replaced = keeping.keep(standing)
        except ChangedError:
            raise _refuse(path, "it changed just now", "look at it, then try again", "plan-write") from None
        except OSError as error:
            what = f"not replaced: no copy of it can be kept ({error.strerror or error})"
            raise _refuse(path, what, "name another file with -o", "no-copy") from None
    save_plan(plan, path)
    return replaced


def save_plan(plan: Plan, path: Path) -> None:
    """Write a plan file, whatever stands there.

    Raises:
        UserError: the file can't be written.
    """
    try:
        write_private(path, encode_plan(plan, path))
    except OSError as error:
        what = f"the plan can't be written ({error.strerror or error})"
        raise _refuse(path, what, "name another file with -o", "plan-write") from None


def _allowed(standing: Standing, base: Path, *, force: bool) -> bool:
    """Whether a copy must be kept before it is replaced.

    Raises:
        UserError: it may not be replaced.
    """
    path = Path(standing.path)
    if is_same_file(base, path):
        raise _refuse(path, "the plan would overwrite the base", "name another file with -o", "plan-write")
    if standing.obstacle:
        raise _refuse(path, standing.obstacle, "name another file with -o", "plan-write")
    if not standing.asks or (standing.kind is Kind.FILE and not standing.read_only and _is_plan(path)):
        return False
    if not force:
        raise UserError(not_asked(standing, what="is no plan of ours as it was written"))
    return True


def _is_plan(path: Path) -> bool:
    try:
        file = decode(read_bytes(path), PlanFile)
    except (UserError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return _digest(file.plan, file.beside) == file.digest


def load_plan(path: Path) -> Plan:
    """Read a plan file and find its base as it was when the plan was made.

    That is the file of the plan's own path, or, where the tree was moved, one that lies as far from the plan
    file or beside it. No other bytes will do, so a plan file reaches no more than its own path does.

    Raises:
        UserError: no such file, no plan, edited by hand, or stale.
    """
    if not os.path.lexists(path):
        raise _refuse(path, "there is no such file", "make it: agent plan FILE -o PLAN", "file-missing")
    data = read_bytes(path)
    try:
        file = decode(data, PlanFile)
    except (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError, RecursionError) as error:
        fix = "make it again: agent plan FILE -o plan.json"
        raise _refuse(
            path, f"this is no plan file ({clean(reveal(str(error)))})", fix, "plan-format"
        ) from None
    plan = file.plan
    fix = to_type("make it again: agent plan {} -o {}", plan.base, str(path))
    if _digest(plan, file.beside) != file.digest:
        raise _refuse(path, "the plan was changed by hand", fix, "plan-edited")
    if len({change.id for change in plan.changes}) != len(plan.changes):
        raise _refuse(path, "two changes of the plan have one id", fix, "plan-format")
    if Path(plan.target) != target_path(Path(plan.base)):
        raise _refuse(
            path, f"the plan would write {reveal(plan.target)}, not beside its base", fix, "plan-target"
        )
    base = _base(file, path)
    return msgspec.structs.replace(plan, base=str(base), target=str(target_path(base)))


def _base(file: PlanFile, path: Path) -> Path:
    """Where the base lies.

    Raises:
        UserError: it is gone or has other bytes.
    """
    named, folder = Path(file.plan.base), path.absolute().parent
    for place in (named, Path(os.path.normpath(folder / (file.beside or named))), folder / named.name):
        if _holds(place, file.plan.base_sha256):
            return place
    read_bytes(named)  # says why it can't be read
    what = f"stale: {reveal(str(named))} has changed since the plan was made"
    raise _refuse(path, what, to_type("make it again: agent plan {}", str(named)), "plan-stale")


def _holds(path: Path, sha256: str) -> bool:
    try:
        return hashlib.sha256(read_bytes(path)).hexdigest() == sha256
    except UserError:
        return False


def _refuse(where: Path, what: str, fix: str, code: str) -> UserError:
    return UserError(Problem(where=reveal(str(where)), what=what, fix=fix, code=code))
