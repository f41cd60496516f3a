"""YAML files: their documents, one after the other, and what is wrong with their syntax."""

from collections.abc import Iterator
from typing import Final

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.reader import ReaderError

from report_cli.documents import Document
from report_cli.findings import Finding, Place
from report_cli.yaml_values import Builder, place_of, place_of_mark

_HINTS: Final = (
    ("'\\t'", "indent with spaces, not with tabs"),
    (
        "mapping values are not allowed",
        "put a text that holds ': ' in quotes, or check the indentation",
    ),
    (
        "could not find expected ':'",
        "write KEY: VALUE, or indent the line as part of the text above",
    ),
    ("expected <block end>", "check the indentation of this line"),
    ("unexpected end of stream", "close the quote that was opened"),
    (
        "undefined alias",
        "define it with & before it is used, or put a text that starts with * in quotes",
    ),
    ("expected alphabetic or numeric", "put a text that starts with * or & in quotes"),
    ("cannot start any token", "put a text that starts with this character in quotes"),
    ("<stream end>", "close the bracket that was opened"),
    ("expected the node content", "for a Helm template, check what `helm template` renders"),
    ("expected ',' or", "close the bracket, or put the text in quotes"),
)


def read_documents(file: str, text: str) -> Iterator[Document]:
    """
    Yield the documents of *text*, but for empty ones, each with what is wrong with its YAML.

    After a syntax error nothing more can be read: the last document holds that finding alone.
    """
    text = text.replace("\r\n", "\n")
    try:
        constructor, _ = YAML(typ="safe", pure=True).get_constructor_parser(text)
        composer = constructor.composer
        while composer.check_node():
            node = composer.get_node()
            empty = Document(file, text, start=place_of(node))
            document = Builder(empty).build(node)
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
        yield _broken(file, _syntax_message(error), place_of_mark(mark) if mark else None)
    except YAMLError as error:
        yield _broken(file, f"is no YAML: {str(error).splitlines()[0]}", None)


def _broken(file: str, message: str, place: Place | None) -> Document:
    return Document(file, findings=[Finding(file, message, place=place)])


def _syntax_message(error: MarkedYAMLError) -> str:
    problem = " ".join(str(error.problem or error.context or "cannot be read").split())
    hints = (hint for words, hint in _HINTS if words in problem)
    return f"YAML syntax: {problem}; {next(hints, 'check this line and the one above it')}"
