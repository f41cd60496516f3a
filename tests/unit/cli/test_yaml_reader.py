"""Where things stand in a file, and what is said of a file that is no YAML."""

import pytest

from report_cli.documents import Document
from report_cli.findings import Path
from report_cli.yaml_reader import read_documents

TEXT = """\
# a comment
a: 1
list:
- x: one
  y: "two"
-   z: {deep: [1, 22]}
base: &base {k: v, own: base}
used:
  <<: *base
  own: mine
script: |
  first

  third
folded: >
  first
"""


def place(document: Document, path: Path, *, key: bool = False) -> tuple[int, int]:
    """Return line and column of *path*."""
    found = document.find(path, key=key)
    return found.line, found.column


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_every_part_is_found_in_its_line_and_column(line_end: str) -> None:
    """
    Values are found where they stand, objects and lists at their key, what is missing above it.
    """
    (document,) = read_documents("x.yaml", TEXT.replace("\n", line_end))

    assert (2, 4) == place(document, ("a",))
    assert (2, 1) == place(document, ("a",), key=True)
    assert (3, 1) == place(document, ("list",))
    assert (4, 3) == place(document, ("list", 0))
    assert (5, 6) == place(document, ("list", 0, "y"))
    assert (6, 19) == place(document, ("list", 1, "z", "deep", 1))
    assert (6, 5) == place(document, ("list", 1, "z", "absent"))
    assert (3, 1) == place(document, ("list", 7))
    assert (2, 1) == place(document, ("absent",))


def test_line_of_a_block_text_is_counted_in_the_file() -> None:
    """
    An error in the third line of the script is shown there, indented as it is; a folded text has
    no lines of its own.
    """
    (document,) = read_documents("x.yaml", TEXT)

    third = document.place_in_text(("script",), document.value["script"], 3, 2)
    folded = document.place_in_text(("folded",), document.value["folded"], 1, 1)
    beyond = document.place_in_text(("script",), document.value["script"], 99, 1)
    assert (14, 4) == (third.line, third.column)
    assert (15, 9) == (folded.line, folded.column)
    assert 1 == beyond.column


def test_merged_object_gives_way_to_own_keys() -> None:
    """
    ``<<`` fills in what the object does not say itself, and positions follow the values.
    """
    (document,) = read_documents("x.yaml", TEXT)

    assert {"k": "v", "own": "mine"} == document.value["used"]
    assert (10, 8) == place(document, ("used", "own"))
    assert (7, 17) == place(document, ("used", "k"))


def test_documents_of_a_file_are_separate_and_empty_ones_left_out() -> None:
    """
    Lines count from the top of the file, not of the document.
    """
    first, second = read_documents("x.yaml", "---\na: 1\n---\n# nothing\n---\n\na: 2\n")

    assert [(2, 4), (7, 4)] == [place(first, ("a",)), place(second, ("a",))]


@pytest.mark.parametrize(
    ("text", "where", "message"),
    [
        ("a:\n\tb: 1", "x.yaml:2:1", "indent with spaces"),
        ('a: "open\nb: 1\n', "x.yaml:3:1", "close the quote"),
        ("a: b: c", "x.yaml:1:5", "put a text that holds ': ' in quotes"),
        ("a: * * *", "x.yaml:1:5", "put a text that starts with * or & in quotes"),
        ("a: @daily", "x.yaml:1:4", "put a text that starts with this character in quotes"),
        ("a: [1, 2\nb: 3\n", "x.yaml:2:2", "close the bracket"),
        ("a: 1\n  b: 2\n", "x.yaml:2:4", "check the indentation"),
        ("a: *b", "x.yaml:1:4", "define it with &"),
        ("a: 1\nb: \x01", "x.yaml:2:4", "holds a control character"),
        ("a: " + "[" * 3000, "x.yaml", "is nested too deeply"),
        ("a: " + "[" * 150 + "]" * 150, "x.yaml", "is nested too deeply"),
        ("a: &a [*a]", "x.yaml", "is nested too deeply, or an alias holds itself"),
        ("{a: b}: c", "x.yaml:1:1", "a key must be a word"),
        ("a:\n  <<: 5", "x.yaml:2:7", "<< merges an object"),
        ("a: 1\nb: 2\na: 3\n", "x.yaml:3:1", "is given twice, first in line 1: remove one"),
    ],
)
def test_broken_yaml_is_told_with_its_line_and_a_way_out(
    text: str, where: str, message: str
) -> None:
    """
    Syntax errors, duplicate keys and the like stand at their place, as errors of fields do.
    """
    findings = [finding for one in read_documents("x.yaml", text) for finding in one.findings]

    assert [where] == [finding.where() for finding in findings]
    assert message in findings[0].message


def test_aliases_cannot_blow_a_document_up() -> None:
    """
    A few lines that stand for millions of values are refused, in bounded time.
    """
    levels = [f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 20)}]" for n in range(1, 9)]
    (document,) = read_documents("x.yaml", "\n".join(["l0: &l0 x", *levels]))

    (finding,) = document.findings
    assert "too large once its aliases are written out" in finding.message


def test_documents_before_a_syntax_error_are_still_read() -> None:
    """
    One broken document hides none of the faults above it.
    """
    first, broken = read_documents("x.yaml", "a: 1\n---\nb: [\n")

    assert ({"a": 1}, None) == (first.value, broken.value)
