"""
YAML files, read as kubectl reads them, with the line and the column of every part.

kubectl's YAML is that of Go: ``yes`` and ``on`` are booleans, ``010`` is eight, ``10:30`` and
``2026-01-01`` are text. Python's libraries read these in other ways, so only their parser is used,
and the values are made here.
"""

import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, StringMark, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.reader import ReaderError

from report_cli.findings import Finding, Path, Place, field_name
from report_cli.yaml_scalars import plain_value

_MAX_NODES: Final = 100_000  # in one document; an alias counts each time that it is used
_TEXT: Final = "tag:yaml.org,2002:str"
_HINTS: Final = (
    ("'\\t'", "indent with spaces, not with tabs"),
    ("mapping values are not allowed", "put a text that holds ': ' in quotes, or check the indentation"),
    ("could not find expected ':'", "write KEY: VALUE, or indent the line as part of the text above"),
    ("expected <block end>", "check the indentation of this line"),
    ("unexpected end of stream", "close the quote that was opened"),
    ("undefined alias", "define it with & before it is used, or put a text that starts with * in quotes"),
    ("cannot start any token", "put a text that starts with this character in quotes"),
    ("<stream end>", "close the bracket that was opened"),
    ("expected the node content", "for a Helm template, check what `helm template` renders"),
    ("expected ',' or", "close the bracket, or put the text in quotes"),
)  # fmt: skip


@dataclass
class Document:
    """One YAML document: *value* as JSON would have it, and where each part of it stands."""

    file: str
    value: Any = None
    start: Place = Place(1, 1)
    keys: dict[Path, Place] = field(default_factory=dict)
    values: dict[Path, Place] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    def find(self, path: Path, *, key: bool = False) -> Place:
        """
        Return where *path* stands, or else the nearest thing around it.

        A text or number is found at its own place, an object or list at its key's; with *key*,
        everything is.
        """
        for end in range(len(path), 0, -1):
            places = (self.keys, self.values) if key else (self.values, self.keys)
            for known in places:
                if place := known.get(path[:end]):
                    return place
            key = True
        return self.start

    def finding(self, path: Path, message: str, *, key: bool = False, **more: Any) -> Finding:
        """Return a finding about *path*."""
        place = self.find(path, key=key)
        return Finding(self.file, message, field=field_name(path), place=place, **more)


def read_documents(file: str, text: str) -> Iterator[Document]:
    """
    Yield the documents of *text*, but for empty ones, each with what is wrong with its YAML.

    After a syntax error nothing more can be read: the last document holds that finding alone.
    """
    constructor, _ = YAML(typ="safe", pure=True).get_constructor_parser(text)
    composer = constructor.composer
    try:
        while composer.check_node():
            node = composer.get_node()
            document = _Builder(
                Document(file, start=_place(node)), composer.resolver.resolve
            ).build(node)
            if document.value is not None or document.findings:
                yield document
    except RecursionError:
        yield _broken(file, "is nested too deeply, or an alias holds itself: write it out", None)
    except ReaderError as error:
        before = text[: error.position]
        place = Place(before.count("\n") + 1, len(before) - before.rfind("\n"))
        yield _broken(
            file, "holds a control character: remove it, or write it as \\xNN in quotes", place
        )
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        yield _broken(file, _syntax_message(error), _place_of(mark) if mark else None)
    except YAMLError as error:
        yield _broken(file, f"is no YAML: {str(error).splitlines()[0]}", None)


def _broken(file: str, message: str, place: Place | None) -> Document:
    return Document(file, findings=[Finding(file, message, place=place)])


def _syntax_message(error: MarkedYAMLError) -> str:
    problem = " ".join(str(error.problem or error.context or "cannot be read").split())
    hints = (hint for words, hint in _HINTS if words in problem)
    return f"YAML syntax: {problem}; {next(hints, 'check this line and the one above it')}"


def _place_of(mark: StringMark) -> Place:
    return Place(mark.line + 1, mark.column + 1)


def _place(node: Node) -> Place:
    place = _place_of(node.start_mark)
    return Place(place.line, place.column, is_block=getattr(node, "style", None) == "|")


class _Builder:
    """Makes the value of one document from its nodes."""

    def __init__(self, document: Document, resolve: Callable[..., str]) -> None:
        self._document = document
        self._resolve = resolve
        self._left = _MAX_NODES

    def build(self, node: Node) -> Document:
        self._document.value = self._value(node, ())
        return self._document

    def _value(self, node: Node, path: Path) -> Any:
        self._left -= 1
        if self._left < 0:
            if self._left == -1:
                self._report(
                    path, node, "the document is too large once its aliases are written out"
                )
            return None
        if isinstance(node, MappingNode):
            return self._mapping(node, path)
        if isinstance(node, SequenceNode):
            return [self._item(item, (*path, index)) for index, item in enumerate(node.value)]
        self._document.values[path] = _place(node)
        return self._scalar(node, path)

    def _item(self, node: Node, path: Path) -> Any:
        self._document.keys[path] = _place(node)
        return self._value(node, path)

    def _mapping(self, node: MappingNode, path: Path) -> dict[str, Any]:
        result: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        for key, value in node.value:
            if not isinstance(key, ScalarNode):
                self._report(
                    path, key, "a key must be a word: put a text that starts with { or [ in quotes"
                )
            elif key.value == "<<" and key.style is None:
                merged = self._merge(value, path) | merged
            elif key.value in result:
                line = self._document.keys[(*path, key.value)].line
                self._report(
                    (*path, key.value), key, f"is given twice, first in line {line}: remove one"
                )
            else:
                self._document.keys[(*path, key.value)] = _place(key)
                result[key.value] = self._value(value, (*path, key.value))
        return merged | result

    def _merge(self, node: Node, path: Path) -> dict[str, Any]:
        if isinstance(node, MappingNode):
            known = dict(self._document.keys), dict(self._document.values)
            result = self._mapping(node, path)
            self._document.keys |= known[0]  # what the mapping says itself wins over what it merges
            self._document.values |= known[1]
            return result
        if isinstance(node, SequenceNode):
            result = {}
            for part in reversed(node.value):
                result |= self._merge(part, path)
            return result
        self._report(path, node, "<< merges an object: write <<: *NAME")
        return {}

    def _scalar(self, node: ScalarNode, path: Path) -> Any:
        if any("\ud800" <= character <= "\udfff" for character in node.value):
            self._report(path, node, "holds half of a surrogate pair: write the character itself")
            return None
        if node.style is not None:
            return node.value
        implied = self._resolve(ScalarNode, node.value, (True, False))
        if str(node.tag) == str(implied):
            value = plain_value(node.value)
        elif str(node.tag) == _TEXT:
            value = node.value
        else:
            self._report(path, node, f"the tag {node.tag} is not supported: write the value itself")
            return None
        if isinstance(value, float) and not math.isfinite(value):
            self._report(path, node, "must be a finite number")
            return None
        return value

    def _report(self, path: Path, node: Node, message: str) -> None:
        finding = Finding(
            self._document.file, message, field=field_name(path), place=_place_of(node.start_mark)
        )
        self._document.findings.append(finding)
