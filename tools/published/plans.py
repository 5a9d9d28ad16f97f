"""Plans of seeded chance for one thing to serve, and what each has to come to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from modelcar_tui.core.numbers import holds_mask
from modelcar_tui.manifest import Change, ModelCar, Operation

_FLAG = re.compile(r"--?[A-Za-z][\w.-]*\Z")
_VALUES = {
    "--max-model-len": ("2048", "16384"),
    "--gpu-memory-utilization": ("0.85", "0.93"),
    "--max-num-seqs": ("24", "64"),
    "--dtype": ("bfloat16", "float16"),
    "--seed": ("7",),
    "--kv-cache-dtype": ("fp8",),
    "--chat-template-content-format": ("openai",),
    "--limit-mm-per-prompt": ('{"image": 2}',),
}
"""What is added, and what a flag gets that the arguments have."""
_BARE = ("--enforce-eager", "--enable-prefix-caching", "--disable-log-stats")
_LEFT = ("--model", "--served-model-name")
"""They say what is served, so that the rest of a request hangs on them."""
SIZE = ("--tensor-parallel-size", "-tp")
_SIZES = (*SIZE, "--pipeline-parallel-size", "-pp", "--data-parallel-size", "-dp")
_KEPT = (*_LEFT, *_SIZES, "--data-parallel-size-local", "-dpl", "--nnodes", "--distributed-executor-backend")


@dataclass(frozen=True, slots=True)
class Planned:
    """Changes of one request, and what its reader has to find afterwards."""

    changes: tuple[Change, ...]
    args: tuple[str, ...]
    gpus: int
    gone: tuple[str, ...]
    """Words that may leave the text."""
    new: tuple[str, ...]
    """Words that may come into it."""


@dataclass(frozen=True, slots=True)
class _Argument:
    flag: str
    first: int
    last: int
    """Behind its last word."""


def plans_of(car: ModelCar, seed: str, most: int) -> Iterator[Planned]:
    """Up to `most` plans: each kind of change alone, then several together."""
    chance = Random(f"{seed}/{car.name}")
    singles = [*_additions(car, chance), *_settings(car, chance), *_removals(car)]
    counts = [_count(car, number) for number in (1, 2, 4, 8) if number != car.serving.gpu_count]
    chance.shuffle(singles)
    alone = [(one,) for one in (*_of_each_kind(singles), *counts[:1])]
    together = []
    for _ in range(most):
        some = chance.sample(singles, min(len(singles), chance.randint(2, 4)))
        if chance.random() < 0.4 and counts:
            some.append(chance.choice(counts))
        together.append(tuple(_apart(some)))
    for changes in [*alone, *together][:most]:
        yield _planned(car, changes)


def _of_each_kind(singles: list[Change]) -> list[Change]:
    found = []
    for kind in Operation:
        found += [one for one in singles if one.operation is kind][:2]
    return found


def _apart(some: list[Change]) -> Iterator[Change]:
    """Changes of which no two are about one flag."""
    seen = set()
    for one in some:
        if plain(one.flag) not in seen:
            seen.add(plain(one.flag))
            yield one


def plain(flag: str) -> str:
    """A flag as vLLM compares it."""
    return flag[:2] + flag[2:].replace("_", "-") if flag.startswith("--") else flag


def _arguments(args: tuple[str, ...]) -> list[_Argument]:
    """Each argument with the words that are its own."""
    found: list[_Argument] = []
    for index, word in enumerate(args):
        flag = word.partition("=")[0].split(" ")[0]
        if _FLAG.match(flag) and not word[1:].replace(".", "").isdecimal():
            found.append(_Argument(flag, index, index + 1))
        elif found and "=" not in args[found[-1].first]:
            found[-1] = _Argument(found[-1].flag, found[-1].first, index + 1)
    return found


def _own(car: ModelCar) -> list[_Argument]:
    """Arguments that stand once, are no secrets, and on which nothing else hangs."""
    args = car.serving.args
    every = _arguments(args)
    flags = [plain(one.flag) for one in every]
    return [
        one
        for one in every
        if flags.count(plain(one.flag)) == 1
        and plain(one.flag) not in _KEPT
        and not any(holds_mask(word) or "$" in word for word in args[one.first : one.last])
    ]


def _additions(car: ModelCar, chance: Random) -> list[Change]:
    there = {plain(one.flag) for one in _arguments(car.serving.whole)}
    valued = [f"{flag}={chance.choice(values)}" for flag, values in _VALUES.items() if flag not in there]
    bare = [flag for flag in _BARE if flag not in there]
    return [_change(car, Operation.ADD, item.partition("=")[0], None, item) for item in (*valued, *bare)]


def _settings(car: ModelCar, chance: Random) -> list[Change]:
    found = []
    for one in _own(car):
        words = car.serving.args[one.first : one.last]
        if (len(words) == 1 and "=" not in words[0]) or len(words) > 2:
            continue
        value = chance.choice(_VALUES.get(plain(one.flag), ("other-value", '{"a": [1, "b c"]}', "12")))
        old, new = " ".join(words), f"{one.flag}={value}"
        if old.replace(" ", "=", 1) != new:
            found.append(_change(car, Operation.SET, one.flag, old, new))
    return found


def _removals(car: ModelCar) -> list[Change]:
    args = car.serving.args
    return [
        _change(car, Operation.REMOVE, one.flag, " ".join(args[one.first : one.last]), None)
        for one in _own(car)
    ]


def _count(car: ModelCar, number: int) -> Change:
    return _change(car, Operation.GPU_COUNT, "gpu_count", str(car.serving.gpu_count), str(number))


def _change(car: ModelCar, operation: Operation, flag: str, old: str | None, new: str | None) -> Change:
    name = f"{car.name}/{operation}/{flag}"
    return Change(
        id=name, model=car.name, operation=operation, flag=flag, old=old, new=new, reason="seeded chance"
    )


def _planned(car: ModelCar, changes: tuple[Change, ...]) -> Planned:
    """What the arguments have to be: reckoned here anew, not by the editor."""
    args, gpus = list(car.serving.args), car.serving.gpu_count
    gone: list[str] = []
    new: list[str] = []
    out: list[list[str]] = [[word] for word in args]
    places = {plain(one.flag): one for one in _own(car)}
    for one in changes:
        if one.operation is Operation.GPU_COUNT:
            gone.append(str(gpus))
            gpus = int(one.new or 0)
            new.append(str(gpus))
        elif one.operation is Operation.ADD:
            out.append([one.new or ""])
            new.append(one.new or "")
        else:
            at = places[plain(one.flag)]
            gone += args[at.first : at.last]
            for index in range(at.first, at.last):
                out[index] = []
            if one.operation is Operation.SET:
                flag, _, value = (one.new or "").partition("=")
                two = at.last - at.first == 2
                out[at.first] = [flag, value] if two else [one.new or ""]
                new += out[at.first]
    return Planned(changes, tuple(word for words in out for word in words), gpus, tuple(gone), tuple(new))
