"""`make mutants` makes small faults in code alone, and knows them again by their fingerprints."""

from __future__ import annotations

import sys
from pathlib import Path

TOOLS = Path(__file__).parents[2] / "tools"
sys.path.insert(0, str(TOOLS))

import mutants  # noqa: E402
from mutant_sites import Site, mutated, sites_of  # noqa: E402

CODE = '''"""1 and 2."""

from functools import cache

LIMIT: int | None = 3


@cache
def rest(of: int | None, less: int = 1) -> float | None:
    """More than 4."""
    if of and of > less:
        return max(0, of - 2) / 2.5
    print("5 > 4")
    return None


def told(names: list[str]) -> str:
    return f"{len(names) - 1}" if not names else "a" + "b"
'''

EXPECTED = [
    "5: LIMIT: int | None = 3 -> LIMIT: int | None = 4",
    "5: LIMIT: int | None = 3 -> LIMIT: int | None = 2",
    "9: 1 -> 2",
    "9: 1 -> 0",
    "11: of and of > less -> of or of > less",
    "11: of and of > less -> of and of >= less",
    "11: of and of > less -> of and of <= less",
    "12: return max(0, of - 2) / 2.5 -> return None",
    "12: return max(0, of - 2) / 2.5 -> return max(0, of - 2) * 2.5",
    "12: max(0, of - 2) / 2.5 -> 0 / 2.5",
    "12: max(0, of - 2) / 2.5 -> (of - 2) / 2.5",
    "12: max(0, of - 2) / 2.5 -> max(0, of - 2) / 3.5",
    "12: max(0, of - 2) / 2.5 -> max(0, of - 2) / 1.25",
    "12: max(0, of - 2) -> max(1, of - 2)",
    "12: max(0, of - 2) -> max(0, of + 2)",
    "12: of - 2 -> of - 3",
    "12: of - 2 -> of - 1",
    "13: print('5 > 4') -> pass",
    "18: return f'{len(names) - 1}' if not names else 'a' + 'b' -> return None",
    "18: f'{len(names) - 1}' if not names else 'a' + 'b' -> f'{len(names) - 1}' if names else 'a' + 'b'",
    "18: {len(names) - 1} -> {len(names) + 1}",
    "18: len(names) - 1 -> len(names) - 2",
    "18: len(names) - 1 -> len(names) - 0",
]


def test_faults_are_made_in_code_and_never_in_texts_annotations_or_decorators() -> None:
    words = [f"{site.line}: {site.old} -> {site.new}" for site in sites_of("x.py", CODE)]
    assert words == EXPECTED


def test_a_fault_changes_its_place_alone() -> None:
    site = next(site for site in sites_of("x.py", CODE) if site.new.startswith("of and of >="))
    assert "if of and of >= less:" in mutated(CODE, site)
    assert mutated(CODE, site).count(">=") == 1


def test_a_fault_is_known_again_where_its_line_has_moved_and_equal_ones_are_told_apart() -> None:
    before, after = sites_of("x.py", CODE), sites_of("x.py", f"\n\n{CODE}")
    assert [site.fingerprint for site in before] == [site.fingerprint for site in after]
    assert before[0].line + 2 == after[0].line
    twins = sites_of("x.py", "a = 1 < 2, 1 < 2\n")
    assert len({site.fingerprint for site in twins}) == len(twins)


def test_the_same_seed_chooses_the_same_faults_and_each_module_has_some() -> None:
    found: dict[str, list[Site]] = {
        name: sites_of(name, CODE * times) for name, times in (("a", 1), ("b", 4), ("c", 1))
    }
    chosen = mutants.sample(found, 20, 7)
    assert chosen == mutants.sample(found, 20, 7) != mutants.sample(found, 20, 8)
    assert len(chosen) == len(set(chosen)) == 20
    count = {name: sum(site.module == name for site in chosen) for name in found}
    assert 1 <= count["a"] < count["b"] > count["c"] >= 1


def test_what_is_said_to_change_nothing_are_faults_that_can_be_made_each_with_its_reason() -> None:
    reasons = mutants.equivalent()
    found = {module: sites_of(module, mutants.source_of(module)) for module in mutants.TESTS}
    assert mutants.stale(reasons, found) == []
    assert all(reasons.values())


def test_all_of_the_verdict_is_asked_about_and_every_module_has_tests_of_its_own() -> None:
    rooms = mutants.ROOT / "src" / mutants.PACKAGE / "verdict"
    assert {f"verdict/{file.name}" for file in rooms.glob("[!_]*.py")} <= set(mutants.TESTS)
    for paths in mutants.TESTS.values():
        assert all((mutants.ROOT / path).is_file() for path in paths)
