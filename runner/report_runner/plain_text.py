"""
Text that comes from a script, made fit for a log, a status or a mail.

It may hold anything: escape sequences that rewrite a terminal, line breaks that forge a log
entry, lone surrogates that cannot be encoded.
"""

from typing import Final

_KEPT: Final = frozenset("\t ")


def escape(text: str) -> str:
    """Return *text* on one line, with everything that does not print as a visible escape."""
    if text.isprintable():
        return text
    return "".join(
        char if char in _KEPT or char.isprintable() else ascii(char)[1:-1] for char in text
    )


def shorten(text: str, limit: int) -> str:
    """Return *text* cut to *limit* characters, the last of them saying so."""
    return text if len(text) <= limit else text[: limit - 1] + "…"
