"""Actions in C: one function for each location, which takes a whole batch of states one step on.

What `semantics/actions.py` says in closures.  The action of a `transit` location stands in the
function of each location from which it is reached in one step, behind a label; choices are made
anew on each turn of a loop around the whole step.
"""

from __future__ import annotations

from typing import TypeAlias

from modelcheck.engines.native import NotNative
from modelcheck.engines.native.expressions import (
    Number, Numbers, Scope, Text, c_name, number, part,
)
from modelcheck.engines.packed import Field as Stored
from modelcheck.engines.packed import WORD, Layout, flat, leaves
from modelcheck.engines.places import Places
from modelcheck.flow import exprs_of, gotos
from modelcheck.ir import (
    END, Access, Action, Assert, Assign, Assume, Block, Choose, Fence, Goto, If, Load, Local,
    Observe, Process, Program, Record, Rmw, SetGhost, Statement, Store, default_value, statements,
    walk,
)
from modelcheck.passes.copies import is_copy
from modelcheck.quoting import quoted
from modelcheck.records import dataclass
from modelcheck.source import line_text

Files: TypeAlias = dict[str, int]
"""The number that stands for a file."""

MOST_TRANSIT = 1_024  # transit locations in one step: each is compiled anew for each step


def function_name(process: Process, action: Action) -> str:
    """`idle_loop_87`: an action as C names it."""
    named = action.at.startswith(f"{process.name}_")
    return action.at if named else f"{process.name}_{action.at}"


def comment(action: Action, files: Files) -> str:
    """The spec's line, above what it became: its file by a number, for a name is not ours."""
    if not action.span.file:
        return f"/* {quoted(action.at, 'comment')} */"
    text = quoted(line_text(action.span).strip(), "comment")
    return f"/* file {files[action.span.file]}, line {action.span.line}: {text} */"


def files_of(program: Program) -> Files:
    """A number for each file that actions stand in, the first that is met being 1."""
    met = dict.fromkeys(a.span.file for p in program.processes for a in p.actions)
    return {file: n for n, file in enumerate(met, 1)}


def _where(action: Action) -> str:
    """Where an action stands, for people."""
    return f"{action.span.file}:{action.span.line}" if action.span.file else action.at


def functions(process: Process, layout: Layout, places: Places, numbers: dict[str, int]) -> str:
    """The functions of a template, one behind the other.  `numbers`: each action's among all."""
    files = files_of(layout.states.program)
    return "\n\n".join(
        _Function(process, action, layout, places, numbers, files).text()
        for action in process.actions if not action.transit
    )


@dataclass(frozen=True)
class _Around:
    """Where a statement stands: in which action, with what it read."""

    action: Action
    loaded: Numbers


class _Function:
    """The function of one location, and of the transit locations behind it."""

    def __init__(
        self, process: Process, action: Action, layout: Layout, places: Places,
        numbers: dict[str, int], files: Files,
    ) -> None:
        self.files = files
        self.process = process
        self.action = action
        self.layout = layout
        self.places = places
        self.numbers = numbers
        self.actions = {a.at: a for a in process.actions}
        self.order = {at: n for n, at in enumerate((*self.actions, END))}
        self.transit = self._transit()
        if len(self.transit) > MOST_TRANSIT:
            raise NotNative(
                f"one step at {_where(action)} goes on over {len(self.transit):,} locations, and "
                f"{MOST_TRANSIT:,} is the most: do less in one atomic block"
            )
        self.inside = [action, *self.transit]
        self.needs = places.needs(process, action)
        self.writes = any(isinstance(a.access, Store | Rmw) for a in self.inside)
        self.in_parts = bool(self.needs) and any(is_copy(a.at) for a in self.transit)
        self.chooses = any(isinstance(s, Choose) for s in self._statements())
        self.locals = self._locals()
        self.once = self._set_once()
        single = process.count == 1
        own = next(n for n, (p, _, _) in enumerate(layout.states.processes) if p is process)
        self.me = number(0) if single else Number("cpu->me", 0, process.count - 1)
        self.own = number(own) if single else Number("cpu->own", own, own + process.count - 1)
        self.code = Text(depth=2 + self.chooses)

    # --------------------------------------------------------------------------- what is in here

    def _transit(self) -> list[Action]:
        found: dict[str, Action] = {}
        todo = [self.action]
        while todo:
            for goto in gotos(todo.pop().body):
                target = self.actions.get(goto.location)
                if target is not None and target.transit and target.at not in found:
                    found[target.at] = target
                    todo.append(target)
        return list(found.values())

    def _statements(self) -> list[Statement]:
        return [s for a in self.inside for s in statements(a.body)]

    def _locals(self) -> list[str]:
        """The locals that anything in here names, or that are kept where it leads."""
        named: set[str] = set()
        roots = [expr for action in self.inside for expr in exprs_of(action)]
        for action in self.inside:
            named.update(action.live)
        for statement in self._statements():
            if isinstance(statement, Assign | Choose):
                named.add(statement.local)
            if isinstance(statement, Goto) and statement.location != END:
                named.update(self.actions[statement.location].live)
        named.update(e.name for root in roots for e in walk(root) if isinstance(e, Local))
        return [v.name for v in self.process.locals if v.name in named]

    def _set_once(self) -> set[str]:
        """The ghosts that a step in here may come to set twice."""
        sets = [s.place.variable for s in self._statements() if isinstance(s, SetGhost)]
        program = self.layout.states.program
        again = {
            v for v in sets
            if not program.variable(v).passing and (sets.count(v) > 1 or self._turns())
        }
        for variable in again:
            if program.variable(variable).cells > 64:
                raise NotNative(f"{variable} has over 64 cells that a step may set twice")
        return again

    def _turns(self) -> bool:
        """Whether a step may come by the same location again."""
        return any(
            g.location in {a.at for a in self.transit[: n + 1]}
            for n, a in enumerate(self.transit) for g in gotos(a.body)
        ) or len(self.transit) > 1

    # -------------------------------------------------------------------------------- the function

    def text(self) -> str:
        """The function."""
        code = self.code
        code.line("struct state s = *from;")
        self._declare()
        self._run(self.action)
        for action in self.transit:
            code.label(_label(action.at))
            code.line(comment(action, self.files))
            word, bit = divmod(self.transit.index(action), WORD)
            code.line(f"passed[{word}] |= 1UL << {bit};")
            self._run(action)
        if code.faults:
            code.label("fault")
            code.line("faulted(which[n]);")
        code.label("next")
        head = [
            comment(self.action, self.files),
            f"static void {function_name(self.process, self.action)}"
            "(const struct cpu *cpu, const uint16_t *which, unsigned count)",
            "{",
        ]
        if self.transit:
            ids = ", ".join(
                str(self.numbers[f"{self.process.name}.{a.at}"]) for a in self.transit
            )
            head.append(f"    static const uint16_t transit[] = {{{ids}}};")
        head += [
            "    for (unsigned n = 0; n < count; n++) {",
            "        const struct state *from = &sources[which[n]].state;",
        ]
        tail = ["    }", "}"]
        if self.chooses:
            head += ["        struct script script = {0};", "        do {"]
            tail = ["        } while (following(&script, which[n]));", *tail]
        return "\n".join([*head, *code.lines, *tail])

    def _declare(self) -> None:
        """The locals, as they are at the location."""
        code = self.code
        control = self.layout.controls[self.process.name]
        at = self.order[self.action.at]
        pc_kept = control.kept[at]
        if pc_kept:
            mask = (1 << control.bits) - 1
            code.line(
                f"const uint64_t here = (control(from, cpu) & {mask:#x})"
                f"{_plus(-control.first[at])};"
            )
        for local in self.process.locals:
            if local.name not in self.locals:
                continue
            default = list(flat(default_value(local.sort), local.sort))
            for n, (leaf, value) in enumerate(zip(leaves(local.sort), default, strict=True)):
                name = _c_local(local.name, leaf.path)
                mine = [k for k in pc_kept if k.local.name == local.name]
                if mine and leaf.bits:
                    kept = mine[n]
                    scaled = "here" if kept.unit == 1 else f"here / {kept.unit}UL"
                    last = kept.unit * kept.values == control.first[at + 1] - control.first[at]
                    code_ = scaled if last else f"{scaled} % {kept.values}"
                    text = f"(long)({code_}){_plus(leaf.lo)}"
                else:
                    text = number(leaf.lo if not leaf.bits else value).text
                code.line(f"long {name} = {text};")
        for variable in sorted(self.once):
            code.line(f"unsigned long done_{_c(variable)} = 0;")
        if self.transit:
            code.line(f"uint64_t passed[{-(-len(self.transit) // WORD)}] = {{0}};")
        if self._turns():
            code.line("unsigned long through = 0;")
        if self.in_parts:
            code.line("uint64_t leaves = 0;")
            if self.writes:
                code.line("struct state before = s;")
                code.line("bool moves = false;")

    def _scope(self, loaded: Numbers = ()) -> Scope:
        names = {
            v.name: tuple(
                Number(_c_local(v.name, leaf.path), leaf.lo, leaf.hi) for leaf in leaves(v.sort)
            )
            for v in self.process.locals if v.name in self.locals
        }
        return Scope(self.code, self.layout, "&s", names, self.me, self.own, loaded)

    def _run(self, action: Action) -> None:
        """Read, wait, write, local work."""
        access = action.access
        loaded, cell = self._reads(access)
        scope = self._scope(loaded)
        if action.wait is not None:
            self.code.line(f"if (!{scope.test(action.wait).text}) goto next;")
        if isinstance(access, Store | Rmw):
            self._writes(access, cell, scope)
        self._block(action.body, _Around(action, loaded))

    def _reads(self, access: Access | None) -> tuple[Numbers, Number]:
        scope = self._scope()
        match access:
            case None | Fence() | Store():
                return (), number(0)
            case Observe(value):
                return tuple(scope.kept(n, "seen") for n in scope.value(value)), number(0)
            case Load(place) | Rmw(place):
                at, fields = scope.cell(place)
                at = scope.kept(at, "i")
                return tuple(scope.kept(scope.read(at, f), "loaded") for f in fields), at

    def _writes(self, access: Store | Rmw, cell: Number, scope: Scope) -> None:
        variable = self.layout.states.program.variable(access.place.variable)
        fields: tuple[Stored, ...] = tuple(self.layout.fields[variable.name])
        sort = variable.sort
        if isinstance(access, Store):
            cell, _ = scope.cell(access.place)
            cell = scope.kept(cell, "i")
            if access.part:
                assert isinstance(sort, Record)
                first, count = part(sort, access.part)
                fields = fields[first : first + count]
                for name in access.part:
                    assert isinstance(sort, Record)
                    sort = dict(sort.fields)[name]
        new = scope.fitted(scope.value(access.value), sort, variable.checked)
        self._put(cell, fields, new)

    def _put(self, cell: Number, fields: tuple[Stored, ...], new: Numbers) -> None:
        for stored, value in zip(fields, new, strict=True):
            if stored.leaf.bits:
                self.code.line(f"set_{c_name(stored)}(&s, {cell.text}, {value.text});")

    # ---------------------------------------------------------------------------------- statements

    def _block(self, block: Block, around: _Around) -> None:
        for statement in block:
            self._statement(statement, around)

    def _statement(self, statement: Statement, around: _Around) -> None:
        scope, code = self._scope(around.loaded), self.code
        match statement:
            case Assign(local, value):
                self._assign(local, scope.value(value), scope)
            case SetGhost():
                self._set_ghost(statement, scope)
            case Assert(condition):
                code.fault_if(f"!{scope.test(condition).text}")
            case Assume(condition):
                code.line(f"if (!{scope.test(condition).text}) {{ cut(which[n]); goto next; }}")
            case Choose():
                self._choose(statement, scope)
            case If(condition, then, other):
                test = scope.test(condition)
                with code.block(f"if ({test.text})"):
                    self._block(then, around)
                if other:
                    with code.block("else"):
                        self._block(other, around)
            case Goto(location):
                self._goto(location, around.action)

    def _assign(self, local: str, values: Numbers, scope: Scope) -> None:
        variable = next(v for v in self.process.locals if v.name == local)
        values = scope.fitted(values, variable.sort, variable.checked)
        names = [_c_local(local, leaf.path) for leaf in leaves(variable.sort)]
        if len(names) > 1:  # a part may be computed from another that is set here
            with self.code.block(""):
                for n, value in enumerate(values):
                    self.code.line(f"const long new{n} = {value.text};")
                for n, name in enumerate(names):
                    self.code.line(f"{name} = new{n};")
        elif values[0].text != names[0]:
            self.code.line(f"{names[0]} = {values[0].text};")

    def _set_ghost(self, statement: SetGhost, scope: Scope) -> None:
        variable = self.layout.states.program.variable(statement.place.variable)
        cell, fields = scope.cell(statement.place)
        cell = scope.kept(cell, "i")
        new = scope.fitted(scope.value(statement.value), variable.sort, variable.checked)
        if variable.name in self.once:
            new = tuple(scope.kept(value) for value in new)
            done = f"done_{_c(variable.name)}"
            other = " || ".join(
                f"{scope.read(cell, stored).text} != {value.text}"
                for stored, value in zip(fields, new, strict=True)
            )
            self.code.fault_if(f"({done} >> {cell.text} & 1) && ({other})")
            self.code.line(f"{done} |= 1UL << {cell.text};")
        self._put(cell, fields, new)

    def _choose(self, statement: Choose, scope: Scope) -> None:
        """As semantics: of options that are expressions only the chosen one is evaluated."""
        code, options = self.code, statement.options
        if isinstance(options, tuple):
            if not options:
                code.fault()
                return
            pick = self._pick(str(len(options)))
            with code.block(f"switch ({pick})"):
                for n, option in enumerate(options):
                    with code.block(f"case {n}:"):
                        self._assign(statement.local, scope.value(option), scope)
                        code.line("break;")
            return
        count = code.fresh("options")
        code.line(f"long {count} = 0;")
        with scope.each(options, code.fresh("e")):
            code.line(f"{count}++;")
        code.fault_if(f"!{count}")
        pick = self._pick(count)
        with scope.each(options, code.fresh("e")) as within, code.block(f"if (!{pick}--)"):
            self._assign(statement.local, within.names[""], within)
            code.line("break;")

    def _pick(self, count: str) -> str:
        name = self.code.fresh("pick")
        self.code.line(f"long {name} = choose(&script, {count});")
        self.code.fault_if(f"{name} < 0")
        return name

    def _goto(self, location: str, action: Action) -> None:
        """The end of a step, or of its part at this location: dead locals hold their defaults."""
        code = self.code
        target = self.actions.get(location)
        if target is not None and target.transit:
            if self.in_parts and is_copy(location):
                self._part(action, target)
            if self._turns():
                code.fault_if("through++ == LONGEST")
            for local in self.process.locals:
                if local.name in self.locals and local.name not in target.live:
                    default = flat(default_value(local.sort), local.sort)
                    for leaf, value in zip(leaves(local.sort), default, strict=True):
                        code.line(f"{_c_local(local.name, leaf.path)} = {number(value).text};")
            code.line(f"goto {_label(location)};")
            return
        pc = self.order[location]
        control = self.layout.controls[self.process.name]
        number_ = [str(control.first[pc])] + [
            f"(uint64_t)({_c_local(k.local.name, k.leaf.path)}{_plus(-k.leaf.lo)}) * {k.unit}UL"
            for k in control.kept[pc] if k.leaf.bits
        ]
        mask = (1 << control.bits) - 1
        code.line(f"put_control(&s, cpu, {mask:#x}UL, {' + '.join(number_)});")
        self._leave(action, target)
        if self.transit:
            code.line("note_passed(passed, sizeof(passed) / sizeof(*passed), transit);")
        code.line(f"step({self.numbers[f'{self.process.name}.{self.action.at}']}, which[n], &s);")
        code.line("goto next;")

    def _part(self, action: Action, target: Action) -> None:
        """The end of what is a step of its own in the Program before its reduction."""
        if self.writes:
            counts = "moves |= changed(&before, &s), " if action.interrupt is None else ""
            self.code.line(f"{counts}before = s;")
        if left := self._left(action, target):
            self.code.line(f"leaves |= {left};")

    def _leave(self, action: Action, target: Action | None) -> None:
        """What this step does for a process that might be stuck."""
        if not self.needs:
            return
        left = self.needs if target is None else self._left(action, target)
        leaves = f"leaves | {left}" if self.in_parts else str(left)
        changes = self.writes
        if self.in_parts:
            moves = "moves" + " || changed(&before, &s)" * (action.interrupt is None)
        else:
            moves = "changed(from, &s)"
            changes = changes and action.interrupt is None
        if self.needs & ~left and changes:
            self.code.line(f"leave(which[n], cpu, {moves} ? {self.needs} : {leaves});")
        elif left or self.in_parts:
            self.code.line(f"leave(which[n], cpu, {leaves});")

    def _left(self, action: Action, target: Action) -> int:
        """What a step, or the last part of it, leaves of the places where the step began."""
        began = action if is_copy(action.at) else self.action
        return self.needs & self.places.left(self.process, began, target, self.action)


def _label(at: str) -> str:
    return f"at_{at}"


def _c(name: str) -> str:
    return name.replace(".", "_")


def _c_local(name: str, path: tuple[str, ...]) -> str:
    """A local as C names it: `l_` keeps it apart from C's own words."""
    return "_".join(("l", _c(name), *path))


def _plus(n: int) -> str:
    return "" if n == 0 else f" + {n}" if n > 0 else f" - {-n}"


