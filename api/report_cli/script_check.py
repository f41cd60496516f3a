"""What can be said of a script without running it: whether it is Python, and sets ``result``."""

import symtable
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from platform import python_version
from typing import Final

_RESULT: Final = "result"
_INDIRECT: Final = frozenset(("exec", "globals", "setattr", "locals", "vars"))


@dataclass(frozen=True)
class ScriptFinding:
    """One finding; *line* and *column* count from 1 within the script."""

    line: int
    column: int
    message: str
    is_error: bool = True


def check_script(script: str) -> Iterator[ScriptFinding]:
    """Yield what is wrong with *script*, and what its author may not have meant."""
    error, doubts = _compile(script)
    yield from doubts
    if error:
        yield error
    elif not _may_assign_result(script):
        yield ScriptFinding(
            max(1, len(script.rstrip().splitlines())),
            1,
            "the script never assigns result: end it with result = …",
            is_error=False,
        )


def _compile(script: str) -> tuple[ScriptFinding | None, list[ScriptFinding]]:
    """Compile *script*, which runs none of it; return what forbids it, and what Python warns of."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            compile(script, "<script>", "exec", dont_inherit=True)
        except SyntaxError as error:
            return _syntax_error(error), []
        except ValueError:
            return ScriptFinding(1, 1, "the script holds a null byte: remove it"), []
        except (RecursionError, MemoryError, OverflowError):
            return ScriptFinding(1, 1, "the script is nested too deeply for Python"), []
    doubts = [
        ScriptFinding(warning.lineno, 1, f"{warning.message}", is_error=False)
        for warning in caught
        if issubclass(warning.category, SyntaxWarning | DeprecationWarning)
    ]
    return None, doubts


def _syntax_error(error: SyntaxError) -> ScriptFinding:
    version = ".".join(python_version().split(".")[:2])
    message = f"not valid Python {version}: {error.msg}"
    return ScriptFinding(error.lineno or 1, max(1, error.offset or 1), message)


def _may_assign_result(script: str) -> bool:
    with warnings.catch_warnings(action="ignore"):  # the compiler has told them
        top = symtable.symtable(script, "<script>", "exec")
    names = {symbol.get_name(): symbol for symbol in top.get_symbols()}
    if _INDIRECT & names.keys() or "import *" in script:
        return True  # it may be set in a way that only running it could show
    if (symbol := names.get(_RESULT)) and (symbol.is_assigned() or symbol.is_imported()):
        return True
    return any(_assigns_global(table) for table in top.get_children())


def _assigns_global(table: symtable.SymbolTable) -> bool:
    if _INDIRECT & set(table.get_identifiers()):
        return True
    if _RESULT in table.get_identifiers():
        symbol = table.lookup(_RESULT)
        if symbol.is_declared_global() and symbol.is_assigned():
            return True
    return any(_assigns_global(child) for child in table.get_children())
