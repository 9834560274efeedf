"""A state graph as a file: DOT for a picture (`dot -Tsvg`), GraphML for Gephi and the like.

A state says where each CPU stands, by the spec's own line, and what in memory is not as it was at
the start, in the words of a trace; a step says who takes it, and at which line.  Layout is left to
others.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePath

from modelcheck.quoting import quoted
from modelcheck.report.heap_block import HeapBlock, Memory, block_of, brief
from modelcheck.report.lanes import local_name, shortened
from modelcheck.trace import Line
from modelcheck.trace.graph import Edge, Node, Standing, StateGraph

LONGEST = 46  # characters of a spec's line
INKS = ("#1f5fa8", "#b3541e", "#2b7a3d", "#7a3b96", "#8a6d00", "#00757d")  # a CPU each
PLAIN, ON_PATH, BROKEN, RED = "#ffffff", "#fff0c9", "#fbd5d2", "#b00020"


def graph_text(graph: StateGraph, suffix: str) -> str:
    """The text of a file that is called so."""
    return {".dot": dot, ".graphml": graphml}[suffix](graph)


class _Words:
    """What is said of states: `memories` at each, `block` what of them a trace shows in columns."""

    def __init__(self, graph: StateGraph) -> None:
        self.graph = graph
        self.memories: tuple[Memory, ...] = tuple(dict(node.cells) for node in graph.nodes)
        ghosts = set(graph.ghosts)
        nothing = HeapBlock((), frozenset(), False)
        self.block = block_of(self.memories, ghosts) if graph.nodes else nothing

    def stands(self, node: Node) -> list[str]:
        """A line for each CPU."""
        return [self._stands(standing) for standing in node.stands]

    def _stands(self, standing: Standing) -> str:
        if not standing.lines:
            return f"{standing.process} has ended"
        first = standing.lines[0]
        text = shortened(first.text)
        if len(text) > LONGEST:
            text = text[: LONGEST - 3] + "..."
        values = ", ".join(f"{local_name(name)} = {value}" for name, value in standing.locals)
        with_values = f"  ({values})" if values else ""
        return f"{standing.process} at {self.lines(standing.lines)} {text}{with_values}"

    def lines(self, lines: tuple[Line, ...]) -> str:
        """`48`, `page.py:28`; `48 or 61` where two lines were merged."""
        return " or ".join(
            f"{line.line}" if line.file == self.graph.spec
            else f"{PurePath(line.file).name}:{line.line}" for line in lines
        )

    def changed(self, number: int) -> list[str]:
        """What is not as it was at the start."""
        first, memory = self.memories[0], self.memories[number]
        said = []
        locks = {name.removesuffix(".holder") for name in memory if name.endswith(".holder")}
        locks = {lock for lock in locks if f"{lock}.locked" in memory}
        hidden = {f"{lock}.{part}" for lock in locks for part in ("locked", "holder")}
        for lock in sorted(locks):
            if memory[f"{lock}.holder"] != "None":
                said.append(f"{lock} held by {memory[f'{lock}.holder']}")
            elif memory[f"{lock}.locked"] == "True":
                said.append(f"{lock} held")
        said += [
            f"{column.title}: {column.texts[number]}" for column in self.block.columns
            if column.texts[number] != column.texts[0]
        ]
        hidden |= self.block.cells
        return said + [
            f"{name} = {brief('', value) or value}" for name, value in memory.items()
            if name not in hidden and value != first[name]
        ]

    def step(self, edge: Edge) -> str:
        """Who takes a step, and at which line."""
        chosen = f" (choice {', '.join(map(str, edge.choices))})" if edge.choices else ""
        return f"{edge.process} {self.lines(edge.lines)}{chosen}"

    def title(self) -> list[str]:
        """What the graph is of, and how far it goes."""
        graph = self.graph
        instance = " ".join(f"{name}={value}" for name, value in graph.parameters)
        far = (
            ": all that can be reached" if graph.complete
            else "; the search ended here, at the length of its first violation"
        )
        states = f"{len(graph.nodes):,} states"
        return [f"{graph.spec}  {instance}".rstrip(), graph.said, f"{states}{far}"]


# -------------------------------------------------------------------------------------------- DOT


def dot(graph: StateGraph) -> str:
    """The graph for Graphviz."""
    words = _Words(graph)
    inks = {
        standing.process: INKS[n % len(INKS)]
        for node in graph.nodes[:1] for n, standing in enumerate(node.stands)
    }
    return "".join(line + "\n" for line in (
        "digraph states {",
        f"  graph [label={_quoted([*words.title(), *_legend(graph)])} labelloc=t labeljust=l "
        'fontname="Helvetica" fontsize=16 ranksep=0.45 nodesep=0.3];',
        '  node [shape=box style=filled fillcolor="#ffffff" color="#555555" fontname="Helvetica" '
        "fontsize=11];",
        '  edge [fontname="Helvetica" fontsize=11 arrowsize=0.7];',
        *(_dot_node(words, number, node) for number, node in enumerate(graph.nodes)),
        *(line for n, edge in enumerate(graph.edges) for line in _dot_edge(words, n, edge, inks)),
        "}",
    ))


def _legend(graph: StateGraph) -> list[str]:
    """What the marks mean, of those that are there."""
    marks = ["double frame: a run begins here"]
    if any(node.path for node in graph.nodes):
        marks.append("yellow and bold: the counterexample, its steps numbered")
    if any(node.broken for node in graph.nodes) or any(edge.broken for edge in graph.edges):
        marks.append("red: something is broken")
    if not all(node.followed for node in graph.nodes):
        marks.append("dashed: what follows was not looked at")
    return ["", *marks]


def _dot_node(words: _Words, number: int, node: Node) -> str:
    text = [f"{number}", *words.stands(node)]
    text += ["", *words.changed(number)] if words.changed(number) else []
    text += ["", *(f"broken: {sentence}" for sentence in node.broken)] if node.broken else []
    marks = []
    if node.broken:
        marks.append(f'fillcolor="{BROKEN}" color="{RED}"')
    elif node.path:
        marks.append(f'fillcolor="{ON_PATH}"')
    if node.path:
        marks.append("penwidth=2.5")
    if node.begins:
        marks.append("peripheries=2")
    if not node.followed and not node.broken:
        marks.append('style="filled,dashed"')
    return f"  s{number} [label={_quoted(text)} {' '.join(marks)}];"


def _dot_edge(words: _Words, number: int, edge: Edge, inks: dict[str, str]) -> Iterator[str]:
    """A step; of one that fails, also where it seems to lead."""
    ink = inks[edge.process]
    text = words.step(edge)
    marks = f'color="{ink}" fontcolor="{ink}"'
    if edge.path:
        text = f"step {', '.join(map(str, edge.path))}: {text}"
        marks += " penwidth=3 weight=5"
    target = f"s{edge.target}"
    if edge.target is None:
        target = f"broken{number}"
        yield (
            f"  {target} [label={_quoted([f'broken: {edge.broken}'])} shape=octagon "
            f'fillcolor="{BROKEN}" color="{RED}"{" penwidth=2.5" if edge.path else ""}];'
        )
    yield f"  s{edge.source} -> {target} [label={_quoted([f' {text}'], last='')} {marks}];"


def _quoted(lines: list[str], last: str = "\\l") -> str:
    """Lines as a string of DOT, each from the left."""
    return '"' + "\\l".join(quoted(line, "dot") for line in lines) + last + '"'


# ---------------------------------------------------------------------------------------- GraphML


def graphml(graph: StateGraph) -> str:
    """The graph as GraphML: what DOT says in marks is attributes here."""
    import networkx as nx

    words = _Words(graph)
    made: nx.MultiDiGraph[str] = nx.MultiDiGraph(name=quoted("; ".join(words.title()), "row"))
    for number, node in enumerate(graph.nodes):
        stands, changed = "; ".join(words.stands(node)), "; ".join(words.changed(number))
        made.add_node(
            f"s{number}", label=quoted(stands, "row"), changed=quoted(changed, "row"),
            depth=node.depth, begins=node.begins, counterexample=bool(node.path),
            followed=node.followed,
            broken=quoted("; ".join(node.broken), "row"),
        )
    for number, edge in enumerate(graph.edges):
        target = f"s{edge.target}"
        if edge.target is None:
            target = f"broken{number}"
            made.add_node(
                target, label="broken", changed="", depth=graph.nodes[edge.source].depth + 1,
                begins=False, counterexample=bool(edge.path), followed=True,
                broken=quoted(edge.broken, "row"),
            )
        made.add_edge(
            f"s{edge.source}", target, label=quoted(words.step(edge), "row"), process=edge.process,
            line=quoted(shortened(edge.lines[0].text), "row"),
            counterexample=bool(edge.path),
        )
    return "\n".join(nx.generate_graphml(made)) + "\n"
