r"""What others wrote, put into text that we write: the one place where it is quoted.

A spec's sentences, its lines and its path come from whoever asks for a merge.  Generated C is
compiled and run, Promela and Murphi become C, a log is read by people and by the machine that runs
the CI.  So whatever is not ours goes through `quoted`, with the name of what it is put into:

    f"/* {quoted(sentence, 'comment')} */"

No result has a line separator or a control character in it, and none begins or ends what it stands
in.  `tests/test_quoting.py` lists every module that writes such a text, and tries each.
"""

from __future__ import annotations

import codecs
import io
import json
import re
from typing import Any, Literal, TextIO

Into = Literal["row", "rows", "comment", "string", "file", "dot", "markdown", "link", "json"]
"""
row       a line on a terminal, in a log, in XML (whose library quotes what means something there)
rows      several of them: a newline stays
comment   a comment of C, Promela, Murphi or TLA+
string    between the quotes of a string of Murphi or TLA+
file      a file's name in a comment: letters, digits and _ - . /
dot       between the quotes of a string of DOT
markdown  a line of Markdown, a cell of a table too
link      the target of a link in Markdown
json      a string of JSON, with its quotes
"""

# A runner of GitHub or Azure obeys a line that begins with ::, or has ##[ or ##vso[ anywhere.
OBEYED = re.compile(r"(?<=#)(?=#\w*\[)")
OBEYED_FIRST = re.compile(r"\A(\s*):(?=:)")

# What begins or ends a comment in C, Promela, Murphi or TLA+, a module in TLA+, a trigraph in C.
BREAKS = re.compile(
    r"(?<=\*)(?=[/)])|(?<=[/(])(?=\*)|(?<=\?)(?=\?)|(?<====)(?==)|(?<=---)(?=-)"
)
MARKS = re.compile(r"[\\`*\[\]<>|&~$]")  # what means something within a line of Markdown
UNSEEN = "\N{REPLACEMENT CHARACTER}"


def quoted(text: str, into: Into) -> str:
    """The text as it can stand there, on one line ("rows": on as many as it has)."""
    match into:
        case "row":
            if not text.isprintable():
                text = "".join(map(_seen, text))
            return OBEYED_FIRST.sub(r"\1: ", OBEYED.sub(" ", text))
        case "rows":
            return "\n".join(quoted(line, "row") for line in text.split("\n"))
        case "comment":
            return BREAKS.sub(" ", quoted(text, "row").replace("\\", "/"))
        case "string":  # Rumur hands its strings to printf
            return quoted(text, "comment").replace('"', "'").replace("%", " per cent")
        case "file":
            return re.sub(r"[^A-Za-z0-9_./-]", "_", text)
        case "dot":
            return quoted(text, "row").replace("\\", "\\\\").replace('"', '\\"')
        case "markdown":
            return MARKS.sub(r"\\\g<0>", quoted(text, "row"))
        case "link":
            from urllib.parse import quote

            return quote(text, safe="/", errors="replace")
        case "json":
            return _escaped(json.dumps(text, ensure_ascii=False))


def escape_what_a_stream_cannot_say(*streams: TextIO) -> None:
    """From now on a character that a stream's encoding has not (a terminal under LC_ALL=C, half of
    a surrogate pair in UTF-8) is written as JSON writes it, `\\u....`: a report says it, a document
    of JSON stays the same document, and nobody sees a traceback in their place."""
    codecs.register_error("modelcheck", _as_json)
    for stream in streams:
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="modelcheck")


def _as_json(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return json.dumps(error.object[error.start : error.end])[1:-1], error.end


def document(data: Any) -> str:
    """Data as a document of JSON, in which no character is unseen; ends with a newline."""
    text = json.dumps(data, indent=2, ensure_ascii=False)
    return "\n".join(map(_escaped, text.split("\n"))) + "\n"


def _seen(c: str) -> str:
    return c if c.isprintable() else " " if c == "\t" else UNSEEN


def _escaped(line: str) -> str:
    """A line of JSON, in which what is unseen, and what a runner obeys, is `\\u....`."""
    if not line.isprintable():
        line = "".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in line)
    return re.sub(r"##(?=\w*\[)", r"#\\u0023", line)
