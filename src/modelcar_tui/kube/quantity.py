"""Kubernetes quantities: `8`, `1k`, `64839428Ki`, `15500m`, `1e3`."""

from __future__ import annotations

import re
from decimal import ROUND_CEILING, Decimal, InvalidOperation

_SUFFIX = {
    "": Decimal(1),
    "m": Decimal("0.001"),
    "u": Decimal("0.000001"),
    "n": Decimal("0.000000001"),
    "k": Decimal(10) ** 3,
    "M": Decimal(10) ** 6,
    "G": Decimal(10) ** 9,
    "T": Decimal(10) ** 12,
    "P": Decimal(10) ** 15,
    "E": Decimal(10) ** 18,
    "Ki": Decimal(2) ** 10,
    "Mi": Decimal(2) ** 20,
    "Gi": Decimal(2) ** 30,
    "Ti": Decimal(2) ** 40,
    "Pi": Decimal(2) ** 50,
    "Ei": Decimal(2) ** 60,
}
_FORM = re.compile(
    r"([+-]?[0-9]{0,30}(?:\.[0-9]{0,30})?)(?:[eE]([+-]?[0-9]{1,2})|([numkMGTPE]i?|Ki)?)", re.ASCII
)
_LARGEST = 2**63


def whole(value: object) -> int | None:
    """The quantity rounded down to a whole number, or None when it is none (or beyond 64 bits)."""
    if type(value) is str:
        if value.isdecimal() and value.isascii() and len(value) < 19:
            return int(value)
        number = _decimal(value)
    elif type(value) is int or (type(value) is float and abs(value) < _LARGEST):
        number = Decimal(value)
    else:
        return None
    return int(number) if number is not None and abs(number) < _LARGEST else None


def thousandths(value: object) -> int | None:
    """The quantity in thousandths, rounded up as Kubernetes does (MilliValue), or None when it is none."""
    number = _decimal(str(value)) if type(value) in (str, int, float) else None
    if number is None or abs(number) >= _LARGEST // 1000:
        return None
    return int((number * 1000).to_integral_value(ROUND_CEILING))


def mebibytes(value: object) -> int | None:
    """A quantity in bytes as whole MiB, or None."""
    number = whole(value)
    return None if number is None or number < 0 else number // 2**20


def _decimal(text: str) -> Decimal | None:
    match = _FORM.fullmatch(text.strip())
    if match is None:
        return None
    digits, exponent, suffix = match.groups()
    factor = Decimal(10) ** int(exponent) if exponent else _SUFFIX.get(suffix or "")
    if factor is None:
        return None
    try:
        return Decimal(digits) * factor
    except InvalidOperation:
        return None
