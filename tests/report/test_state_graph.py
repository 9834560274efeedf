"""The state graph as a picture's text: what stands in it, and that it is the reference engine's."""
# ruff: noqa: E501

import json
from dataclasses import replace
from pathlib import Path

import networkx as nx
import pytest
from typer.testing import CliRunner, Result

from modelcheck.cli import app
from modelcheck.engines.reference import explore
from modelcheck.frontend.compile import compile_spec
from modelcheck.ir import Program
from modelcheck.report.state_graph import dot, graphml
from modelcheck.source import lines_of
from modelcheck.state_graph import state_graph
from modelcheck.trace import Limits
from modelcheck.trace.graph import StateGraph
from tests.small_programs import program

SPECS = Path(__file__).parents[2] / "specs"

LOOP = """\
    program loop()
    sort process 1
    shared x: 0..1 = 0
    process cpu
      entry: goto cpu_1
      at cpu_1 resting:
        store x := 1
        goto cpu_1
"""


def found(design: Program, *properties: str, most: int = 10_000) -> StateGraph:
    graph = state_graph(design, properties, most)
    assert graph is not None
    return graph


def spec(path: str, **sets: int | bool) -> Program:
    return compile_spec(str(SPECS / path), sets)[1]


WORD = '''\
from typing import Annotated

from modelcheck.lang import Lock, between, process, shared, spin_lock


@shared
class Node:
    count: Annotated[int, between(0, 2)] = 0


node = Node()
heap_lock = Lock("heap_lock")


@process
def cpu() -> None:
    spin_lock(heap_lock)
    count = node.count
    node.count = count + 1
    assert count == 1, 'a "word" and a \\\\'


@process
def idle() -> None:
    node.count = 0  # while the other counts
'''


@pytest.fixture(autouse=True)
def word(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder with that spec in it, to work in."""
    monkeypatch.chdir(tmp_path)
    Path("word.py").write_text(WORD, encoding="utf-8")
    lines_of.cache_clear()  # another test's file


def verify(*args: str) -> Result:
    return CliRunner().invoke(app, ["verify", *args])


def test_dot() -> None:
    """Where each CPU stands, what is not as it was, who goes on; a step that fails leads to no
    state, and is shown all the same."""
    assert verify("word.py", "--graph", "word.dot").exit_code == 14
    assert Path("word.dot").read_text(encoding="utf-8") == """\
digraph states {
  graph [label="word.py\\lVIOLATED: a \\"word\\" and a \\\\\\l6 states; the search ended here, at the length of its first violation\\l\\ldouble frame: a run begins here\\lyellow and bold: the counterexample, its steps numbered\\lred: something is broken\\ldashed: what follows was not looked at\\l" labelloc=t labeljust=l fontname="Helvetica" fontsize=16 ranksep=0.45 nodesep=0.3];
  node [shape=box style=filled fillcolor="#ffffff" color="#555555" fontname="Helvetica" fontsize=11];
  edge [fontname="Helvetica" fontsize=11 arrowsize=0.7];
  s0 [label="0\\lcpu at 17 spin_lock(heap_lock)\\lidle at 25 node.count = 0\\l" fillcolor="#fff0c9" penwidth=2.5 peripheries=2];
  s1 [label="1\\lcpu at 18 count = node.count\\lidle at 25 node.count = 0\\l\\lheap_lock held by cpu\\l" fillcolor="#fff0c9" penwidth=2.5];
  s2 [label="2\\lcpu at 17 spin_lock(heap_lock)\\lidle has ended\\l" ];
  s3 [label="3\\lcpu at 19 node.count = count + 1  (count = 0)\\lidle at 25 node.count = 0\\l\\lheap_lock held by cpu\\l" fillcolor="#fff0c9" penwidth=2.5];
  s4 [label="4\\lcpu at 18 count = node.count\\lidle has ended\\l\\lheap_lock held by cpu\\l" ];
  s5 [label="5\\lcpu at 19 node.count = count + 1  (count = 0)\\lidle has ended\\l\\lheap_lock held by cpu\\l" style="filled,dashed"];
  s0 -> s1 [label=" step 1: cpu 17" color="#1f5fa8" fontcolor="#1f5fa8" penwidth=3 weight=5];
  s0 -> s2 [label=" idle 25" color="#b3541e" fontcolor="#b3541e"];
  s1 -> s3 [label=" step 2: cpu 18" color="#1f5fa8" fontcolor="#1f5fa8" penwidth=3 weight=5];
  s1 -> s4 [label=" idle 25" color="#b3541e" fontcolor="#b3541e"];
  s2 -> s4 [label=" cpu 17" color="#1f5fa8" fontcolor="#1f5fa8"];
  broken5 [label="broken: a \\"word\\" and a \\\\\\l" shape=octagon fillcolor="#fbd5d2" color="#b00020" penwidth=2.5];
  s3 -> broken5 [label=" step 3: cpu 19" color="#1f5fa8" fontcolor="#1f5fa8" penwidth=3 weight=5];
  s3 -> s5 [label=" idle 25" color="#b3541e" fontcolor="#b3541e"];
  s4 -> s5 [label=" cpu 18" color="#1f5fa8" fontcolor="#1f5fa8"];
}
"""


DESIGNS: list[tuple[str, dict[str, int | bool]]] = [
    ("first_steps/01_lost_update.py", {}), ("first_steps/02_lock.py", {}),
    ("first_steps/05_deadlock.py", {}), ("first_steps/09_sizes_and_choice.py", {}),
    ("per_page_cmpxchg.py", {}), ("sync_scrub.py", {"BALLOON": True}),
    ("scrub_in_place.py", {"PAGES": 1}),
]


@pytest.mark.parametrize(("path", "sets"), DESIGNS)
def test_it_is_the_graph_of_the_reference_engine(path: str, sets: dict[str, int | bool]) -> None:
    """As many states, as many steps; and the counterexample is a way through it."""
    design = spec(path, **sets)
    graph, verdict = found(design), explore(design, Limits())
    assert (len(graph.nodes), len(graph.edges)) == (verdict.states, verdict.transitions)
    assert graph.complete == verdict.exhaustive
    assert max(node.depth for node in graph.nodes) == verdict.depth
    if verdict.trace is None:
        assert not any(x.path for x in (*graph.nodes, *graph.edges))
        return
    steps = {n: edge for edge in graph.edges for n in edge.path}
    at = {n: number for number, node in enumerate(graph.nodes) for n in node.path}
    assert graph.nodes[at[0]].begins and sorted(steps) == list(range(1, len(verdict.trace.steps) + 1))
    for n, step in enumerate(verdict.trace.steps, 1):
        edge = steps[n]
        assert (edge.source, edge.process, edge.lines[0]) == (at[n - 1], step.process, step.source)
        assert edge.target == at.get(n) and (edge.target is None) == bool(edge.broken)
        for change in step.changed:
            if edge.target is not None:
                assert dict(graph.nodes[edge.target].cells)[change.name] == change.new
    last = steps[len(verdict.trace.steps)]
    assert last.broken or graph.nodes[at[len(verdict.trace.steps)]].broken
    assert not graph.complete or all(node.followed for node in graph.nodes)


def test_a_design_that_is_broken_at_once() -> None:
    """No step was looked at: what follows the beginning is not known."""
    graph = found(program("""\
        program at_once()
        sort process 1
        shared x: 0..1 = 0
        process cpu
          entry: goto cpu_1
          at cpu_1:
            store x := 1
            goto end
        always "it is 1": x == 1
        """))
    (node,) = graph.nodes
    assert (node.begins, node.path, node.broken, node.followed) == (True, (0,), ("it is 1",), False)
    assert graph.edges == () and not graph.complete
    assert "what follows was not looked at" in dot(graph)


def test_a_design_that_is_broken_before_it_begins() -> None:
    graph = found(program("""\
        program before()
        sort process 1
        shared x: 0..1 = 0
        process cpu
          entry:
            assert 1 == 2, "never"
            goto cpu_1
          at cpu_1:
            store x := 1
            goto end
        """))
    assert (graph.nodes, graph.edges, graph.said) == ((), (), "VIOLATED: never")
    assert "VIOLATED: never" in dot(graph)
    assert nx.parse_graphml(graphml(graph)).number_of_nodes() == 0


def test_only_what_was_asked_for() -> None:
    """The others' asserts are steps like any."""
    whole = found(spec("first_steps/02_lock.py"), "deadlock")
    assert whole.complete and not any(edge.broken for edge in whole.edges)
    design = spec("per_page_cmpxchg.py", PAGES=1, DOMAINS=1)
    assert len(found(design, "deadlock").nodes) > len(found(design).nodes)


def test_lines_that_were_merged_are_all_named() -> None:
    """Dekker's `this.wants = True` stands at two lines, and what follows is the same."""
    dekker = Path(__file__).parents[1] / "classics" / "specs" / "dekker.py"
    design = compile_spec(str(dekker), {})[1]
    graph = replace(found(design), spec=str(dekker))
    assert "cpu[0] at 39 or 44 this.wants = True" in dot(graph)


def test_graphml_can_be_read() -> None:
    graph = found(spec("per_page_cmpxchg.py"))
    again = nx.parse_graphml(graphml(graph))
    fails = sum(edge.target is None for edge in graph.edges)
    assert fails == 2  # either domain can be first
    assert again.number_of_nodes() == len(graph.nodes) + fails
    assert again.number_of_edges() == len(graph.edges)
    on_path = [n for n, marks in again.nodes.items() if marks["counterexample"]]
    assert len(on_path) == 11  # ten steps, the last of which fails
    assert again.nodes["s0"]["begins"]
    assert "domain[0] at per_page_cmpxchg.py:48 spin_lock(heap_lock); " in again.nodes["s0"]["label"]
    broken = [marks["broken"] for _, marks in again.nodes.items() if marks["broken"]]
    assert broken == ["no dirty page is returned to a caller"] * 2


def test_no_control_character_reaches_a_file() -> None:
    """GraphML with one is no XML."""
    graph = replace(found(program(LOOP)), said="VIOLATED: a\x01b")
    assert "\x01" not in dot(graph) and "\x01" not in graphml(graph)
    nx.parse_graphml(graphml(graph))


# --------------------------------------------------------------------------------- what is too much


def test_too_many_states_are_refused_with_what_to_do(tmp_path: Path) -> None:
    """The verdict is printed all the same; what was in the file stays there."""
    Path("big.dot").write_text("mine", encoding="utf-8")
    result = verify(str(SPECS / "idle_scrub_locked.py"), "--set", "PAGES=1", "--graph", "big.dot")
    assert result.exit_code == 151 and ": HOLDS  every property" in result.stdout
    assert result.stderr == (
        f"error: no graph is written: that of {SPECS / 'idle_scrub_locked.py'} has 232 states here, and a "
        ".dot file takes 150; take a smaller instance (--set DOMAINS=1), or a .graphml file, for "
        "Gephi, which takes 10,000\n"
    )
    assert Path("big.dot").read_text(encoding="utf-8") == "mine"
    assert [path.name for path in tmp_path.iterdir() if path.suffix != ".py"] == ["big.dot"]


def test_a_violation_is_the_exit_code_whatever_becomes_of_the_graph() -> None:
    result = verify(str(SPECS / "per_page_cmpxchg.py"), "--graph", "big.dot")
    assert result.exit_code == 14 and "has 283 states here" in result.stderr
    assert not Path("big.dot").exists()


def test_of_a_search_that_counts_fewer_the_number_is_a_bound() -> None:
    result = verify(
        str(SPECS / "first_steps" / "01_lost_update.py"), "--engine", "symbolic", "--graph", "a.dot"
    )
    assert result.exit_code == 12 and Path("a.dot").exists()
    result = verify(
        str(SPECS / "per_page_cmpxchg.py"), "--max-states", "5", "--graph", "b.dot"
    )
    assert result.exit_code == 20 and "has over 150 states here" in result.stderr


def test_most_states_is_a_whole_graph() -> None:
    """At the limit it is there; one less, and it is not."""
    design = spec("first_steps/02_lock.py")
    assert len(found(design, most=16).nodes) == 16
    assert state_graph(design, (), 15) is None


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (("word.py", "--graph", "word.png"), "--graph word.png: name a .dot or a .graphml file"),
        (("word.py", "--graph", "dir.dot"), "--graph dir.dot: this is a folder; name a file"),
        (("word.py", "--graph", "no/a.dot"),
         "--graph no/a.dot: there is no folder no; make it first"),
        (("word.py", "word.py", "--graph", "a.dot"), "--graph a.dot: one file is for the graph of one spec"),
    ],
)
def test_a_file_that_is_no_place_for_a_graph(args: tuple[str, ...], says: str) -> None:
    """Said before the search."""
    Path("dir.dot").mkdir()
    result = verify(*args)
    assert (result.exit_code, result.stdout, result.stderr) == (151, "", f"error: {says}\n")


def test_a_file_that_cannot_be_written() -> None:
    result = verify("word.py", "--graph", "/proc/word.dot")
    assert result.exit_code == 14
    assert result.stderr.startswith("error: /proc/word.dot cannot be written: ")


def test_json_stays_one_document() -> None:
    result = verify("word.py", "--json", "--graph", "word.graphml")
    assert json.loads(result.stdout)["verdict"] == "VIOLATED"
    assert Path("word.graphml").read_text(encoding="utf-8").startswith("<graphml")
