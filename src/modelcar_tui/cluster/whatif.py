"""Inventories without a cluster: `--gpu PRODUCT:COUNT[@NODES]` and `--inventory FILE`."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from modelcar_tui.cluster.types import GpuNode, Guarantee, Inventory, Pool
from modelcar_tui.core.errors import Problem, UserError
from modelcar_tui.core.text import clean
from modelcar_tui.hardware import (
    Product,
    mig_profiles,
    product_named,
    products,
    row_named,
    vendor_in,
    vendors,
)

_FORM = re.compile(r"(?P<product>[^:@\s]{1,80}):(?P<count>\d{1,4})(?:@(?P<nodes>\d{1,5}))?", re.ASCII)
_MIG = re.compile(r"(?P<parent>.+)-MIG-(?P<profile>\d+g\.\d+gb[\w.+]*)", re.IGNORECASE)
_SLICE = re.compile(r"(\d+)g\.(\d+)gb")
_NO_CARD = re.compile(
    r"hbm\w*|\d+gb|sxm\d*|pcie|nvl|oam|ti|ac|pro|rtx|geforce|tesla|quadro|instinct|server|edition|generation"
    r"|ibm|tpu|slice|device|lite|podslice|nvidia|amd|intel|mig|shared|dgx|hgx|grid|\d+x|x\d+"
)
"""Words that say a memory, a form, a line or a vendor, but no card; generations are among the families."""
_LINES = {"geforce", "rtx", "tesla", "quadro", "instinct"}
"""Words that a short name may leave out and still be the whole name of a card."""
_OTHER_CARD = {"ti", "super"}
"""Words that make it another card: a name without them never means one with them."""
MOST_PER_NODE = 1024
MOST_NODES = 10_000


class Named(msgspec.Struct, frozen=True, kw_only=True):
    """What a name stands for."""

    text: str
    """Without a MIG profile."""
    profile: str = ""
    cards: tuple[str, ...] = ()
    """The cards of our table that it fits, by our names; more than one where it is too short, and first the
    one that an estimate takes."""
    near: tuple[str, ...] = ()
    """Where it fits none: those that may be meant."""

    @property
    def card(self) -> str:
        """The one card that is meant; empty where there are several or none."""
        return self.cards[0] if len(self.cards) == 1 else ""

    def problem(self, flag: str) -> Problem | None:
        """Why the name can't be taken; None for one card, and for a name that is like none of ours."""
        shown, where = clean(self.text, limit=80), f"--gpu {clean(flag, limit=120)}"
        if len(self.cards) > 1:
            what = f"{shown} is one of {len(self.cards)} cards: {', '.join(self.cards)}"
            return Problem(where=where, what=what, code="gpu-flag")
        if not self.cards and self.near:
            fix = f"did you mean {', '.join(self.near)}?"
            return Problem(where=where, what=f"no such product as {shown}", fix=fix, code="gpu-flag")
        return slice_problem(self.card, self.profile, flag)


def slice_problem(card: str, profile: str, flag: str) -> Problem | None:
    """Why a card of our table can't be cut into such slices by MIG; None where it can, or nobody knows."""
    known, match = product_named(card), _SLICE.match(profile)
    if known is None or match is None:
        return None
    profiles = mig_profiles(known)
    cut = known.generation is not None and known.generation.mig and not card.startswith("GeForce")
    if not profiles and not cut:
        what, fix = f"{card} can't be cut into slices by MIG", "name the whole card"
    elif profiles and not _possible(int(match[1]), int(match[2]), [*profiles]):
        what, fix = f"{card} has no MIG slice {clean(profile, limit=40)}", f"it has {', '.join(profiles)}"
    else:
        return None
    return Problem(where=f"--gpu {clean(flag, limit=120)}", what=what, fix=fix, code="gpu-flag")


def _possible(computes: int, memory: int, profiles: Sequence[str]) -> bool:
    """Whether a slice of so many sevenths (fourths) and GB could be one of a card with these slices.

    Our table may lack one, such as `1g.10gb` of a card with 40 GB: the memory of another slice, and at most
    twice the least that so much computing comes with.
    """
    sizes = [(int(match[1]), int(match[2])) for text in profiles if (match := _SLICE.match(text))]
    least = min((gb for count, gb in sizes if count == computes), default=0)
    return least <= memory <= 2 * least + 1 and memory in {gb for _, gb in sizes}


def parse_gpu_flags(flags: Sequence[str]) -> Inventory:
    """The inventory that the operator states: `("NVIDIA-H100-80GB-HBM3:8", "L40S:4@3")`.

    A short name is taken where it fits one card; a product that nothing in our table resembles is taken as it
    is, with its memory unknown.

    Raises:
        UserError: a flag has another form, or its product is only nearly one of ours, or one of several.
    """
    nodes: list[GpuNode] = []
    for flag in flags:
        nodes.extend(_nodes(flag, len(nodes)))
        if len(nodes) > MOST_NODES:
            raise _bad(flag, f"more than {MOST_NODES} nodes in all", "")
    return Inventory(nodes=tuple(nodes), origin="--gpu", nodes_seen=len(nodes))


def _nodes(flag: str, before: int) -> Iterable[GpuNode]:
    match = _FORM.fullmatch(flag.strip())
    if match is None:
        raise _bad(
            flag, "not of the form PRODUCT:COUNT[@NODES]", "write it as NVIDIA-L40S:4 or NVIDIA-L40S:4@3"
        )
    count, many = int(match["count"]), int(match["nodes"] or 1)
    if not 1 <= count <= MOST_PER_NODE:
        raise _bad(flag, f"{count} GPUs on a node", f"give a count from 1 to {MOST_PER_NODE}")
    if not 1 <= many <= MOST_NODES:
        raise _bad(flag, f"{many} nodes", f"give a number of nodes from 1 to {MOST_NODES}")
    product, profile = _product(flag, match["product"])
    known = product_named(product)
    word = known.vendor if known else vendor_in(product)
    vendor = vendors()[word]
    pool = _pool(known, vendor.resources[0], profile, count)
    unknown = pool.mem_guarantee is Guarantee.UNKNOWN
    notes = (f"{product} is not in our table: its memory is unknown",) if unknown else ()
    for index in range(before, before + many):
        yield GpuNode(
            name=f"what-if-{index + 1}",
            vendor=word,
            product=product,
            product_from="operator",
            stated=True,
            family=known.family if known else None,
            cc=known.capability if known else None,
            provider="unknown",
            physical=None if profile else count,
            pool=(pool,),
            notes=notes,
            scheduler=vendor.scheduler,
            vllm_runtime=bool(vendor.templates),
        )


def _pool(known: Product | None, resource: str, profile: str, count: int) -> Pool:
    """Cards by the table, or slices of them; of some cards the table has CUDA's total alone."""
    memory, visible = (known.memory_mib, known.visible_gib) if known else (None, None)
    guarantee = Guarantee.EXCLUSIVE
    if profile:
        memory, visible, resource = mig_profiles(known).get(profile), None, f"nvidia.com/mig-{profile}"
        guarantee = Guarantee.HARD_SLICE
    return Pool(
        resource=resource,
        units=count,
        capacity=count,
        free=count,
        mem_mib=memory,
        mem_guarantee=guarantee if memory or visible is not None else Guarantee.UNKNOWN,
        mem_from="model-table" if memory else "none",
        mig_profile=profile or None,
    )


def _product(flag: str, text: str) -> tuple[str, str]:
    """The product by our name, and its MIG profile."""
    named = find_card(text)
    if problem := named.problem(flag):
        raise UserError(problem)
    return named.card or clean(named.text, limit=80), named.profile


def find_card(text: str) -> Named:
    """What a name of a card, as people write it, stands for; a short one for the card that alone it fits."""
    profile = ""
    if match := _MIG.fullmatch(text):
        text, profile = match["parent"], match["profile"].lower()
    names = {_key(name): name for name in products()}
    key = _key(text)
    if key in names:
        return Named(text=text, profile=profile, cards=(names[key],))
    cards = _cards(text, key, names)
    if len(cards) == 1 and _sister(text, cards[0]):
        return Named(text=text, profile=profile)
    near: list[str] = []
    if len(cards) == 1 and not _names_a_card(key, names):
        cards, near = [], cards  # a memory or a generation that only one card of our table has
    if not cards and not near:
        near = _like(key, names)
        near = near if near or row_named(text) is not None else _inside(key, names)
    return Named(text=text, profile=profile, cards=tuple(_preferred(text, cards)), near=tuple(near[:6]))


def _cards(text: str, key: str, names: Mapping[str, str]) -> list[str]:
    """The cards that a name fits; several where it is too short."""
    if not key:
        return []
    words = key.split("-")
    cards = [name for other, name in names.items() if _fits(words, other.split("-"))]
    whole = [name for name in cards if {*words} <= {*_key(name).split("-")} <= {*words} | _LINES]
    cards = whole if len(whole) == 1 else cards
    starts = _starting(key, names)
    return cards or (starts if len(starts) == 1 else _by_alias(text) or _run_together(key, names))


def _starting(key: str, names: Mapping[str, str]) -> list[str]:
    return [name for other, name in names.items() if key and other.startswith(key)]


def _preferred(text: str, cards: Sequence[str]) -> list[str]:
    """First the card that an estimate takes for this name."""
    row = row_named(text)
    return sorted(cards, key=lambda card: row is None or row_named(card) is not row)


def _sister(text: str, card: str) -> bool:
    """Whether the name is that of another card of the same number: `RTX-4060` is no `RTX-4060-Ti`."""
    told, own = ({*_key(name).split("-")} & _OTHER_CARD for name in (text, card))
    return told != own and row_named(text) is not product_named(card)


def _names_a_card(key: str, names: Mapping[str, str]) -> bool:
    """Whether one of its words stands for a card, and not only for a memory, a form or a generation."""
    words = {word for other in names for word in other.split("-")}
    families = {part for product in products().values() for part in (product.family or "").split("-")}
    return any(
        word not in families and not _NO_CARD.fullmatch(word) and (not word.isdecimal() or word in words)
        for word in key.split("-")
    )


def _inside(key: str, names: Mapping[str, str]) -> list[str]:
    """The cards one of whose own words stands in the name, counted or not: `8xh100`, `h100x8`,
    `h100-94gb`."""
    parts = re.findall(r"[a-z0-9]+", key)
    parts += [re.sub(r"^\d+x|x\d+$", "", part) for part in parts]
    whole = {"-".join(parts[at:]) for at in range(len(parts))} | {*parts}
    exact = [name for other, name in names.items() if other in whole]
    own = [part for part in parts if re.search(r"[a-z]", part) and _names_a_card(part, names)]
    return exact or [name for other, name in names.items() if {*own} & {*other.split("-")}]


def _fits(short: Sequence[str], words: Sequence[str]) -> bool:
    """Whether each word of a short name is one of the card's: `H100`, `80` for `80GB`, `MI300` for
    `MI300X`."""

    def means(one: str, word: str) -> bool:
        return word == one or (word.startswith(one) and word[len(one) :].isalpha())

    return all(any(means(one, word) for word in words) for one in short)


def _run_together(key: str, names: Mapping[str, str]) -> list[str]:
    """The cards of a name that was written without its hyphens: `RTX4090`."""
    short = key.replace("-", "")
    if len(short) < 4 or not any(char.isdecimal() for char in short):
        return []
    return [name for other, name in names.items() if other.replace("-", "").endswith(short)]


def _like(key: str, names: Mapping[str, str]) -> list[str]:
    """The cards whose name, or one word of it, begins with this, is nearly this, or looks like it
    (`L4OS`)."""
    if starts := _starting(key, names):
        return starts
    digits = re.sub(r"(?<=\d)o+|o+(?=\d)", lambda match: "0" * len(match[0]), key)
    letters = str.maketrans("oil", "011")
    for other in (digits, re.sub(r"[il](?=\d)|(?<=\d)[il]", "1", digits), key.translate(letters)):
        if other != key and (
            cards := [name for one, name in names.items() if _fits([other], one.split("-"))]
        ):
            return cards
    if close := difflib.get_close_matches(key, names, n=4, cutoff=0.8):
        return [names[other] for other in close]
    words = {word for other in names for word in other.split("-") if len(word) > 2}
    close = difflib.get_close_matches(key, words, n=1, cutoff=0.85)
    return [name for other, name in names.items() if close and close[0] in other.split("-")]


def _by_alias(text: str) -> list[str]:
    """The cards that the GPU table knows by this other name, such as `H100-SXM5`."""
    row = row_named(text)
    return [row.name] if row is not None else []


def _key(product: str) -> str:
    """`NVIDIA-H100-80GB-HBM3`, `nvidia h100 80gb hbm3` and `H100-80GB-HBM3` are one."""
    text = re.sub(r"[\s_-]+", "-", product.strip().casefold()).strip("-")
    text = re.sub(r"^(?:nvidia|amd|intel|google|aws)-", "", text)
    return re.sub(r"^(?:instinct-)?(mi\d+[a-z]?)(?:-oam)?$", r"instinct-\1", text)


def _bad(flag: str, what: str, fix: str) -> UserError:
    return UserError(Problem(where=f"--gpu {clean(flag, limit=120)}", what=what, fix=fix, code="gpu-flag"))
