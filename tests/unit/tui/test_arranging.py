"""Where panels stand: nothing overlaps, all room is used, what matters most is whole."""

from __future__ import annotations

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st
from textual.geometry import Region

from modelcar_tui.tui.arranging import Want, arranged

NAMES = ("pane-1", "pane-2", "pane-3", "pane-4", "models", "page", "plan", "notes", "gpus", "log")

wants = st.lists(st.sampled_from(NAMES), min_size=1, unique=True).flatmap(
    lambda names: st.tuples(
        *(
            st.builds(
                Want,
                name=st.just(name),
                least=st.integers(3, 7),
                rows=st.integers(3, 70),
                weight=st.integers(1, 200),
                grows=st.just(name in ("page", "log")),
                short=st.just(0) | st.integers(3, 70),
            )
            for name in sorted(names, key=NAMES.index)
        )
    )
)


@given(st.integers(40, 260), st.integers(3, 90), wants)
def test_panels_fill_the_board_and_never_overlap(width: int, height: int, told: tuple[Want, ...]) -> None:
    places = arranged(width, height, told)
    assert places
    assert set(places) <= {want.name for want in told}
    board = Region(0, 0, width, height)
    assert all(place in board and place.area for place in places.values())
    assert not any(one.overlaps(other) for one, other in combinations(places.values(), 2))
    assert sum(place.area for place in places.values()) == board.area


@given(st.integers(40, 109), st.integers(10, 60), wants)
def test_what_weighs_most_is_always_there(width: int, height: int, told: tuple[Want, ...]) -> None:
    most = max(told, key=lambda want: want.weight)
    assert most.name in arranged(width, height, told)


def test_the_page_stands_beside_the_table_on_a_wide_screen_and_below_it_on_others() -> None:
    told = (Want("models", 5, 9, 80), Want("page", 7, 24, 40, grows=True), Want("plan", 3, 10, 45))
    wide = arranged(200, 50, told)
    assert wide["models"].y == wide["page"].y == 0
    assert wide["page"].x == wide["models"].right
    narrow = arranged(80, 40, told)
    assert narrow["page"].y >= narrow["models"].bottom
    assert narrow["models"].height == 9


def test_no_panel_hides_rows_while_another_has_rows_to_spare() -> None:
    told = (
        Want("models", 5, 9, 80),
        Want("page", 7, 14, 40, grows=True),
        Want("plan", 3, 6, 45),
        Want("notes", 4, 12, 30),
        Want("gpus", 5, 9, 25),
    )
    places = arranged(120, 32, told)
    short = [want.name for want in told if places[want.name].height < want.rows]
    spare = [want.name for want in told if places[want.name].height >= want.rows + 3]
    assert not (short and spare), places


def test_rows_in_which_a_folded_panel_would_show_nothing_go_to_another() -> None:
    told = (
        Want("models", 9, 9, 80),
        Want("page", 6, 24, 40, grows=True),
        Want("plan", 5, 10, 45, short=5),
    )
    tight, roomy = arranged(80, 24, told), arranged(80, 60, told)
    assert (tight["plan"].height, tight["page"].height) == (5, 10)
    assert roomy["plan"].height == 10
