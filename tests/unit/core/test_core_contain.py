"""One failure costs one thing, and the end of a run is no failure of a thing."""

from __future__ import annotations

import asyncio

import pytest

from modelcar_tui.core.contain import SURPRISE, Contained, hit, keeping, not_known, stopped
from modelcar_tui.core.errors import Problem, UserError

OWN = Problem(what="it is broken", where="there", fix="mend it", code="own")


class OfRoomError(Exception):
    def __init__(self) -> None:
        super().__init__("Authorization: Bearer planted")
        self.problem = OWN


@pytest.mark.parametrize(
    "error", [UserError(OWN), OfRoomError(), ExceptionGroup("x", [OfRoomError(), ValueError()])]
)
def test_an_error_that_was_made_for_the_operator_keeps_its_words(error: Exception) -> None:
    with Contained("elsewhere") as caught:
        raise error
    assert caught.problem == OWN


@pytest.mark.parametrize("kind", [OSError, TimeoutError, ValueError, MemoryError, RecursionError])
def test_any_other_is_told_by_kind_and_place_and_never_by_its_text(kind: type[Exception]) -> None:
    kept: list[BaseException] = []
    with keeping(kept.append), Contained("node a") as caught:
        raise kind("Authorization: Bearer planted")
    assert caught.problem is not None and caught.problem.code == SURPRISE
    assert str(caught.problem).startswith(
        f"node a: not known, because looking at it failed: {kind.__name__} in test_core_contain.py, line"
    )
    assert "planted" not in str(caught.problem) and [type(each) for each in kept] == [kind]


@pytest.mark.parametrize("end", [KeyboardInterrupt, SystemExit, GeneratorExit])
def test_the_end_of_the_process_goes_on_up(end: type[BaseException]) -> None:
    with pytest.raises(end), Contained():
        raise end
    with pytest.raises(end):
        not_known(BaseExceptionGroup("x", [ValueError(), end()]))


async def test_a_cancellation_counts_only_where_somebody_cancels() -> None:
    with Contained() as caught:
        raise asyncio.CancelledError
    assert caught.problem is not None

    async def waits() -> None:
        with Contained():
            await asyncio.sleep(60)

    task = asyncio.create_task(waits())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_limit_that_was_hit_is_told_and_a_timeout_of_another_is_none() -> None:
    limit = asyncio.timeout(0.01)
    with pytest.raises(TimeoutError) as caught:
        async with limit:
            await asyncio.sleep(60)
    assert hit(limit, caught.value)
    assert not hit(asyncio.timeout(60), TimeoutError()) and not hit(limit, asyncio.CancelledError())
    assert str(stopped("the step", 300)) == (
        "the step was stopped after its limit of 300 s; what is known so far is used; try again"
    )


async def test_what_keeps_tracebacks_may_fail_and_is_known_to_tasks_and_threads() -> None:
    kept: list[BaseException] = []

    def raises() -> Problem | None:
        with Contained() as caught:
            raise ValueError
        return caught.problem

    async def task() -> Problem | None:
        return raises()

    with keeping(kept.append):
        await asyncio.gather(asyncio.to_thread(raises), asyncio.create_task(task()))
    assert len(kept) == 2

    def full(error: BaseException) -> None:
        raise OSError(28, "No space left on device")

    with keeping(full):
        assert raises() is not None
