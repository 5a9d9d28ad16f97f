"""Figures that take a search: the smallest card and the longest context of which the verdict is `starts`.

Both are found on the verdict itself. Within a class of cards that vLLM treats alike every check is easier to
pass on a larger card; between classes it is not, for larger ones get more sequences and larger batches.
"""

from __future__ import annotations

from bisect import bisect_left

import msgspec

from modelcar_tui.core.facts import GIB, Fact
from modelcar_tui.hardware import Gpu
from modelcar_tui.memory.budget import Budget, budget_for, budgets_of, on_card, tightest
from modelcar_tui.memory.judged import Judged, judge
from modelcar_tui.memory.outcome import minimum, would_fit
from modelcar_tui.memory.start import Start, start_of
from modelcar_tui.vllm import longest_positions

STEP = 100
"""Steps of a GiB in which cards are tried: what is shown with two decimals must hold as it is shown."""
_CLASSES = (0, 70 * STEP, 160 * STEP, 65536 * STEP)
"""Where a class of cards begins (`vllm.defaults`, `memory.overheads`); the last is no card's size."""
_LARGEST = _CLASSES[-1] - 1
_MOST_TOKENS = 2**24
"""More than anything but a model of constant state holds, whose context nothing bounds."""


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """The smallest card that starts, and how it looks there; `size` is None where no size does."""

    size: float | None
    """GiB, as vLLM sees it."""
    start: Start
    budget: Budget
    beyond: Judged
    """The verdict a step below; on the largest card where no size starts."""


class Cards:
    """One start on cards of every size."""

    def __init__(self, start: Start, ranks: tuple[Budget, ...]) -> None:
        self._start = start
        self._here = _steps(start.gpu)
        self._of_class = {} if self._here is None else {_class(self._here): (start, ranks)}
        self._seen: dict[int, bool] = {}

    def smallest(self) -> Card:
        """The smallest card from which on all up to this one start it; where this one does not start it, the
        next larger that does; where its size is not known, the smallest from which on every card does.
        """
        top = _LARGEST if self._here is None else self._here
        found = top if self.starts(top) else self._next(top)
        return self._card(self._lowest(found) if found else None)

    def starts(self, steps: int) -> bool:
        """Whether the verdict on a card of that size is `starts`."""
        if steps not in self._seen:
            self._seen[steps] = judge(*self.on(steps)).starts
        return self._seen[steps]

    def on(self, steps: int) -> tuple[Start, Budget]:
        """The start and its budget on a card of that size."""
        at = _class(steps)
        if at not in self._of_class:
            other = on_size(self._start, steps / STEP)
            self._of_class[at] = (other, budgets_of(other))
        start, ranks = self._of_class[at]
        start = msgspec.structs.replace(start, gpu=sized(self._start.gpu, steps / STEP))
        return start, tightest(on_card(rank, start) for rank in ranks)

    def _next(self, top: int) -> int | None:
        """The smallest above `top` that starts; `top` does not."""
        low = top
        for high in (edge for edge in _CLASSES[1:] if edge > top):
            if self.starts(high - 1):
                return self._first(low, high - 1)
            low = high
        return None

    def _lowest(self, top: int) -> int:
        """The smallest from which on all up to `top` start, which does; but for a gap of less than a
        hundredth, which is less than two cards of a kind differ."""
        at = _class(top)
        found = self._first(max(_CLASSES[at], 1), top)
        while at and found * 99 // 100 < _CLASSES[at] and self.starts(_CLASSES[at] - 1):
            at -= 1
            found = self._first(max(_CLASSES[at], 1), _CLASSES[at + 1] - 1)
        return found

    def _first(self, low: int, high: int) -> int:
        """The smallest from `low` to `high` that starts, all of one class; `high` does.

        What the sums ask for is nearly always the answer, so the search begins there.
        """
        seed, stride = self._seed(low, high), 1
        while seed > low and self.starts(seed):
            high, seed, stride = seed, max(low, seed - stride), stride * 4
        while not self.starts(seed) and seed < high:
            low, seed, stride = seed, min(high, seed + stride), stride * 4
        return low + bisect_left(range(low, min(seed, high)), True, key=self.starts)

    def _seed(self, low: int, high: int) -> int:
        start, budget = self.on(high)
        return min(max(low, int(-(-minimum(budget, start.limits) * STEP // GIB))), high)

    def _card(self, steps: int | None) -> Card:
        start, budget = self.on(steps or _LARGEST)
        beyond = judge(*self.on(_LARGEST if steps is None else max(1, steps - 1)))
        return Card(size=steps and steps / STEP, start=start, budget=budget, beyond=beyond)


def on_size(start: Start, gib: float) -> Start:
    """The same start on a card of another memory."""
    other = start_of(start.model, sized(start.gpu, gib), start.args, start.profile)
    other = msgspec.structs.replace(other, switches=start.switches, most=start.most)
    return other.measured_as(start)


def alike(one: float | None, other: float | None) -> bool:
    """Whether vLLM treats cards of both sizes (GiB) alike; true of a size that is not known."""
    return one is None or other is None or _class(round(one * STEP)) == _class(round(other * STEP))


def longest_context(start: Start, budget: Budget) -> int | None:
    """The longest `--max-model-len` of which the verdict is `starts`, at most what vLLM allows for the model;
    0 where no context starts, None where nothing bounds it.

    A longer context never leaves more memory for the cache, so that the lengths which start are those up to
    one. Where nothing but the cache hangs on the length, it is what fits beside this budget.
    """
    if start.limits.auto_context:
        return would_fit(start, budget, start.limits.context) if judge(start, budget).starts else 0
    most = _most(start)
    guess = would_fit(start, budget, most) if budget.plan else most
    if guess == _MOST_TOKENS:
        return None if judge(start, budget).starts else 0
    if guess and _starts_with(start, guess) and (guess == most or not _starts_with(start, guess + 1)):
        return guess
    if not _starts_with(start, 1):
        return 0
    return bisect_left(range(1, most + 1), True, key=lambda length: not _starts_with(start, length))


def _starts_with(start: Start, length: int) -> bool:
    return judge(*_of_length(start, length)).starts


def _of_length(start: Start, length: int) -> tuple[Start, Budget]:
    args = msgspec.structs.replace(start.args, max_model_len=length)
    other = start_of(start.model, start.gpu, args, start.profile)
    forced = start.switches.hybrid_manager
    switches = msgspec.structs.replace(other.switches, hybrid_manager=forced)
    other = msgspec.structs.replace(other, switches=switches, most=start.most).measured_as(start)
    return other, budget_for(other)


def _most(start: Start) -> int:
    """The longest that passes the checks before memory is counted."""
    args, longest = start.args, longest_positions(start.model.shape.positions, start.profile)
    if longest is None or args.long_context_allowed:
        longest = _MOST_TOKENS
    if start.switches.chunked_prefill.on is False and args.max_num_batched_tokens:
        return min(longest, args.max_num_batched_tokens)  # a step holds a whole context
    return longest


def _class(steps: int) -> int:
    return sum(edge <= steps for edge in _CLASSES[1:-1])


def _steps(gpu: Gpu) -> int | None:
    value = gpu.visible_gib.value if gpu.visible_gib.known else gpu.memory_gib.value
    return None if value is None or not 0 < value < _CLASSES[-1] / STEP else int(value * STEP + 1e-6)


def sized(gpu: Gpu, gib: float) -> Gpu:
    """Such a card with another memory, and as much of it in use."""
    size: Fact[float] = Fact(value=gib, source=gpu.memory_gib.source, unit="GiB")
    free = gpu.free_gib
    if free.value is not None:
        used = max(0.0, (gpu.visible_gib.value or gpu.memory_gib.value or free.value) - free.value)
        free = msgspec.structs.replace(free, value=max(0.0, gib - used))
    return msgspec.structs.replace(gpu, memory_gib=size, visible_gib=size, free_gib=free)
