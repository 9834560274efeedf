"""The executable allocator of one spec: its memory, its functions as running code, its CPUs.

    with Allocator(spec) as allocator:
        allocator.boot([])                   boot's choices; the CPUs come to their first accesses
        allocator.step(0, [])                the first process takes a step
        allocator.cpus[0].at                 ("specs/per_page_cmpxchg.py", 59)
"""

from __future__ import annotations

import ast
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from modelcheck.frontend.definitions import (
    HELD_AT_END, Constant, EnumClass, Function, Module, Object, Parameter, SharedClass, Spec, Word,
    WordClass,
)  # fmt: skip
from modelcheck.heap.arena import Arena, Patterns
from modelcheck.heap.encoding import Encoding
from modelcheck.heap.faults import Difference, Fault
from modelcheck.heap.generate import (
    AT_ONCE, FIT, HEAD, HEADS, LEFT, OBSERVE, PLACE, TURN, TURNS, expression_of, functions_of,
    lines_of_loops,
)  # fmt: skip
from modelcheck.heap.layout import SAFE, Layouts, Names
from modelcheck.heap.objects import (
    ArrayView, Inside, Location, Memory, ProcessView, View, place_of,
)  # fmt: skip
from modelcheck.heap.scheduler import Cpu, Scheduler
from modelcheck.heap.words import Words


class Allocator:
    """Reusable: each `boot` begins anew.  The classes of its parts can be replaced, for tests that
    plant an error in one of them."""

    arena_class: type[Arena] = Arena
    words_class: type[Words] = Words

    def __init__(self, spec: Spec, scheduler: Scheduler | None = None) -> None:
        self.spec = spec
        self.scheduler = scheduler or Scheduler(files_of(spec))
        self.scheduler.inside = frozenset(
            (str(m.path), line) for m in spec.modules for line in lines_of_loops(m)
        )
        patterns = Patterns(max(f.count for f in spec.processes))
        self.memory = Memory(self.arena_class(0, 0), patterns, self.scheduler.gate)
        self.layouts = Layouts(spec, self.memory)
        self.processes = self._process_views()
        self.layouts.elements[-1] += self.processes
        self.words = self.words_class(self.memory, self.scheduler, self.processes)
        self.words.asserts = spec.asserts
        for module in spec.modules:
            self._define(module)
        self.layouts.place_records()
        self.memory.arena = self.arena_class(len(self.layouts.pages), self.layouts.records)
        for view, location, default, module in self.layouts.defaults:
            location.write(view, self.layouts.evaluate(default, module))
        self._initial = bytes(self.memory.arena.memory)
        self._whens = {
            f.name: expression_of(f.when, f.module) for f in spec.properties if f.when is not None
        }

    def __enter__(self) -> Allocator:
        return self

    def __exit__(self, *error: object) -> None:
        self.scheduler.close()

    @property
    def cpus(self) -> list[Cpu]:
        """The processes, in the model's order."""
        return self.scheduler.cpus

    # ---------------------------------------------------------------------------- definitions

    def _process_views(self) -> list[ProcessView]:
        sort = len(self.spec.index_sorts) - 1
        views: list[ProcessView] = []
        for f in self.spec.processes:
            indexed = f.count > 1 or bool(f.node.args.args)
            for me in range(f.count):
                name = f"{f.name}[{me}]" if indexed else f.name
                views.append(ProcessView(sort, len(views), name))
        return views

    def _define(self, module: Module) -> None:
        """Fill in what the names of a module stand for; its imports were defined before it."""
        names = self.layouts.names[module.file]
        for name, definition in module.scope.items():
            if isinstance(definition, Word):
                meaning = self.words.named(definition.name)
                if meaning is not None:
                    names[name] = meaning
        for local, (source, name) in module.imports.items():
            if name in self.layouts.names[source.file]:
                names[local] = self.layouts.names[source.file][name]
        for node in module.tree.body:
            match node:
                case ast.ClassDef(name=name):
                    self._define_class(node, name, module, names)
                case ast.Assign(targets=[ast.Name(id=name)], value=value):
                    self._define_value(name, value, module, names)
                case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                    self._define_value(name, value, module, names)
                case _:
                    pass
        checks: list[Encoding] = []
        code = functions_of(module, self.layouts.fits, checks)
        names.update(self._hidden(checks))
        names["__builtins__"] = SAFE
        exec(code, names)

    def _define_class(
        self, node: ast.ClassDef, name: str, module: Module, names: Names
    ) -> None:
        match module.scope[name]:
            case EnumClass() as sort:
                names[name] = self.layouts.enum(sort)
            case WordClass():
                names[name] = self.layouts.word(node, module)
            case SharedClass(count=int()) as cls:
                names[name] = self.layouts.elements[self.layouts.sorts.index(name)]
                self.layouts.elements_of(cls)
            case _:
                pass

    def _define_value(self, name: str, value: ast.expr, module: Module, names: Names) -> None:
        match module.scope.get(name):
            case Parameter(value=chosen):
                names[name] = chosen
            case Constant():
                names[name] = self.layouts.evaluate(value, module)
            case Object(type=kind):
                names[name] = self.layouts.object(name, kind)
            case _:
                pass

    def _hidden(self, checks: list[Encoding]) -> Names:
        """What generated code calls beside the words."""

        def counted(count: Callable[[], bool]) -> Callable[[Iterable[Any]], Iterator[Any]]:
            def turns(items: Iterable[Any]) -> Iterator[Any]:
                for item in items:
                    yield item
                    count()  # as in the model: a `for` has its head behind each turn

            return turns

        return {
            PLACE: place_of,
            OBSERVE: self.words.observe,
            AT_ONCE: self.words.at_once,
            TURN: self.scheduler.turn,
            HEAD: self.scheduler.head,
            HEADS: counted(self.scheduler.head),
            LEFT: self.scheduler.left,
            TURNS: counted(self.scheduler.turn),
            FIT: lambda number, value: checks[number].fit(value),
        }

    def _callable(self, f: Function) -> Callable[..., Any]:
        found: Callable[..., Any] = self.layouts.names[f.module.file][f.name]
        return found

    # -------------------------------------------------------------------------------- running

    def boot(self, choices: Iterable[int]) -> None:
        """Memory as the defaults and boot leave it, every CPU in front of its first access.

        `choices`: the options chosen in boot, then in each process before its first access."""
        self.scheduler.close()
        self.memory.arena.memory[:] = self._initial
        self.words.writers.clear()
        self.scheduler.choices = deque(choices)
        self.memory.booting = True
        for f in self.spec.boots:
            self._callable(f)()
        self.memory.booting = False
        each = ((f, me) for f in self.spec.processes for me in range(f.count))
        for number, (f, me) in enumerate(each):
            body = self._callable(f)
            self.memory.ghosts_set.clear()
            if f.node.args.args:
                body = _told(body, me)
            body = self._to_its_end(body, self.processes[number])
            handlers = tuple(
                (
                    _told(self._callable(h), me) if h.node.args.args else self._callable(h),
                    (str(h.module.path), h.node.lineno),
                )
                for h in self.spec.interrupts if h.of is f
            )
            cpu = Cpu(self.processes[number].name, number, body, handlers)
            self.scheduler.start(cpu)
            if cpu.state == "failed":
                break  # the run has ended, before the others choose anything
        self._all_chosen()

    def _to_its_end(self, body: Callable[[], Any], process: ProcessView) -> Callable[[], None]:
        """A process's function, and behind it what is asserted where a process ends."""

        def run() -> None:
            body()
            held = (v.name for v in self.layouts.owned if self.words.holder_of(v) is process)
            for name in sorted(re.sub(r"\[\d+\]", "", name) for name in held):
                if self.spec.asserts(HELD_AT_END + name):
                    self.memory.bytes_read.clear()  # it is not of them that this is said
                    raise Fault("assert", HELD_AT_END + name)

        return run

    def step(self, number: int, choices: Iterable[int] | None) -> None:
        """Let one CPU take its step; `choices` are those that the step makes (None: any)."""
        self.scheduler.choices = None if choices is None else deque(choices)
        self.memory.ghosts_set.clear()
        self.memory.bytes_read.clear()
        self.memory.asked_for.clear()
        self.scheduler.let_go(self.cpus[number])
        self._all_chosen()

    def _all_chosen(self) -> None:
        if self.scheduler.choices:
            raise Difference("the schedule makes a choice that is not made here")

    def holds(self, f: Function) -> bool:
        """Whether a property is true of what memory holds now.  Where its `when` is false, `always`
        and `lemma` are true and `sometimes` is not."""
        when = self._whens.get(f.name)
        if when is not None and not self.layouts.run(when, f.module):
            return f.role in ("always", "lemma")
        return bool(self._callable(f)())

    # --------------------------------------------------------------------------------- reading

    def locations(self, name: str, sizes: tuple[int, ...]) -> list[tuple[View, Location]]:
        """The location of each cell of the model's variable of this name, row-major."""
        root, *path = name.split(".")
        views: list[Any] = [self._root(root)]
        for _ in sizes:
            views = [inner for several in views for inner in several]
        found = []
        for view in views:
            for part in path[:-1]:
                assert isinstance(vars(type(view))[part], Inside)
                view = view.embedded[part]
            location = vars(type(view))[path[-1]]
            assert isinstance(location, Location)
            found.append((view, location))
        return found

    def _root(self, name: str) -> Any:
        if name in self.layouts.sorts:
            return self.layouts.elements[self.layouts.sorts.index(name)]
        for found in self.spec.objects:
            if found.name == name:
                for names in self.layouts.names.values():
                    if isinstance(names.get(name), (View, ArrayView)):
                        return names[name]
        raise Difference(f"the allocator has nothing called {name}")


def files_of(spec: Spec) -> frozenset[str]:
    """The files that the frames of generated code are said to be in."""
    return frozenset(str(m.path) for m in spec.modules)


def _told(body: Callable[..., Any], me: int) -> Callable[[], Any]:
    return lambda: body(me)
