"""Types are learnt by one thread at a time: msgspec dies where two threads meet a type for the first time."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

import modelcar_tui
from modelcar_tui.core.decode import convert, decode

SOURCE = Path(modelcar_tui.__file__).parent
DOOR = SOURCE / "core" / "decode.py"

# Types that no one has met, and four threads that meet each at once, as pages of a cluster are decoded.
CHILD = """
import sys, threading, types
import msgspec
from modelcar_tui.core.decode import convert, decode

sys.setswitchinterval(1e-6)
FIELDS = "".join(f"    f{k}: 'int | str | None' = None\\n" for k in range(12))
CODE = f'''
import msgspec
class Inner(msgspec.Struct):
{FIELDS}
class Outer(msgspec.Struct):
    one: "Inner" = msgspec.field(default_factory=lambda: Inner())
    many: "list[Inner] | None" = None
'''
DATA = {"one": {"f1": 1, "f11": "x"}, "many": [{"f0": 1}]}
TEXT = msgspec.json.encode(DATA)

def ask(kind, way, gate, said):
    gate.wait()
    said.append(way(TEXT, kind) if way is decode else way(DATA, kind))

for round in range(150):
    module = sys.modules[f"met{round}"] = types.ModuleType(f"met{round}")
    exec(CODE, module.__dict__)
    gate, said = threading.Barrier(4), []
    ways = (decode, convert, decode, convert)
    threads = [threading.Thread(target=ask, args=(module.Outer, way, gate, said)) for way in ways]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(said) == 4 and all(one.one.f11 == "x" and one.many[0].f0 == 1 for one in said), said
print("lived")
"""


def test_threads_that_meet_a_type_at_once_all_get_it() -> None:
    done = subprocess.run(
        [sys.executable, "-c", CHILD], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout) == (0, "lived\n"), done.stderr


def _learns(node: ast.AST) -> bool:
    if not isinstance(node, ast.Call):
        return False
    called = ast.unparse(node.func)
    if not called.startswith("msgspec."):
        return False
    typed = called.endswith(".decode") and any(word.arg == "type" for word in node.keywords)
    return typed or called == "msgspec.convert" or called.endswith(".Decoder")


def test_no_other_module_lets_msgspec_learn_a_type() -> None:
    found = [
        f"{path.relative_to(SOURCE)}:{node.lineno}"
        for path in SOURCE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if path != DOOR and _learns(node)
    ]
    assert not found, "ask modelcar_tui.core.decode"
    assert any(_learns(node) for node in ast.walk(ast.parse(DOOR.read_text()))), (
        "the search finds what it seeks"
    )


def test_what_does_not_fit_is_said_by_msgspecs_own_errors() -> None:
    with pytest.raises(msgspec.ValidationError):
        decode(b'["x"]', list[int])
    with pytest.raises(msgspec.DecodeError):
        decode(b"[1", list[int])
    with pytest.raises(msgspec.ValidationError):
        convert(["x"], list[int])
    assert decode(b"[1]", list[int]) == convert([1], list[int]) == [1]
