"""The registers of HAMi and Volcano: what anybody may have written into a node's annotation."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelcar_tui.cluster.vendors.registers import Register, register

HAMI, OLD, VOLCANO = (
    "hami.io/node-nvidia-register",
    "4pd.io/node-nvidia-register",
    "volcano.sh/node-vgpu-register",
)


@pytest.mark.parametrize(
    ("key", "text", "cards", "products"),
    [
        (HAMI, "G-1,10,15360,100,NVIDIA-Tesla T4,0,true:", 1, ("NVIDIA-Tesla T4",)),
        (HAMI, "G-1,10,15360,100,A,0,true,0,hami-core:G-2,10,15360,100,B,1,false,1,mps:", 2, ("A", "B")),
        (
            HAMI,
            '[{"id":"G-1","count":10,"type":"NVIDIA L4"},{"id":"G-2","type":"NVIDIA L4"}]',
            2,
            ("NVIDIA L4",),
        ),
        (OLD, "G-1,10,15360,100,NVIDIA-NVIDIA L4,0,true:", 1, ("NVIDIA-NVIDIA L4",)),
        (VOLCANO, "G-1,10,15360,NVIDIA-NVIDIA L4,true,hami-core:", 1, ("NVIDIA-NVIDIA L4",)),
        (VOLCANO, "G-1,10,15360,NVIDIA-NVIDIA L4,true:", 1, ("NVIDIA-NVIDIA L4",)),
        (HAMI, '[{"id":"G-1"}]', 1, ()),
    ],
)
def test_every_form_counts_the_cards(key: str, text: str, cards: int, products: tuple[str, ...]) -> None:
    assert register({key: text}) == Register(cards, products)


@pytest.mark.parametrize(
    "text",
    ["", ":", "[]", "{}", "[1]", "[" * 5000, "a,b", "G,1,2,3,T4,0,true:x", "," * 70_000, '[{"type": 5}]'],
)
def test_what_is_no_register_is_none(text: str) -> None:
    assert register({HAMI: text}) is None


def test_a_product_is_cleaned() -> None:
    found = register({HAMI: "G-1,10,1,100,NVIDIA\x1b[31m L4,0,true:"})
    assert found is not None
    assert all(name.isprintable() for name in found.products)


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.sampled_from([HAMI, OLD, VOLCANO]), st.text(max_size=200)))
def test_no_annotation_fails_a_node(annotations: dict[str, str]) -> None:
    found = register(annotations)
    assert found is None or found.cards > 0
