"""Writing the generated manifest: whole or not at all, never over the base."""

from __future__ import annotations

import errno
import hashlib
import os
from pathlib import Path

from modelcar_tui.core.errors import Problem, UserError
from modelcar_tui.core.files import write_atomic
from modelcar_tui.core.text import reveal
from modelcar_tui.manifest.apply import apply_changes
from modelcar_tui.manifest.diff import unified_patch
from modelcar_tui.manifest.plan import Decision, Plan
from modelcar_tui.manifest.source import read_bytes


def target_path(base: Path) -> Path:
    """`X.generated.yaml` beside `X.base.yaml` or `X.yaml` (`.yml` alike)."""
    suffix = base.suffix if base.suffix.lower() in (".yaml", ".yml") else ".yaml"
    stem = base.name.removesuffix(base.suffix) if base.suffix.lower() in (".yaml", ".yml") else base.name
    stem = stem.removesuffix(".base")
    if stem.endswith(".generated"):
        stem += ".again"
    return base.with_name(f"{stem}.generated{suffix}")


def write_generated(
    plan: Plan, decision: Decision, *, patch: bool = False, fallback: Path | None = None
) -> tuple[Path, str]:
    """Write the base with the accepted changes to the plan's target; returns its path and SHA-256.

    The base is read and hashed again first. Where the same bytes are there already nothing is written. With
    `patch` a `.patch` file is written beside the target. `fallback` is a folder that keeps the content when
    the target can't be written.

    Raises:
        UserError: the answer belongs to another plan, the base has changed, the target is the base, or the
            target can't be written; the text says what was kept and where.
    """
    target = Path(plan.target)
    if decision.plan_digest != plan.digest:
        raise _refuse(target, "this answer belongs to another plan", "look at the plan again", "plan-other")
    if not decision.write:
        raise _refuse(target, "the plan was rejected; nothing is written", "approve it first", "plan-rejected")
    base = read_bytes(Path(plan.base))
    data = apply_changes(base, plan, decision)
    _check_target(Path(plan.base), target)
    sha256 = hashlib.sha256(data).hexdigest()
    try:
        _write(target, data)
    except OSError as error:
        raise _kept(target, data, error, fallback) from None
    if patch:
        beside = target.with_name(target.name + ".patch")
        try:
            _write(beside, unified_patch(base, plan, decision).encode())
        except OSError as error:
            what = f"the patch is not written ({_reason(error)}), but {reveal(target.name)} is"
            raise _refuse(beside, what, "mend that and write again", "patch-not-written") from None
    return target, sha256


def _write(path: Path, data: bytes) -> None:
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not path.is_symlink() and path.is_file() and path.stat().st_size == len(data) and path.read_bytes() == data:
        return
    write_atomic(path, data)


def _check_target(base: Path, target: Path) -> None:
    """Refuse a target that is the base under another name."""
    try:
        same = target.resolve() == base.resolve() or (target.exists() and target.samefile(base))
    except (OSError, RuntimeError):
        same = False
    if same:
        fix = f"delete {reveal(target.name)} (a link to the base) and try again"
        raise _refuse(target, "the generated file would overwrite the base", fix, "target-is-base")


def _kept(target: Path, data: bytes, error: OSError, fallback: Path | None) -> UserError:
    reason = _reason(error)
    if fallback is None:
        return _refuse(
            target, f"not written ({reason}); nothing was changed", "mend that and write again", "not-written"
        )
    kept = fallback / target.name
    try:
        fallback.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_atomic(kept, data)
    except OSError as second:
        what = (
            f"not written ({reason}), nor kept in {reveal(str(fallback))} ({_reason(second)}); nothing was changed"
        )
        return _refuse(target, what, "mend that and write again", "not-written")
    what = f"not written ({reason}); the content is kept in {reveal(str(kept))}"
    return _refuse(
        target, what, f"copy it when that is mended: cp {reveal(str(kept))} {reveal(str(target))}", "not-written"
    )


def _reason(error: OSError) -> str:
    names = {
        errno.ENOSPC: "the disk is full",
        errno.EDQUOT: "the disk quota is used up",
        errno.EFBIG: "the file size limit is reached",
        errno.EROFS: "the file system is read-only",
        errno.EACCES: "the folder can't be written: permission denied",
        errno.EPERM: "the folder can't be written: operation not permitted",
        errno.ENOENT: "the folder is gone",
        errno.EISDIR: "a folder of this name is in the way",
    }
    return names.get(error.errno or 0) or (error.strerror or type(error).__name__).lower()


def _refuse(where: Path, what: str, fix: str, code: str) -> UserError:
    return UserError(Problem(where=reveal(str(where)), what=what, fix=fix, code=code))
