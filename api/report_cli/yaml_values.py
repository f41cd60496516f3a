"""
The value of a YAML document, made as kubectl makes it, with the place of every part.

kubectl's YAML is that of Go: ``yes`` and ``on`` are booleans, ``010`` is eight, ``10:30`` and
``2026-01-01`` are text. Python's libraries read these in other ways, so only their parser is used,
and the values are made here.
"""

import math
import re
from typing import Any, Final

from ruamel.yaml.error import StringMark
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from report_cli.documents import Document
from report_cli.findings import Finding, Path, Place, field_name
from report_cli.yaml_scalars import plain_value

_MAX_NODES: Final = 100_000  # in one document; an alias counts each time that it is used
_DEEPEST: Final = 100
_TEXT: Final = "tag:yaml.org,2002:str"
_SIMPLE: Final = tuple(f"tag:yaml.org,2002:{kind}" for kind in ("int", "float", "bool", "null"))
_TAGGED: Final = re.compile(r"(&\S+\s+)?!")
_LONGEST_TAG: Final = 200


class Builder:
    """Makes the value of one document from its nodes."""

    def __init__(self, document: Document) -> None:
        self._document = document
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
        if len(path) > _DEEPEST:
            raise RecursionError
        if isinstance(node, MappingNode):
            return self._mapping(node, path)
        if isinstance(node, SequenceNode):
            return [self._item(item, (*path, index)) for index, item in enumerate(node.value)]
        if not isinstance(node, ScalarNode):
            raise TypeError(f"a node of an unknown kind: {type(node).__name__}")
        if node.value or node.style:  # nothing at all stands nowhere: its key is shown
            self._document.values[path] = place_of(node)
        return self._scalar(node, path)

    def _item(self, node: Node, path: Path) -> Any:
        self._document.keys[path] = place_of(node)
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
                self._document.keys[(*path, key.value)] = place_of(key)
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
            return "?"
        tag = str(node.tag) if self._is_tagged(node) else None
        if tag is None:
            value = plain_value(node.value) if node.style is None else node.value
        elif tag in (_TEXT, *_SIMPLE):
            value = node.value if tag == _TEXT else plain_value(node.value)
        else:
            self._report(path, node, f"the tag {tag} is not supported: write the value itself")
            return node.value
        if isinstance(value, float) and not math.isfinite(value):
            self._report(path, node, "must be a finite number")
            return node.value
        return value

    def _is_tagged(self, node: ScalarNode) -> bool:
        begin = node.start_mark.index
        return _TAGGED.match(self._document.text[begin : begin + _LONGEST_TAG]) is not None

    def _report(self, path: Path, node: Node, message: str) -> None:
        finding = Finding(
            self._document.file,
            message,
            field=field_name(path),
            place=place_of_mark(node.start_mark),
        )
        self._document.findings.append(finding)


def place_of_mark(mark: StringMark) -> Place:
    """Return the place of a mark, which counts from 0."""
    return Place(mark.line + 1, mark.column + 1)


def place_of(node: Node) -> Place:
    """Return where *node* begins."""
    place = place_of_mark(node.start_mark)
    return Place(place.line, place.column, is_block=getattr(node, "style", None) == "|")
