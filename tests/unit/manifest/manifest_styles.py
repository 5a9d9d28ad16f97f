"""Random manifests in every style that operators write, and random changes to them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from random import Random
from typing import Any

import yaml

from modelcar_tui.manifest.plan import Change, Operation, Plan

ITEMS = (
    "--max-model-len=2048",
    "--trust-remote-code",
    "--distributed-executor-backend=mp",
    "--uvicorn-log-level=info",
    '--limit-mm-per-prompt={"audio": 1}',
    "--gpu-memory-utilization=0.90",
    "--served-model-name=a b",
    "--dtype=bfloat16",
    "--chat-template='x'",
    "-tp=2",
    "--model=/mnt/models",
    "--naïve=ü",
)
PAIRS = (("--max-num-seqs", "64"), ("--kv-cache-dtype", "fp8"), ("--seed", "-1"), ("--lora-modules", "a=b"))
COMMENTS = (
    "# plain",
    "#\ttab",
    "# - --commented=out",
    "# it's: {odd} [stuff] *alias &anchor",
    "# ü 漢字",
    "#",
)
NEW = (
    "--max-model-len=1024",
    "--tensor-parallel-size=2",
    '--json={"a": [1, 2], "b": "c"}',
    "--note=it's # here",
    "--empty=",
    "--url=http://x:8000/v1",
    "--path=C:\\x",
    "--seed=0",
)


@dataclass
class Styled:
    """A manifest's bytes and a plan for it."""

    data: bytes
    text: str
    plan: Plan
    intended: Any
    notes: list[str] = field(default_factory=list)


class Writer:
    """Writes one random manifest."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.offset = random.choice([0, 2, 2, 4])
        self.gap = random.choice([" ", " ", "   "])
        self.comments = random.choice([0.0, 0.2, 0.6])
        self.lines: list[str] = []
        self.anchors = 0
        self.shared: dict[str, list[str]] = {"serving": [], "args": [], "item": [], "count": [], "flag": []}

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def line(self, text: str, *, open_ended: bool = False) -> None:
        """One line, perhaps with a comment behind it or lines of comment before it."""
        scalar = len(self.lines) > 1 and self.lines[-2].endswith(("|-", ">-"))
        widest = 1 if scalar else 9
        while self.chance(self.comments * 0.5):
            self.lines.append(
                self.random.choice(["", "  ", " " * self.random.randrange(widest) + self.comment()])
            )
        if not open_ended and self.chance(self.comments):
            text += self.random.choice(["  ", " "]) + self.comment()
        elif self.chance(0.05) and not open_ended:
            text += "  "
        self.lines.append(text)

    def comment(self) -> str:
        return self.random.choice(COMMENTS) + f" {self.random.randrange(10_000)}"

    def anchor(self, what: str) -> str:
        if not self.chance(0.35):
            return ""
        self.anchors += 1
        self.shared[what].append(f"a{self.anchors}")
        return f"&a{self.anchors} "

    def alias(self, what: str, share: float) -> str | None:
        known = self.shared[what]
        return f"*{self.random.choice(known)}" if known and self.chance(share) else None

    def quoted(self, value: str, *, flow: bool = False) -> str:
        single = "'" + value.replace("'", "''") + "'"
        double = '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
        styles = [single, double]
        if not set(value) & set(" \"'{}[],#:") and value[0] not in "0123456789" and value != "-1":
            styles += [value] * 4
        return self.random.choice(styles)

    def args(self) -> list[str]:
        values: list[str] = []
        for _ in range(self.random.randrange(5)):
            if self.chance(0.25):
                values += self.random.choice(PAIRS)
            else:
                values.append(self.random.choice(ITEMS))
        return values

    def flow_list(self, values: list[str], pad: int) -> str:
        if not values:
            return self.random.choice(["[]", "[ ]"])
        items = [self.quoted(value, flow=True) for value in values]
        comma = self.random.choice(["", "", ","])
        if self.chance(0.4):
            sep = ",\n" + " " * (pad + 2)
            return "[\n" + " " * (pad + 2) + sep.join(items) + comma + "\n" + " " * pad + "]"
        return "[" + self.random.choice([", ", ","]).join(items) + comma + "]"

    def write_args(self, pad: int) -> None:
        head = " " * pad + "args:"
        alias = self.alias("args", 0.4)
        if alias:
            self.line(f"{head} {alias}")
            return
        values = self.args()
        style = self.random.choice(["block", "block", "block", "flow", "null"])
        if style == "null":
            self.line(head + self.random.choice(["", " ~", " null", " []"]))
            return
        anchor = self.anchor("args")
        if style == "flow" or not values:
            text = self.flow_list(values, pad)
            self.line(f"{head} {anchor}{text}", open_ended="\n" in text)
            return
        self.line(f"{head} {anchor}".rstrip())
        dash = " " * (pad + self.offset)
        for value in values:
            flag = self.alias("flag", 0.1)
            if flag:
                self.line(f"{dash}-{self.gap}{flag}")
            elif self.chance(0.1) and len(value) > 3:
                self.lines.append(f"{dash}-{self.gap}{self.random.choice(['>-', '|-'])}")
                self.lines.append(f"{dash}    {value}")
            else:
                self.line(
                    f"{dash}-{self.gap}{self.anchor('flag') if self.chance(0.2) else ''}{self.quoted(value)}"
                )

    def write_serving(self, pad: int) -> None:
        head = " " * pad + "serving_arguments:"
        alias = self.alias("serving", 0.4)
        if alias:
            self.line(f"{head} {alias}")
            return
        style = self.random.choice(["block"] * 6 + ["flow", "flow", "null", "empty", "none"])
        if style == "none":
            return
        if style in ("null", "empty"):
            self.line(head + (" {}" if style == "empty" else self.random.choice(["", " ~"])))
            return
        merge = self.alias("serving", 0.3)
        anchor = self.anchor("serving")
        if style == "flow":
            inner = [f"gpu_count: {self.random.randint(1, 8)}"] if self.chance(0.6) else []
            inner += [f"args: {self.flow_list(self.args(), pad)}"] if self.chance(0.7) else []
            inner += [f"<<: {merge}"] if merge else []
            self.random.shuffle(inner)
            text = "{" + ", ".join(inner or ["x-note: 1"]) + "}"
            self.line(f"{head} {anchor}{text}", open_ended="\n" in text)
            return
        self.line(f"{head} {anchor}".rstrip())
        pad += 2
        parts = [self.write_args] if self.chance(0.8) else []
        parts += [self.write_count] if self.chance(0.6) else []
        parts += [lambda at: self.line(" " * at + f"<<: {merge}")] if merge else []
        parts = parts or [lambda at: self.line(" " * at + "x-other: [1, {a: b}]")]
        self.random.shuffle(parts)
        for part in parts:
            part(pad)

    def write_count(self, pad: int) -> None:
        value = self.alias("count", 0.3) or f"{self.anchor('count')}{self.random.randint(1, 8)}"
        self.line(" " * pad + f"gpu_count: {value}")

    def write_model(self, number: int, dash: int | None, pad: int) -> None:
        start = len(self.lines)
        name = f"model-{number}"
        if dash is not None and self.chance(0.12):
            self.line(
                " " * dash + f"- {{name: {name}, image: oci://r/x:1, serving_arguments: "
                f"{{args: {self.flow_list(self.args(), pad)}, gpu_count: 2}}}}",
                open_ended=True,
            )
            return
        merge = self.alias("item", 0.5)
        anchor = self.anchor("item") if dash is not None and self.chance(0.3) else ""
        fields = [
            lambda: self.line(" " * pad + f"name: {self.quoted(name)}"),
            lambda: self.line(" " * pad + 'image: "oci://registry.example/x:1"'),
        ]
        if self.chance(0.5):
            fields.append(lambda: self.line(" " * pad + "model_output_type: text"))
        if merge:
            fields.append(lambda: self.line(" " * pad + f"<<: {merge}"))
        if not merge or self.chance(0.5):
            fields.insert(self.random.randrange(len(fields) + 1), lambda: self.write_serving(pad))
        for write in fields:
            write()
        if dash is None:
            return
        first = next(
            at for at in range(start, len(self.lines)) if self.lines[at].strip()[:1] not in ("", "#")
        )
        if anchor:
            self.lines.insert(first, " " * dash + "- " + anchor.rstrip())
        else:
            self.lines[first] = " " * dash + "-" + " " * (pad - dash - 1) + self.lines[first][pad:]

    def write(self) -> str:
        count = self.random.randint(1, 4)
        blocks = [lambda: self._cars(count)]
        default = self.chance(0.6)
        if default:
            blocks.insert(self.random.randrange(2), self._default)
        for block in blocks:
            block()
        while self.chance(0.3):
            self.line("# end")
        eol = self.random.choice(["\n", "\n", "\r\n"])
        text = "\n".join(self.lines) + self.random.choice(["\n", "\n", "", "\n\n"])
        return text.replace("\n", eol)

    def _default(self) -> None:
        self.line("default:")
        at = len(self.lines)
        self.write_serving(2)
        self.line("  execution_mode: sequential")
        assert len(self.lines) > at

    def _cars(self, count: int) -> None:
        elsewhere = self.random.randrange(3) if self.chance(0.3) else 0
        if elsewhere:
            self.line("x-models:")
            for number in range(elsewhere):
                self.anchors += 1
                self.lines.append(f"  - &m{self.anchors}")
                self.line(f"    name: elsewhere-{number}")
                self.line("    image: oci://r/y:1")
                self.write_serving(4)
        self.line("model-car:")
        if not elsewhere and count == 1 and self.chance(0.5):
            self.write_model(0, None, 2)
            return
        dash = self.random.choice([0, 2])
        pad = dash + self.random.choice([2, 2, 4])
        for number in range(count):
            self.write_model(number, dash, pad)
        moved = [line.split("&")[1] for line in self.lines if line.startswith("  - &m")]
        for name in moved:
            self.line(" " * dash + f"- *{name}")


def load(text: str) -> Any:
    """What PyYAML makes of a text: the judge, which knows nothing of our own reader."""
    return yaml.load(text, Loader=yaml.CSafeLoader)


def effective(document: Any, item: Any) -> dict[str, Any]:
    """The arguments of a model by the QA suite's rule, from what PyYAML loads."""
    block = item.get("serving_arguments") or (document.get("default") or {}).get("serving_arguments") or {}
    return dict(block)


def cars(document: Any) -> list[Any]:
    """The models as a list."""
    found = document["model-car"]
    return found if isinstance(found, list) else [found]


def group(args: list[str], index: int) -> list[int]:
    """An argument and the values behind it."""
    found = [index]
    if args[index].startswith("-") and "=" not in args[index] and args[index] != "-1":
        while found[-1] + 1 < len(args) and (
            not args[found[-1] + 1].startswith("-") or args[found[-1] + 1] == "-1"
        ):
            found.append(found[-1] + 1)
    return found


def random_changes(random: Random, document: Any) -> tuple[list[Change], Any]:
    """Changes of some models and the document that they are meant to give."""
    changes: list[Change] = []
    items = []
    for item in cars(document):
        serving = effective(document, item)
        args = list(serving.get("args") or [])
        new = dict(item)
        if random.random() < 0.7:
            made, serving = _changes(random, item["name"], serving, args)
            changes += made
            if made:
                new["serving_arguments"] = serving
        items.append(new)
    shaped = items if isinstance(document["model-car"], list) else items[0]
    return changes, {**document, "model-car": shaped}


def _changes(
    random: Random, name: str, serving: dict[str, Any], args: list[str]
) -> tuple[list[Change], dict[str, Any]]:
    made: list[Change] = []
    target: list[str | None] = list(args)
    index = 0
    while index < len(args):
        members = group(args, index)
        unique = args.count(args[index]) == 1 and args[index].startswith("-") and args[index] != "-1"
        old = " ".join(args[at] for at in members)
        flag = args[index].split("=")[0]
        roll = random.random()
        if unique and roll < 0.25:
            made.append(_change(name, Operation.REMOVE, flag, old, None, len(made)))
            target[members[0] : members[-1] + 1] = [None] * len(members)
        elif unique and roll < 0.5:
            value = random.choice(NEW)
            made.append(_change(name, Operation.SET, flag, old, value, len(made)))
            target[members[0] : members[-1] + 1] = [value, *[None] * (len(members) - 1)]
        index = members[-1] + 1
    result = [value for value in target if value is not None]
    for _ in range(random.choice([0, 0, 1, 2])):
        value = random.choice(NEW)
        made.append(_change(name, Operation.ADD, value.split("=")[0], None, value, len(made)))
        result.append(value)
    serving = dict(serving)
    if random.random() < 0.4:
        serving["gpu_count"] = random.randint(1, 16)
        made.append(
            _change(name, Operation.GPU_COUNT, "gpu_count", "1", str(serving["gpu_count"]), len(made))
        )
    if result != args:
        serving["args"] = result
    return made, serving


def _change(
    model: str, operation: Operation, flag: str, old: str | None, new: str | None, number: int
) -> Change:
    return Change(
        id=f"{model}/{flag}/{number}",
        model=model,
        operation=operation,
        flag=flag,
        old=old,
        new=new,
        reason="r",
    )


def styled(seed: int) -> Styled:
    """The manifest, plan and intended document of a seed."""
    random = Random(seed)
    text = Writer(random).write()
    encoding, bom = random.choice(
        [("utf-8", b"")] * 6 + [("utf-8", b"\xef\xbb\xbf"), ("utf-16-le", b"\xff\xfe")]
    )
    data = bom + text.encode(encoding)
    document = load(text)
    changes, intended = random_changes(random, document)
    return Styled(data, text, plan_for(data, changes), intended)


def plan_for(data: bytes, changes: list[Change]) -> Plan:
    """A plan for a base's bytes."""
    return Plan(
        base="x.base.yaml",
        base_sha256=hashlib.sha256(data).hexdigest(),
        target="x.generated.yaml",
        changes=tuple(changes),
    )
