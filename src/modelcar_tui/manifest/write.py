"""Writing the generated manifest: whole or not at all, never over the base, nor unasked over another's
work."""

from __future__ import annotations

import errno
import hashlib
import time
from contextlib import suppress
from pathlib import Path

import msgspec

from modelcar_tui.core.config_file import to_type
from modelcar_tui.core.errors import Problem, UserError
from modelcar_tui.core.files import (
    mode_beside,
    private_folder,
    sweep_remnants,
    write_atomic,
    write_private,
)
from modelcar_tui.core.text import reveal
from modelcar_tui.manifest.apply import apply_changes
from modelcar_tui.manifest.diff import unified_patch
from modelcar_tui.manifest.keeping import ChangedError, Keeping
from modelcar_tui.manifest.plan import ANYTHING, Decision, Plan
from modelcar_tui.manifest.records import place_of_file
from modelcar_tui.manifest.source import read_bytes
from modelcar_tui.manifest.standing import Kind, Replaced, Standing, identity, look_at


class Written(msgspec.Struct, frozen=True, kw_only=True):
    """What was written."""

    path: Path
    sha256: str
    replaced: tuple[Replaced, ...] = ()
    lacking: Problem | None = None
    """Why the patch beside it could not be written."""


class Output(msgspec.Struct, frozen=True, kw_only=True):
    """One file that a decision writes, and what stands in its place."""

    path: Path
    data: bytes
    standing: Standing


def target_path(base: Path) -> Path:
    """`X.generated.yaml` beside `X.base.yaml` or `X.yaml` (`.yml` alike)."""
    suffix = base.suffix if base.suffix.lower() in (".yaml", ".yml") else ".yaml"
    stem = base.name.removesuffix(base.suffix) if base.suffix.lower() in (".yaml", ".yml") else base.name
    stem = stem.removesuffix(".base")
    if stem.endswith(".generated"):
        stem += ".again"
    return base.with_name(f"{stem}.generated{suffix}")


def outputs(
    base: bytes, plan: Plan, decision: Decision, *, patch: bool = False, keeping: Keeping | None = None
) -> tuple[Output, ...]:
    """What a decision would write, the generated manifest first, and what stands there now. Writes nothing.

    Raises:
        UserError: the target is the base under another name, or as `apply_changes`.
    """
    target = Path(plan.target)
    files = [(target, apply_changes(base, plan, decision))]
    if patch:
        files.append((target.with_name(target.name + ".patch"), unified_patch(base, plan, decision).encode()))
    for path, _ in files:
        _check_target(Path(plan.base), path)
    look = keeping.look if keeping is not None else look_at
    return tuple(Output(path=path, data=data, standing=look(path, data)) for path, data in files)


def write_generated(
    plan: Plan,
    decision: Decision,
    *,
    patch: bool = False,
    keeping: Keeping | None = None,
    fallback: Path | None = None,
) -> Written:
    """Write the base with the accepted changes to the plan's target, and with `patch` a `.patch` file beside
    it.

    The base is read and hashed again first. Where the same bytes are there already nothing is written. What
    another hand or run wrote is replaced only where `decision.replaces` names it as it stands, after a copy
    of it is on the disk. `keeping` says where copies and records go; without it nothing is replaced.
    `fallback` is a folder that keeps the content when the target can't be written.

    Raises:
        UserError: the answer belongs to another plan, the base has changed, the target is the base, something
            stands there that may not be replaced, or the target can't be written; the text says what was kept
            and where. Nothing was written then: a patch that fails after the manifest is `Written.lacking`.
    """
    target = Path(plan.target)
    if decision.plan_digest != plan.digest:
        raise _refuse(target, "this answer belongs to another plan", "look at the plan again", "plan-other")
    if not decision.write:
        raise _refuse(
            target, "the plan was rejected; nothing is written", "approve it first", "plan-rejected"
        )
    with suppress(OSError):
        sweep_remnants(target.parent)
    base = read_bytes(Path(plan.base))
    files = outputs(base, plan, decision, patch=patch, keeping=keeping)
    manifest, *beside = files
    if manifest.standing.obstacle:
        raise _kept(target, manifest.data, manifest.standing.obstacle, fallback)
    for other in beside:
        if other.standing.obstacle:
            raise _blocked(other, manifest, fallback)
    _check_consent(files, decision, keeping, fallback)
    replaced = _keep_copies(files, keeping)
    try:
        _write(manifest, Path(plan.base), keeping)
    except ChangedError:
        raise _changed(manifest, "just now", fallback) from None
    except OSError as error:
        raise _kept(target, manifest.data, reason(error), fallback) from None
    lacking = next(filter(None, (_write_beside(other, plan, keeping) for other in beside)), None)
    sha256 = hashlib.sha256(manifest.data).hexdigest()
    return Written(path=target, sha256=sha256, replaced=replaced, lacking=lacking)


def _write_beside(other: Output, plan: Plan, keeping: Keeping | None) -> Problem | None:
    """Write a file beside the manifest, which is written already; why not, where it can't be."""
    try:
        _write(other, Path(plan.base), keeping)
    except ChangedError:
        why = "it changed just now"
    except OSError as error:
        why = reason(error)
    else:
        return None
    what = f"the patch is not written ({why}), but {reveal(Path(plan.target).name)} is"
    return _problem(other.path, what, "mend that and write again", "patch-not-written")


def _write(output: Output, base: Path, keeping: Keeping | None) -> None:
    """Replace exactly what was looked at, or nothing. Another run that just wrote the very bytes has done it.

    Raises:
        ChangedError: something else stands there by now.
        OSError: it can't be written.
    """
    standing = output.standing
    if standing.kind is Kind.SAME:
        return

    def last_look() -> None:
        """The record comes first: a run that is killed behind the write must know its own file again. It says
        nothing of other bytes."""
        if identity(output.path) != standing.identity:
            raise ChangedError
        if keeping is not None:
            keeping.note(place_of_file(output.path), hashlib.sha256(output.data).hexdigest(), time.time())

    try:
        write_atomic(
            output.path,
            output.data,
            mode=mode_beside(base, output.path),
            new=standing.kind is Kind.NOTHING,
            last_look=last_look,
        )
    except (ChangedError, FileExistsError):
        if _done(output):
            return
        raise ChangedError from None


def _done(output: Output) -> bool:
    """Whether the very bytes stand there by now."""
    return look_at(output.path, output.data).kind is Kind.SAME


def _check_consent(
    files: tuple[Output, ...], decision: Decision, keeping: Keeping | None, fallback: Path | None
) -> None:
    """Refuse before anything is written; each file that stands in the way is a line of its own."""
    asking = [output for output in files if output.standing.asks]
    if not asking or (
        decision.replaces is not None and ANYTHING in decision.replaces and keeping is not None
    ):
        return
    if decision.replaces is None or keeping is None:
        problems = [not_asked(output.standing, what="is there already") for output in asking]
        raise UserError(problems[0], *problems[1:])
    for output in asking:
        if output.standing.fingerprint not in decision.replaces:
            raise _changed(output, "since you were asked", fallback, kept=files[0])


def not_asked(standing: Standing, *, what: str) -> Problem:
    """The one line that says what stands in the way of a command that can't ask."""
    noun = "this link" if standing.kind is Kind.LINK else "this file"
    return Problem(
        where=reveal(standing.path),
        what=f"{noun} {what} and is not replaced unasked ({standing.told(time.time())})",
        fix="start again: --force replaces it and keeps a copy",
        code="target-exists",
    )


def _changed(output: Output, since: str, fallback: Path | None, kept: Output | None = None) -> UserError:
    now = look_at(output.path, output.data)
    told = f" (now {now.told(time.time())})" if now.asks else ""
    what = f"it changed {since}{told}, so it is left as it is"
    kept = kept or output
    if (where := _keep_content(kept.path, kept.data, fallback)) is not None:
        what += f"; what you accepted is kept in {reveal(str(where))}"
    return _refuse(output.path, what, "look at it, then start again", "target-changed")


def _keep_copies(files: tuple[Output, ...], keeping: Keeping | None) -> tuple[Replaced, ...]:
    """A copy of each file that will go, on the disk before any is touched."""
    replaced: list[Replaced] = []
    if keeping is None:
        return ()
    for output in files:
        standing = output.standing
        if not standing.asks:
            replaced += filter(None, [keeping.kept_before(standing, output.data)])
            continue
        try:
            replaced.append(keeping.keep(standing))
        except ChangedError:
            if not _done(output):
                raise _changed(output, "just now", None) from None
        except OSError as error:
            if _done(output):
                continue
            what = (
                f"not replaced: no copy of it can be kept in {reveal(str(keeping.copies))} ({reason(error)})"
            )
            raise _refuse(output.path, what, "mend that, or move the file away", "no-copy") from None
    return tuple(replaced)


def _check_target(base: Path, target: Path) -> None:
    """Refuse a target that is the base under another name."""
    if is_same_file(base, target):
        fix = f"delete {reveal(target.name)} (a link to the base) and try again"
        raise _refuse(target, "the generated file would overwrite the base", fix, "target-is-base")


def is_same_file(one: Path, other: Path) -> bool:
    """Whether two paths lead to one file, by any kind of link."""
    try:
        return other.resolve() == one.resolve() or (other.exists() and other.samefile(one))
    except (OSError, RuntimeError):
        return False


def _keep_content(target: Path, data: bytes, fallback: Path | None) -> Path | None:
    if fallback is None:
        return None
    kept = fallback / target.name
    try:
        write_private(private_folder(fallback) / target.name, data)
    except OSError:
        return None
    return kept


def _kept(target: Path, data: bytes, why: str, fallback: Path | None) -> UserError:
    kept = _keep_content(target, data, fallback)
    if kept is None:
        nor = f", nor kept in {reveal(str(fallback))}" if fallback is not None else ""
        what = f"not written ({why}){nor}; nothing was changed"
        return _refuse(target, what, "mend that and write again", "not-written")
    what = f"not written ({why}); the content is kept in {reveal(str(kept))}"
    return _refuse(
        target,
        what,
        to_type("copy it when that is mended: cp {} {}", str(kept), str(target)),
        "not-written",
    )


def _blocked(other: Output, manifest: Output, fallback: Path | None) -> UserError:
    """Something that is never replaced stands where a file beside the manifest would be."""
    what = f"{other.standing.obstacle}, so neither it nor {reveal(manifest.path.name)} is written"
    if (kept := _keep_content(manifest.path, manifest.data, fallback)) is not None:
        what += f"; what you accepted is kept in {reveal(str(kept))}"
    return _refuse(other.path, what, "move it away, or write without --patch", "not-written")


def reason(error: OSError) -> str:
    """Why a file could not be written, in the operator's words."""
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
    return UserError(_problem(where, what, fix, code))


def _problem(where: Path, what: str, fix: str, code: str) -> Problem:
    return Problem(where=reveal(str(where)), what=what, fix=fix, code=code)
