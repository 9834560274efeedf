"""A Program as C: accessors of memory, a function per action and per property, and tables.

The text defines sizes, includes `runtime/runtime.h`, and ends with `#include "search.c"`, which is
the search itself and the same for every Program.
"""

from __future__ import annotations

import itertools

from modelcheck.engines.native import NotNative
from modelcheck.engines.native.actions import function_name, functions
from modelcheck.engines.native.alone import alone_in_c
from modelcheck.engines.native.exchange import exchange_in_c
from modelcheck.engines.native.expressions import Number, Scope, Text, c_name, number
from modelcheck.engines.packed import Field, Layout
from modelcheck.engines.places import Places
from modelcheck.ir import (
    Action, Assume, Load, Process, Program, Property, Rmw, statements,
)
from modelcheck.passes.ample import ALL_MOVE, Ample
from modelcheck.passes.locks import read_by
from modelcheck.passes.ownership import Owned
from modelcheck.passes.symmetry import Symmetry
from modelcheck.passes.whatever import CELLS, WIDTH, whatever
from modelcheck.quoting import quoted
from modelcheck.semantics.states import States

NOTHING = Symmetry((), ())


LOCATION_OF = """\
INLINE unsigned location_of(const struct state *s, unsigned p)
{
    const struct template *t = &templates[p];
    const uint64_t number = control(s, &cpus[p]) & t->mask;

    return t->location ? t->location[number] : searched(t->first, t->locations, number);
}"""

MOST_NUMBERS = 1 << 16  # of a process in a table; of more, whose they are is searched


def program_in_c(
    program: Program, states: States, layout: Layout, exchanged: Symmetry = NOTHING,
    owned: Owned | None = None, alone: Ample = ALL_MOVE, fingerprints: bool = False,
) -> str:
    """The C of a Program, in which what may be exchanged is not told apart.

    owned         memory that two processes must never access at once
    alone         who may go on alone
    fingerprints  a state of more than one word is known by a hash of it"""
    places = Places(program)
    numbers = {
        f"{process.name}.{action.at}": n for n, (process, action) in enumerate(actions_of(program))
    }
    parts = [
        _head(program, layout, places, len(numbers), fingerprints),
        '#include "runtime.h"',
        *(_accessors(f, layout) for fields in layout.fields.values() for f in fields),
        _cpus(states, layout),
        _templates(states, layout),
        LOCATION_OF,
        *(_at_rest(process) for process in program.processes),
        *(_property(n, p, layout) for n, p in enumerate(program.properties)),
        _properties(program),
        _touches(states, layout, owned),
        *(functions(process, layout, places, numbers) for process in program.processes),
        *(_table(process, layout, places) for process in program.processes),
        _locations(states),
        exchange_in_c(exchanged, layout),
        alone_in_c(alone, states),
        '#include "search.c"',
    ]
    return "\n\n".join(parts) + "\n"


def actions_of(program: Program) -> list[tuple[Process, Action]]:
    """Every action, in the order of their numbers."""
    return [(process, action) for process in program.processes for action in process.actions]


def _mask(names: set[str], layout: Layout) -> str:
    """For each word, the bits of these variables, as a C initialiser."""
    return f"{{{', '.join(f'{mask:#x}UL' for mask in layout.bits_of(names))}}}"


def _steering(process: Process) -> set[str]:
    """The variables whose values decide what a process does: those that it loads."""
    return {
        a.access.place.variable for a in process.actions if isinstance(a.access, Load | Rmw)
    }


def _head(
    program: Program, layout: Layout, places: Places, actions: int, fingerprints: bool
) -> str:
    shared = _mask({v.name for v in program.variables if not v.ghost}, layout)
    numbered = [str(int(n == 0 or bits > 32)) for n, bits in enumerate(layout.bits)]
    sometimes = sum(p.kind == "sometimes" for p in program.properties)
    most = max(len(process.actions) for process in program.processes)
    assumes = any(
        isinstance(s, Assume) for p in program.processes for a in p.actions
        for s in statements(a.body)
    )
    parameters = ", ".join(f"{name}={value}" for name, value in program.parameters)
    return "\n".join([
        f"/* {quoted(program.name, 'file')}({quoted(parameters, 'comment')}), "
        f"memory model {quoted(program.memory or 'sc', 'comment')}.",
        f" * A state is {sum(layout.bits)} bits in {layout.words} words. */",
        f"#define WORDS {layout.words}",
        f"#define PROCESSES {len(layout.processes)}",
        f"#define ACTIONS {actions}",
        f"#define LOCATIONS {most + 1}",
        f"#define PROPERTIES {len(program.properties)}",
        f"#define SOMETIMES {sometimes}",
        f"#define PLACES {places.width}",
        f"#define ASSUMES {int(assumes)}",
        f"#define SHARED {shared}",
        f"#define FINGERPRINTS {int(fingerprints)}",
        f"#define NUMBERED {{{', '.join(numbered)}}}",
    ])


def _accessors(field: Field, layout: Layout) -> str:
    """`get_Page_scrub(s, i)` and `set_Page_scrub(s, i, value)`."""
    leaf, name = field.leaf, c_name(field)
    if not leaf.bits:
        return f"/* {name} is always {leaf.lo} */"
    mask, bits = (1 << field.joined.bits) - 1, field.joined.bits
    one_word = field.variable.cells <= field.each
    word = str(field.word) if one_word else f"{field.word} + i / {field.each}"
    within = "i" if one_word else f"(i % {field.each})"
    if field.variable.cells == 1:
        shift = str(field.shift)
    elif bits == 1:
        shift = f"{field.shift} + {within}"
    else:
        shift = f"{field.shift} + {within} * {bits}"
    low = "" if leaf.lo == 0 else f" + {leaf.lo}" if leaf.lo > 0 else f" - {-leaf.lo}"
    less = "" if leaf.lo == 0 else f" - {leaf.lo}" if leaf.lo > 0 else f" + {-leaf.lo}"
    if len(field.joined.leaves) > 1:
        return f"""\
static inline long get_{name}(const struct state *s, long i)
{{
    return (long)((s->w[{word}] >> ({shift}) & {mask:#x}UL) / {field.unit} % {leaf.values}){low};
}}

static inline void set_{name}(struct state *s, long i, long value)
{{
    s->w[{word}] += (uint64_t)(value - get_{name}(s, i)) * {field.unit} << ({shift});
}}"""
    return f"""\
static inline long get_{name}(const struct state *s, long i)
{{
    return (long)(s->w[{word}] >> ({shift}) & {mask:#x}UL){low};
}}

INLINE void set_{name}(struct state *s, long i, long value)
{{
    s->w[{word}] = (s->w[{word}] & ~({mask:#x}UL << ({shift})))
        | (uint64_t)(value{less}) << ({shift});
}}"""


def _cpus(states: States, layout: Layout) -> str:
    rows = [
        f"    {{{word}, {shift}, {me}, {n}, {n} * PLACES, "
        f"{(1 << layout.controls[process.name].bits) - 1 << shift:#x}UL, "
        f"{_mask(_steering(process), layout)}}},  /* {quoted(states.names[n], 'comment')} */"
        for n, ((process, me, _), (word, shift)) in enumerate(
            zip(states.processes, layout.processes, strict=True)
        )
    ]
    return "static const struct cpu cpus[PROCESSES] = {\n" + "\n".join(rows) + "\n};"


def _at_rest(process: Process) -> str:
    heads = [n for n, action in enumerate(process.actions) if action.head]
    tests = " || ".join(f"at == {n}" for n in [*heads, len(process.actions)])
    return f"""\
static inline long at_rest_{process.name}(const struct state *s, unsigned p)
{{
    const unsigned at = location_of(s, p);
    return {tests};
}}"""


def _table(process: Process, layout: Layout, places: Places) -> str:
    """What is done at each location, and what has to be left there; nothing at END."""
    rows = []
    for action in process.actions:
        if action.resting and action.loops:
            raise NotNative(f"{action.at} rests, and stands in a loop")
        name = "0" if action.transit else function_name(process, action)
        waits = int(action.wait is not None)
        rows.append(f"    {{{name}, {places.needs(process, action)}, {waits}}},")
    return "\n".join([
        f"static const struct location locations_{process.name}[LOCATIONS] = {{", *rows, "};"
    ])


def _templates(states: States, layout: Layout) -> str:
    """Which location each number of a process belongs to."""
    tables = []
    for process in states.program.processes:
        first = layout.controls[process.name].first
        if first[-1] > MOST_NUMBERS:
            numbers = ", ".join(f"{n}UL" for n in first[:-1])
            tables.append(f"static const uint64_t first_of_{process.name}[] = {{{numbers}}};")
        else:
            runs = ", ".join(
                f"[{a} ... {b - 1}] = {n}" for n, (a, b) in enumerate(itertools.pairwise(first))
            )
            tables.append(
                f"static const uint16_t location_of_{process.name}[{first[-1]}] = {{{runs}}};"
            )
    rows = []
    for process, _, _ in states.processes:
        control = layout.controls[process.name]
        many = control.first[-1] > MOST_NUMBERS
        table = f"0, first_of_{process.name}" if many else f"location_of_{process.name}, 0"
        mask = (1 << control.bits) - 1
        rows.append(f"    {{{table}, {len(process.actions) + 1}, {mask:#x}UL}},")
    return "\n".join([
        *tables, "static const struct template templates[PROCESSES] = {", *rows, "};",
    ])


def _locations(states: States) -> str:
    rows = "\n".join(
        f"    {{locations_{process.name}, {len(process.actions)}}},"
        for process, _, _ in states.processes
    )
    return "static const struct table tables[PROCESSES] = {\n" + rows + "\n};"


def _property(n: int, property: Property, layout: Layout) -> str:
    """1: it is true; 0: it is not; -1: it cannot be evaluated."""
    code = Text()
    scope = Scope(code, layout, "s", {}, number(0), number(0))
    if property.when is not None:
        otherwise = int(property.invariant)
        code.line(f"if (!{scope.test(property.when).text}) return {otherwise};")
    code.line(f"return !!{scope.test(property.condition).text};")
    if code.faults:
        code.label("fault")
        code.line("return -1;")
    return "\n".join([
        f"/* {property.kind}: {quoted(property.sentence, 'comment')} */",
        f"static int property_{n}(const struct state *s)", "{", *code.lines, "}",
    ])


def _properties(program: Program) -> str:
    always = [n for n, p in enumerate(program.properties) if p.invariant]
    holds = " && ".join(f"property_{n}(s) == 1" for n in always) or "true"
    rows = "\n".join(
        f"    {{property_{n}, {n}}}," for n, p in enumerate(program.properties)
        if p.kind == "sometimes"
    )
    return f"""\
static inline bool always(const struct state *s)
{{
    return {holds};
}}

static struct sometimes sometimes[SOMETIMES + 1] = {{
{rows}
    {{0, 0}}
}};"""


def _touches(states: States, layout: Layout, owned: Owned | None) -> str:
    """For each number of a process, the cells of owned memory that it has accessed or is about to,
    a bit each; and whether each property holds whatever they hold."""
    cells = cells_of(states.program, owned)
    if owned is None or not cells:
        return "#define OWNED 0"

    def bits(touched: frozenset[tuple[str, int]]) -> str:
        return f"{sum(1 << cells[name][0] + n for name, n in touched):#x}"

    tables = []
    for process in states.program.processes:
        found = [owned.touches(process, at, locals) for at, locals in layout.numbers(process)]
        rows = ", ".join(f"{{{bits(t.reads)}, {bits(t.writes)}}}" for t in found)
        tables.append(f"static const struct touches touches_{process.name}[] = {{{rows}}};")
    rows_ = ", ".join(f"touches_{process.name}" for process, _, _ in states.processes)
    return "\n".join([
        "#define OWNED 1", *tables,
        f"static const struct touches *const touches[PROCESSES] = {{{rows_}}};",
        _whatever(states.program, layout, cells),
    ])


def cells_of(program: Program, owned: Owned | None) -> dict[str, tuple[int, int]]:
    """The first bit, and the number of bits, of each variable that is owned."""
    cells: dict[str, tuple[int, int]] = {}
    for name in owned.variables if owned is not None else ():
        count = program.variable(name).cells
        cells[name] = (sum(n for _, n in cells.values()), count)
    return cells


def _whatever(program: Program, layout: Layout, cells: dict[str, tuple[int, int]]) -> str:
    code = Text()
    names = {CELLS: (Number("cells", 0, (1 << WIDTH) - 1),)}
    scope = Scope(code, layout, "s", names, number(0), number(0))
    for property in program.properties:
        if property.invariant and any(name in cells for name in read_by(property)):
            code.line(f"if (!{scope.test(whatever(property, cells)).text}) return false;")
    code.line("return true;")
    if code.faults:
        code.label("fault")
        code.line("return false;")
    return "\n".join([
        "/* Whether what must be true is true whatever these cells hold. */",
        "static bool whatever(const struct state *s, long cells)",
        "{", "    (void)s, (void)cells;", *code.lines, "}",
    ])
