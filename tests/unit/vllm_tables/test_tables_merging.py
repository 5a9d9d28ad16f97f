"""How a release gets into the tables: nothing of the others changes, and what is new is said."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

TOOLS = Path(__file__).parents[3] / "tools"
ROOM = Path(__file__).parents[3] / "src" / "modelcar_tui" / "vllm"


@pytest.fixture(autouse=True)
def tools(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(TOOLS))


@pytest.fixture
def room(tmp_path: Path) -> Path:
    """A copy of the real tables: no test writes into those."""
    for file in ROOM.glob("*.json"):
        shutil.copy(file, tmp_path)
    return tmp_path


def test_merging_nothing_changes_no_byte(room: Path) -> None:
    from vllm_tables.update import TABLES

    before = {file.name: file.read_bytes() for file in room.glob("*.json")}
    for table in TABLES.values():
        assert table.merge(room, {}) == []
    assert {file.name: file.read_bytes() for file in room.glob("*.json")} == before


def test_what_was_read_is_merged_and_what_no_source_says_is_kept(room: Path) -> None:
    from vllm_tables.arguments import FILE, TABLE
    from vllm_tables.asked import Spec

    before = {row["flag"]: row for row in json.loads((room / FILE).read_bytes())["flags"]}
    new = (Spec(flag="--seed", kind="float"), Spec(flag="--quite-new", kind="int"))
    said = TABLE.merge(room, {"9.9.0": new})
    content = json.loads((room / FILE).read_bytes())
    after = {row["flag"]: row for row in content["flags"]}
    assert content["versions"][-1] == content["forms_read"][-1] == "9.9.0"
    assert after["--quite-new"] == {
        "flag": "--quite-new",
        "first": "9.9.0",
        "forms": [{"since": "9.9.0", "kind": "int"}],
    }
    assert after["--seed"]["forms"] == [*before["--seed"]["forms"], {"since": "9.9.0", "kind": "float"}]
    assert after["--swap-space"] == before["--swap-space"] and "instead" in after["--swap-space"]
    assert after["--host"] == before["--host"] | {"gone": "9.9.0", "forms": before["--host"]["forms"]}
    assert said[0] == "arguments new: --quite-new" and "--host" in said[1]
    assert said[2] == "argument --seed: int -> float"


def test_an_argument_that_came_back_is_told_and_nothing_is_written(room: Path) -> None:
    from vllm_tables.arguments import FILE, TABLE
    from vllm_tables.asked import Spec

    before = (room / FILE).read_bytes()
    with pytest.raises(SystemExit, match=r"--swap-space: gone in 0\.18\.0 and back"):
        TABLE.merge(room, {"9.9.0": (Spec(flag="--swap-space", kind="float"),)})
    assert (room / FILE).read_bytes() == before


def test_a_release_between_two_others_takes_its_place(tmp_path: Path) -> None:
    from vllm_tables.stores import NameTable, ValueTable

    values = ValueTable(name="v", file="v.json", about="", reader=lambda _: {})
    names = NameTable(name="n", file="n.json", about="", reader=lambda _: {})
    values.merge(tmp_path, {"1.0": {"g": {"k": 1}}, "1.2": {"g": {"k": 1}}})
    names.merge(tmp_path, {"1.0": {"g": ["a"]}, "1.2": {"g": ["a", "b"]}})
    assert values.merge(tmp_path, {"1.1": {"g": {"k": 2}}}) == ["v g/k: 1 -> 2"]
    assert names.merge(tmp_path, {"1.1": {"g": ["b"]}}) == ["g new: b", "g gone: a"]
    assert json.loads((tmp_path / "v.json").read_bytes())["groups"] == {
        "g": {"k": [["1.0", 1], ["1.1", 2], ["1.2", 1]]}
    }
    assert json.loads((tmp_path / "n.json").read_bytes()) == {
        "about": "",
        "read": ["1.0", "1.1", "1.2"],
        "groups": {"g": {"1.0-1.0": ["a"], "1.1": ["b"], "1.2": ["a"]}},
    }
    assert values.merge(tmp_path, {"1.1": {"g": {}}}) == ["v g/k: 1 -> nothing"]


def test_versions_are_ordered_as_numbers() -> None:
    from vllm_tables.history import before, ordered, spans_of, values_by_release

    assert ordered(["0.10.0", "0.9.2", "0.8.5.post1", "0.8.5"]) == ["0.8.5", "0.8.5.post1", "0.9.2", "0.10.0"]
    assert (before("0.10.0", ["0.9.2", "0.11.0"]), before("0.1", ["0.9.2"])) == ("0.9.2", None)
    assert spans_of({"0.10.0": ["a"], "0.9.0": ["a", "b"]}) == {"0.9.0": ["a"], "0.9.0-0.9.0": ["b"]}
    assert values_by_release({"k": [["0.9.0", 1], ["0.10.0", None]]}, ["0.10.0", "0.9.0"]) == {
        "0.9.0": {"k": 1},
        "0.10.0": {},
    }


def test_a_fingerprint_hears_what_matters_and_nothing_else() -> None:
    from vllm_judge.source import Source
    from vllm_tables.syntax import definitions, difference, fingerprint

    def nodes(text: str, path: str = "vllm/a.py"):
        return definitions(Source({path: text}, "1.0"), "K.f", ("vllm/",))

    plain = nodes("class K:\n    def f(self, a):\n        return a + 1\n")
    dressed = nodes(
        'class K(B):\n    def f(self, a: int) -> int:\n        """Text."""\n        # why\n'
        '        logger.info("%s", a)\n        return a + 1\n',
        "vllm/moved/b.py",
    )
    other = nodes("class K:\n    def f(self, a):\n        return a + 2\n")
    assert fingerprint(plain) == fingerprint(dressed) != fingerprint(other)
    assert fingerprint(nodes("class K: ...\n")) is None
    assert difference(plain, other) == ["-    return a + 1", "+    return a + 2"]
    raised = [nodes(f"class K:\n    def f(self):\n        raise E('{text}')\n") for text in "ab"]
    assert fingerprint(raised[0]) == fingerprint(raised[1])


def test_each_watched_function_names_a_module_of_ours() -> None:
    from vllm_tables.fingerprints import Fingerprints

    kept = Fingerprints()
    assert {one.ours for one in kept.watched.values() if not (ROOM.parent / one.ours).is_file()} == set()
    assert [name for name, one in kept.watched.items() if not one.known] == []
