"""Quantities of Kubernetes (``500m``, ``512Mi``): checked, compared, turned into numbers."""

import re
from decimal import Decimal
from typing import Final

QUANTITY_PATTERN: Final = r"^[0-9]+(\.[0-9]{1,3})?(m|k|M|G|T|Ki|Mi|Gi|Ti)?$"
_FACTORS: Final = {
    "": Decimal(1),
    "m": Decimal("0.001"),
    "k": Decimal(10**3),
    "M": Decimal(10**6),
    "G": Decimal(10**9),
    "T": Decimal(10**12),
    "Ki": Decimal(2**10),
    "Mi": Decimal(2**20),
    "Gi": Decimal(2**30),
    "Ti": Decimal(2**40),
}


def parse_quantity(text: str) -> Decimal:
    """
    Return the number that *text* stands for: cores or bytes.

    Raises:
        ValueError: *text* is no quantity.
    """
    match = re.fullmatch(r"([0-9]+(?:\.[0-9]{1,3})?)([A-Za-z]{0,2})", text)
    if not match or match[2] not in _FACTORS:
        raise ValueError(
            f"{text!r} is no quantity: write a number and a unit, such as 500m or 512Mi"
        )
    return Decimal(match[1]) * _FACTORS[match[2]]


def to_bytes(text: str) -> int:
    """Return a memory or storage quantity in whole bytes."""
    return int(parse_quantity(text))
