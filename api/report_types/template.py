"""The placeholders of a mail's subject and text: ``{{ run.date }}`` and the like."""

import re
from collections.abc import Mapping
from typing import Final

from report_types.base import Rule, cel_string

PLACEHOLDERS: Final = (
    "report.name",
    "report.namespace",
    "run.name",
    "run.date",
    "run.time",
    "result.rows",
)
_HOLE: Final = re.compile(r"\{\{\s*(.*?)\s*\}\}", re.DOTALL)
_KNOWN: Final = "|".join(name.replace(".", r"\.") for name in PLACEHOLDERS)
_TEXT_PATTERN: Final = rf"^([^{{]|\{{[^{{]|\{{\{{[ ]?({_KNOWN})[ ]?\}}\}})*\{{?$"


def _all_known(template: str) -> bool:
    for hole in _HOLE.findall(template):
        if hole not in PLACEHOLDERS:
            known = ", ".join("{{ " + name + " }}" for name in PLACEHOLDERS)
            raise ValueError(f"unknown placeholder {{{{ {hole} }}}}: the known ones are {known}")
    return re.fullmatch(_TEXT_PATTERN, template) is not None


TEMPLATE_RULE: Final = Rule(
    f"self.matches({cel_string(_TEXT_PATTERN)})",
    "unknown placeholder: the known ones are "
    + ", ".join("{{ " + name + " }}" for name in PLACEHOLDERS),
    _all_known,
)


def fill(template: str, values: Mapping[str, object]) -> str:
    """Return *template* with each placeholder replaced by its value; *values* has them all."""
    return _HOLE.sub(lambda hole: str(values[hole[1]]), template)
