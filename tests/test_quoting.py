"""Nothing that is read is run: texts, lines and paths that try to become code, in every text that
we write.  In each the hostile text changes nothing but what is quoted."""

import ast
import json
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
from typer.testing import CliRunner

import modelcheck
from modelcheck.cli import app
from modelcheck.engines.native.reduced import source_of
from modelcheck.engines.quick import code as quick_code
from modelcheck.engines.quick import search as quick
from modelcheck.export import exported
from modelcheck.gated import Finding, Gated
from modelcheck.ir import Program
from modelcheck.notation import parse_program, print_program
from modelcheck.passes import REDUCTIONS
from modelcheck.quoting import document, quoted
from modelcheck.report.gate_table import gate_rows
from modelcheck.report.junit import junit
from modelcheck.report.pieces import plain
from modelcheck.report.promises import markdown
from modelcheck.report.state_graph import dot, graphml
from modelcheck.report.text import verdict_rows
from modelcheck.source import Span, SpecError
from modelcheck.state_graph import state_graph
from modelcheck.tabled import Promise, Tabled
from modelcheck.tabled import to_json as table_json
from modelcheck.trace import Limits, to_json
from tests.hostile import HARMLESS, TEXTS, program_with

PACKAGE = Path(modelcheck.__file__).parent
CC = shutil.which("cc")
OBEYED = re.compile(r"^\s*::|##\w*\[", re.MULTILINE)


@pytest.fixture
def both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[
    [Callable[[Program], str]], tuple[str, str]
]:
    """What is written of a Program with hostile texts, and with harmless ones."""

    def written(write: Callable[[Program], str]) -> tuple[str, str]:
        texts = []
        for said in (TEXTS, HARMLESS):
            with monkeypatch.context() as patch:
                texts.append(write(program_with(said, tmp_path, patch)))
        return texts[0], texts[1]

    return written


Both = Callable[[Callable[[Program], str]], tuple[str, str]]


def is_seen(text: str) -> bool:
    """Whether every character is, and no runner of a CI obeys a line."""
    return all(line.isprintable() for line in text.split("\n")) and not OBEYED.search(text)


# ------------------------------------------------------------------------------- C and Promela


def without_comments(text: str, standard: str) -> str:
    """What a C compiler is left with; of Promela too, which SPIN hands to a C preprocessor."""
    made = subprocess.run(
        ["cc", "-E", "-P", "-x", "c", "-nostdinc", f"-std={standard}", "-w", "-"],
        input=re.sub(r'#include "(runtime.h|search.c)"', "", text).encode(), capture_output=True,
    )
    assert made.returncode == 0, made.stderr.decode(errors="replace")
    return made.stdout.decode("utf-8")


@pytest.mark.skipif(CC is None, reason="there is no C compiler")
@pytest.mark.parametrize("standard", ["gnu11", "c11"])  # the second knows trigraphs
def test_c_and_promela_are_the_same_without_comments(both: Both, standard: str) -> None:
    """A sentence with `*\\` in it ended a comment of Promela, for the backslash became a slash
    after `*/` was looked for; a folder called `a*` ended one of C."""
    for write in (
        lambda p: source_of(p, frozenset(REDUCTIONS)), lambda p: source_of(p, frozenset()),
        lambda p: exported(p, "promela", "a*/b.py")[0].text,
    ):
        hostile, harmless = both(write)
        assert is_seen(hostile) or "    :: d_step" in hostile
        assert "a*" not in hostile
        assert without_comments(hostile, standard) == without_comments(harmless, standard)


def test_quick_writes_no_word_of_a_spec(both: Both, monkeypatch: pytest.MonkeyPatch) -> None:
    """The quick engine compiles and runs what it writes: all of it is made of numbers."""
    run = quick_code.Code._run

    def texts(program: Program) -> str:
        made = []
        monkeypatch.setattr(
            quick_code.Code, "_run", lambda self, text: (made.append(text), run(self, text))[1]
        )
        verdict = quick.explore(program, Limits())
        assert verdict.outcome == "HOLDS" and len(verdict.properties) > len(TEXTS)
        return "\n".join(made)

    hostile, harmless = both(texts)
    assert hostile == harmless and "node" not in hostile


# ------------------------------------------------------------------------------ Murphi and TLA+


def lines_without(text: str, comment: str) -> list[str]:
    """The lines of a text without comments, its strings empty.  (TLA+ calls an invariant by its
    sentence, as far as that is letters and digits.)"""
    text = re.sub(r'"[^"\n]*"', '""', text)
    text = re.sub(r"^\w+ ==$|^INVARIANT \w+$", "named ==", text, flags=re.MULTILINE)
    return [line.partition(comment)[0].rstrip() for line in text.split("\n") if line]


@pytest.mark.parametrize(("language", "comment"), [("murphi", "--"), ("tlaplus", "\\*")])
def test_murphi_and_tla_are_the_same_without_comments(
    both: Both, language: str, comment: str
) -> None:
    hostile, harmless = both(
        lambda p: "".join(file.text for file in exported(p, language, "a*/\nb.py", "a\n==== b"))
    )
    code = lines_without(hostile, comment)
    assert not [line for line in code if "own" in line]
    # a comment may have another number of lines: as many files are named
    assert [line for line in code if line] == [
        line for line in lines_without(harmless, comment) if line
    ]
    assert is_seen(hostile) and "*)" not in hostile and "(*" not in hostile
    assert hostile.count("====") == harmless.count("====")


@pytest.mark.skipif(not (shutil.which("rumur") and CC), reason="rumur is not installed")
def test_rumur_and_its_compiler_accept_the_texts(both: Both, tmp_path: Path) -> None:
    """Rumur hands strings on to C, where `cc -std=c11` reads ??/ as a backslash, and to printf."""
    hostile, _ = both(lambda p: exported(p, "murphi", "b.py")[0].text)
    (tmp_path / "design.m").write_text(hostile, encoding="utf-8")
    for command in (
        ["rumur", "--deadlock-detection", "off", "--value-type", "int32_t", "-o", "design.c",
         "design.m"],
        ["cc", "-std=c11", "-fsyntax-only", "-Werror=format", "-Werror=trigraphs", "design.c"],
    ):
        done = subprocess.run(command, cwd=tmp_path, capture_output=True)
        assert done.returncode == 0, done.stderr.decode(errors="replace")[:2000]


# ------------------------------------------------------------------- notation, JSON, DOT, XML


def test_the_notation_is_read_back(both: Both) -> None:
    def written(program: Program) -> str:
        text = print_program(program)
        assert print_program(parse_program(text)) == text
        assert [p.sentence for p in parse_program(text).properties] == [
            p.sentence for p in program.properties
        ]
        return text

    hostile, harmless = both(written)
    assert is_seen(hostile)
    assert len(hostile.split("\n")) == len(harmless.split("\n"))


def test_json_is_read_back(both: Both) -> None:
    said = list(TEXTS)
    assert json.loads(document(said)) == said and is_seen(document(said))
    row = Tabled("a*/\x1b.py", (), tuple(Promise("S1", text, "holds") for text in TEXTS))
    assert is_seen(table_json((row,)))
    hostile, _ = both(lambda p: to_json(quick.explore(p, Limits())))
    assert is_seen(hostile)
    assert TEXTS[-1] in {p["sentence"] for p in json.loads(hostile)["properties"]}


def test_a_state_graph_has_the_same_bones(both: Both) -> None:
    def of(write: Callable[..., str]) -> Callable[[Program], str]:
        def written(program: Program) -> str:
            graph = state_graph(program, (), 10_000)
            assert graph is not None
            return write(replace(graph, spec="a*/\x1b\".py", said="; ".join(TEXTS)))

        return written

    hostile, harmless = both(of(dot))
    assert is_seen(hostile)
    bones = [re.sub(r'"(?:[^"\\]|\\.)*"', '""', text) for text in (hostile, harmless)]
    assert bones[0] == bones[1]
    hostile, harmless = both(of(graphml))
    assert is_seen(hostile)
    tags = [[e.tag for e in ElementTree.fromstring(text).iter()] for text in (hostile, harmless)]
    assert tags[0] == tags[1]


# ----------------------------------------------------------------------- what people and CI read


def results(texts: tuple[str, ...]) -> tuple[Gated, ...]:
    return tuple(
        Gated(f"a*/{text}.py", (), f'violates("{text}")', None, (Finding(16, f"no: {text}"),), 0.5)
        for text in texts
    )


def test_reports_have_no_line_of_a_spec() -> None:
    """A line that begins with ::error, or has ##[ in it, is a command to the runner of a CI; one
    with an escape in it can say that all is well."""
    one_line = tuple(t for t in TEXTS if "\n" not in t)
    table = plain(gate_rows(results(one_line)))
    assert is_seen(table)
    other = plain(gate_rows(results(HARMLESS[: len(one_line)])))
    assert len(table.split("\n")) == len(other.split("\n"))
    xml = junit(results(TEXTS))
    assert len(ElementTree.fromstring(xml).findall(".//testcase")) == len(TEXTS)
    assert is_seen(xml)


def test_a_verdict_has_no_line_of_a_spec(both: Both) -> None:
    hostile, harmless = both(lambda p: plain(verdict_rows(quick.explore(p, Limits()), TEXTS[-1])))
    assert is_seen(hostile)
    assert len(hostile.split("\n")) == len(harmless.split("\n"))


def test_a_table_in_markdown_stays_a_table() -> None:
    def written(texts: tuple[str, ...]) -> str:
        return markdown(tuple(
            Tabled(f"specs/{n}{text}.py", (), (
                Promise("S1", text, "holds"), Promise(None, text, "fails", 3),
            ))
            for n, text in enumerate(texts)
        ))

    one_line = tuple(t for t in TEXTS if not re.search(r"[/\\\0\ud800]", t))
    hostile, harmless = written(one_line), written(HARMLESS[: len(one_line)])
    assert is_seen(hostile)
    outside = re.sub(r"(?<!\\)`[^`\n]*`", "", hostile)  # of what is code
    assert not re.search(r"(?<!\\)[<`]|(?<!\\)\]\(java", outside)
    assert len(hostile.split("\n")) == len(harmless.split("\n"))
    rows = [line for line in hostile.split("\n") if line.startswith("|")]
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {4}


@pytest.mark.parametrize("text", TEXTS)
def test_an_error_is_the_lines_that_we_write(text: str, tmp_path: Path) -> None:
    """Where a spec is refused its line is shown, and that may be `::error::` or have an escape."""
    file = tmp_path / "spec.py"
    file.write_bytes(text.encode("utf-8", "surrogatepass").replace(b"\n", b" "))
    shown = SpecError(Span(str(file), 1, 1, 1, 2), f"no {text}", f"not {text}").text()
    assert is_seen(shown) and len(shown.split("\n")) <= 4


@pytest.mark.parametrize("text", TEXTS)
def test_what_is_quoted_is_quoted(text: str) -> None:
    for into in ("row", "comment", "string", "file", "dot", "markdown", "link", "json"):
        assert is_seen(quoted(text, into)), into
    for into in ("comment", "string"):
        made = quoted(text, into)
        assert not re.search(r"\*[/)]|[/(]\*|\\|\?\?|====|----", f" {made} ")
    assert not re.search(r'["%]', quoted(text, "string"))
    assert re.fullmatch(r"[A-Za-z0-9_./-]*", quoted(text, "file"))
    assert json.loads(quoted(text, "json")) == text


# --------------------------------------------------------------------------- every one of them

WRITERS: dict[str, str] = {
    # module: the test that hands it hostile texts
    "engines.native.actions": "test_c_and_promela_are_the_same_without_comments",
    "engines.native.alone": "test_c_and_promela_are_the_same_without_comments",
    "engines.native.emit": "test_c_and_promela_are_the_same_without_comments",
    "engines.native.exchange": "test_c_and_promela_are_the_same_without_comments",
    "engines.native.expressions": "test_c_and_promela_are_the_same_without_comments",
    "engines.quick.actions": "test_quick_writes_no_word_of_a_spec",
    "engines.quick.code": "test_quick_writes_no_word_of_a_spec",
    "engines.quick.expressions": "test_quick_writes_no_word_of_a_spec",
    "export.murphi": "test_murphi_and_tla_are_the_same_without_comments",
    "export.printing": "test_murphi_and_tla_are_the_same_without_comments",
    "export.promela": "test_c_and_promela_are_the_same_without_comments",
    "export.tlaplus": "test_murphi_and_tla_are_the_same_without_comments",
    "heap.generate": "test_a_hostile_spec_runs_nothing",
    "heap.allocator": "test_a_hostile_spec_runs_nothing",
    "heap.layout": "test_a_hostile_spec_runs_nothing",
    "notation.printing": "test_the_notation_is_read_back",
    "report.junit": "test_reports_have_no_line_of_a_spec",
    "report.pieces": "test_a_verdict_has_no_line_of_a_spec",
    "report.progress": "test_what_is_quoted_is_quoted",
    "report.promises": "test_a_table_in_markdown_stays_a_table",
    "report.state_graph": "test_a_state_graph_has_the_same_bones",
    "quoting": "test_json_is_read_back",
    "source": "test_an_error_is_the_lines_that_we_write",
}
NOTHING_OF_A_SPEC: dict[str, str] = {
    "records": "the names of our own fields",
    **dict.fromkeys((
        "frontend.compile", "frontend.instances", "frontend.load", "frontend.pure",
        "frontend.subset_definitions", "frontend.subset_expressions",
        "frontend.subset_statements",
    ), "what a refusal says, which SpecError quotes"),
    "engines.symbolic.system": "a value in a model of z3",
    "engines.native.running": "numbers",
    "engines.native.ends": "what compilers and processes say, quoted there",
    "engines.native.watch": "the compiler's command",
    "peers.tools": "the peers' commands",
    "trace.document": "the first characters of what does not fit, by json.dumps, in ASCII",
    "cli": "errors, quoted as rows; documents made of documents",
    "__main__": "our own sentences",
    "counterexamples": "names of files of ours, for those who work on modelcheck",
    "heap.campaign": "for those who work on modelcheck",
    "table": "our own sentences",
    "heap.debug": "a row; pdb shows the spec's lines, which have no control characters",
}
CALLS = frozenset((
    "exec", "eval", "compile", "Popen", "system", "dumps", "print", "SubElement", "quoted",
    "generate_graphml",
))
WRITTEN = re.compile(r"/\*|\*/|^-- |\\\*|#define|digraph|static |def make|return |\|-")


def writes(tree: ast.Module) -> bool:
    """Whether a module seems to write a text, or to run one: what it calls, and what its f-strings
    begin with."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(ast.Name(name) | ast.Attribute(_, name)) if name in CALLS:
                if name != "compile" or isinstance(node.func, ast.Name):  # re.compile
                    return True
            case ast.JoinedStr(values):
                texts = [v.value for v in values if isinstance(v, ast.Constant)]
                if any(WRITTEN.search(str(t)) for t in texts):
                    return True
            case _:
                pass
    return False


def test_every_writer_is_tried() -> None:
    """Who writes a module that writes a text is asked for a row here, and a test with it."""
    known = {**WRITERS, **NOTHING_OF_A_SPEC}
    found = {
        ".".join(file.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__")
        for file in PACKAGE.rglob("*.py") if writes(ast.parse(file.read_text(encoding="utf-8")))
    }
    assert sorted(found - set(known)) == []
    assert all(test in globals() for test in WRITERS.values())


def test_a_new_writer_is_noticed() -> None:
    assert writes(ast.parse('def f(s):\n    return f"/* {s} */"'))
    assert writes(ast.parse('def f(s):\n    return exec(s)'))
    assert not writes(ast.parse('def f(s):\n    return f"{s} is not a sort"'))


# --------------------------------------------------------------------------------- and run


OWN = "__attribute__((constructor)) static void own(void) { extern int creat(const char *, int); "
PATHS = {
    "one line": ("a*", OWN + 'creat("canary", 420); } ', "*.py"),
    "several": ("a*", "\n#ifndef OWN\n#define OWN\n" + OWN + 'creat("canary", 420); }\n#endif\n',
                "*.py"),
}
ONE_STEP = """\
from typing import Annotated

from modelcheck.lang import always, between, holds, process, shared

EXPECT = holds()


@shared
class Node:
    dirty: Annotated[int, between(0, 3)] = 0


node = Node()


@process
def scrub() -> None:
    node.dirty = 1


@always
def it_is_so() -> bool:
    return node.dirty >= 0
"""


@pytest.mark.skipif(CC is None, reason="there is no C compiler")
@pytest.mark.parametrize("kind", PATHS)
def test_a_hostile_path_runs_nothing(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A path stood raw in a comment of the generated C: a folder called `a*`, and in it one whose
    name was C, ran that C within `verify`, and within a gate that stayed green."""
    monkeypatch.chdir(tmp_path)
    path = Path(*PATHS[kind])
    path.parent.mkdir(parents=True)
    path.write_text(ONE_STEP, encoding="utf-8")
    result = CliRunner().invoke(app, ["verify", str(path), "--engine", "native"])
    assert not Path("canary").exists()
    if kind == "several":
        assert result.exit_code == 150
        assert "the path has a character that cannot be seen, U+000A" in result.stderr
        assert len(result.stderr.splitlines()) == 2
    else:
        assert result.exit_code == 0 and "HOLDS" in result.stdout


ASSERTS = """\
from typing import Annotated

from modelcheck.lang import always, between, process, shared, violates


@shared
class Node:
    dirty: Annotated[int, between(0, 3)] = 0


node = Node()


@process
def scrub() -> None:
    dirty = node.dirty  # {comment}
    assert dirty < {most}, {sentence!r}
    node.dirty = 1


@process
def again() -> None:
    node.dirty = 2  # {comment}
"""


@pytest.mark.parametrize("most", [3, 2])
def test_a_hostile_spec_runs_nothing(
    most: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SPIN's C ran a sentence: *\\ c_code { ... }; \\* became */ c_code { ... }; /*.  Every engine,
    the executable allocator and the peers are handed it here, in sentences and comments."""
    monkeypatch.chdir(tmp_path)
    canary = tmp_path / "canary"
    ways = (
        f'*\\ c_code {{ creat("{canary}", 420); }}; \\*',
        f'*/ c_code {{ creat("{canary}", 420); }}; /*',
        f'*/ {OWN}creat("{canary}", 420); }} /*',
        f"\"\"\"; open({str(canary)!r}, 'w') #",
        f'"; open({str(canary)!r}, "w") or "',
    )
    for sentence in ways:
        spec = tmp_path / "it's*.py"
        comment = "" if sentence is ways[0] else sentence  # each place is tried alone by SPIN
        text = ASSERTS.format(comment=comment, sentence=f"so {sentence}", most=most)
        spec.write_text(text, encoding="utf-8")
        commands = [["--engine", engine] for engine in ("native", "quick", "reference")]
        for command in commands if CC else commands[1:]:
            result = CliRunner().invoke(app, ["verify", spec.name, *command])
            assert result.exit_code == (0 if most == 3 else 14), result.stderr
            assert most == 3 or "validated" in result.stdout
        if most == 3 and sentence is not ways[-1]:
            result = CliRunner().invoke(app, ["crosscheck", spec.name, "--max-seconds", "60"])
            assert "DISAGREES" not in result.stdout
        assert not canary.exists(), sentence


@pytest.mark.parametrize("c", ["\x1b", "\n", "\r", "\u2028", "\u202e", "\x85", "\ud800"])
def test_a_sentence_is_one_line_that_is_seen(c: str, tmp_path: Path) -> None:
    """An escape in a string of Python is no character of the spec's text, and becomes one."""
    spec = tmp_path / "spec.py"
    text = ASSERTS.format(comment="", most=3, sentence="SAID").replace("SAID", f"a\\u{ord(c):04x}b")
    spec.write_text(text, encoding="utf-8")
    result = CliRunner().invoke(app, ["verify", str(spec)])
    assert result.exit_code == 150
    assert f"a character that cannot be seen, U+{ord(c):04X}, in a sentence" in result.stderr
