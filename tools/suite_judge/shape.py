"""From what the suite printed to a fixture: its structure, and none of its text.

A fixture is conmon's file as it was: times, streams, parts of lines, rulers, node ids, stamps, indents,
numbers. Of the words only those stay that we wrote or that name a thing: the words of our own tables and of
the stub's objects, kinds and reasons, exceptions' names, fixtures' names. All others are replaced by x, as
many as they had letters. In lines of source code only exceptions' names stay.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from suite_judge.environment import TREE

_BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
_HERE = Path(__file__).parent
_OURS = (
    *(_HERE / name for name in ("cluster.py", "failures.py", "objects.py", "openshift.py")),
    *(_HERE.parents[1] / "src/modelcar_tui/qa/log" / name for name in ("qa_suite.yaml", "qa_failures.yaml")),
)
_WORD = re.compile(r"[A-Za-z]+(?:_[A-Za-z]+)*")
_STAMP = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d[.,]\d{3,9}(?:Z|[+-]\d\d:\d\d)?")
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_APART = re.compile(rf"({_COLOUR.pattern}|{_STAMP.pattern})")
_NAMED = re.compile(r"^(?:[A-Z][a-z0-9]+){2,}$|^Test[A-Z]|Error$|Exception$|_")
_RAISED = re.compile(r"(?:Error|Exception|ImageName|BackOff)$|^(?:raise|INTERNALERROR)$")
_CODE = re.compile(r"^(?:INTERNALERROR>)?(?:>?\s{4,}|>\s)(?!['\"{\[(])")
_PLAIN = frozenset(
    """
    E test tests session starts collecting collected item items platform Python pytest rootdir cachedir
    plugins info error warning debug success INFO ERROR WARNING SETUP CALL TEARDOWN PASSED FAILED
    SKIPPED STATUS TEST Pass Fail Skip XPass XFail Error ReRun of completed passed failed errors skipped
    in short summary ERRORS FAILURES at setup teardown no ran INTERNALERROR Traceback most recent call
    last Executing class module package function fixture Create Delete Deleting Posting Wait until is
    deleted Waiting for seconds retry every Function Kwargs timed out after Timed Out Elapsed time
    conftest utilities py kind api version Reason HTTP response body headers message reason code Last
    exception None True False not Ready DSC DSCI
    infra kubernetes dynamic exceptions client requests standard raw serverless Standard vllm tests
    """.split()  # noqa: SIM905 - a list would be a page
)


def keep_shape(raw: Path, target: Path) -> None:
    """Write the fixture of a container's log."""
    text = "".join(f"{line}\n" for line in shaped(raw.read_text(errors="replace").splitlines()))
    target.parent.mkdir(parents=True, exist_ok=True)
    # No name and no time in it: the same lines give the same bytes.
    target.write_bytes(gzip.compress(text.encode(), mtime=0))


def shaped(lines: Iterable[str]) -> Iterator[str]:
    """Records of conmon's file, `TIME STREAM F|P TEXT`, their words replaced."""
    first: datetime | None = None
    for line in lines:
        time, stream, flag, text = line.split(" ", 3)
        at = datetime.fromisoformat(_micros(time))
        first = first or at
        moved = _BEGAN + (at - first)
        yield f"{moved.isoformat(timespec='microseconds')} {stream} {flag} {_masked(text, moved)}"


def _masked(text: str, at: datetime) -> str:
    plain = _COLOUR.sub("", text)
    if plain.startswith("metadata: "):
        return "metadata: {}"
    text = re.sub(r"/\S*?/(?=lib/python)", "/usr/", text.replace(TREE, "/suite"))
    text = re.sub(r"127\.0\.0\.1[:', ]+(?:port=)?\d+", "api.example.test:6443", text)
    text = re.sub(r"\b0x[0-9a-f]+\b", "0x0", text)
    text = re.sub(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", "0", text)
    text = re.sub(r"(?<=pytest-)\w{22}", "0", text)
    stays = _RAISED.search if _CODE.match(plain) else _stays
    parts = _APART.split(text)
    return "".join(_part(part, stays, at) for part in parts)


def _part(part: str, stays: Callable[[str], object], at: datetime) -> str:
    if part.startswith("\x1b"):
        return part
    if _STAMP.fullmatch(part):
        return _like(part, at)
    return _WORD.sub(lambda word: word[0] if stays(word[0]) else "x" * len(word[0]), part)


def _stays(word: str) -> bool:
    return word in _PLAIN or word in _our_words() or _NAMED.search(word) is not None


@cache
def _our_words() -> frozenset[str]:
    return frozenset(word for path in _OURS for word in _WORD.findall(path.read_text()))


def _like(stamp: str, at: datetime) -> str:
    """The moved time in the stamp's own form."""
    text = at.isoformat(timespec="microseconds")[:26].replace("T", stamp[10])
    return text[: len(stamp.rstrip("Z").partition("+")[0])] + ("Z" if stamp.endswith("Z") else "")


def _micros(stamp: str) -> str:
    """Nanoseconds are more than Python's reader takes."""
    return re.sub(r"(\.\d{6})\d+", r"\1", stamp)
