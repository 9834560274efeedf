"""A verdict made by hand, for tests of what it looks like: per_page_cmpxchg.py's counterexample."""

from modelcheck.trace import (
    Change,
    Failure,
    Limits,
    Line,
    NeverTaken,
    PropertyResult,
    Touch,
    Trace,
    TraceStep,
    Validation,
    Verdict,
)

SPEC = "specs/per_page.py"
CALL = "pg = alloc_heap_pages()"
PARAMETERS = (("PAGES", "2"), ("WAIT", "False"))


def line(number: int, text: str, file: str = SPEC) -> Line:
    return Line(file, number, 5, text)


def changes(*cells: str) -> tuple[Change, ...]:
    """`changes("pg: None -> Page[1]", "ghost lock.holder: None -> idle")`."""
    made = []
    for cell in cells:
        name, _, values = cell.removeprefix("ghost ").partition(": ")
        old, _, new = values.partition(" -> ")
        made.append(Change(name, old, new, cell.startswith("ghost ")))
    return tuple(made)


def step(
    process: str, source: Line, touch: Touch | None, changed: tuple[str, ...] = (),
    locals: tuple[str, ...] = (), chain: tuple[Line, ...] = (),
) -> TraceStep:
    number = PROCESSES.index(process)
    at = f"{process}_{source.line}"
    return TraceStep(
        process, number, at, None, source, chain, touch, (), changes(*changed), changes(*locals)
    )


PROCESSES = ("domain", "idle_loop")
ALLOC = (line(97, CALL),)
FAILURE = Failure("assert", "no dirty page is returned to a caller",
                  line(99, 'assert is_scrubbed(pg), "no dirty page is returned to a caller"'),
                  "domain")

TRACE = Trace(
    spec=SPEC, parameters=PARAMETERS, processes=PROCESSES, initial=(),
    cells=(
        ("Page[0].scrub", "NEED_SCRUB"), ("Page[1].scrub", "NEED_SCRUB"),
        ("Page[0].next", "None"), ("Page[1].next", "Page[0]"),
        ("Page[0].contents.first", "EARLIER"), ("Page[0].contents.second", "EARLIER"),
        ("Page[1].contents.first", "EARLIER"), ("Page[1].contents.second", "EARLIER"),
        ("heap.head", "Page[1]"), ("heap_lock.locked", "False"), ("heap_lock.holder", "None"),
    ),
    steps=(
        step("idle_loop", line(107, "pg = heap.head                        # no lock"),
             Touch("load", "heap.head", "Page[1]"), (), ("pg: None -> Page[1]",)),
        step("idle_loop", line(109, "if cmpxchg(pg.scrub, Scrub.NEED_SCRUB, Scrub.SCRUBBING) == "
                                    "Scrub.NEED_SCRUB:"),
             Touch("cmpxchg", "Page[1].scrub", "NEED_SCRUB"),
             ("Page[1].scrub: NEED_SCRUB -> SCRUBBING",)),
        step("idle_loop", line(28, "pg.contents.first = Pattern.ZERO", "modelcheck/xen/page.py"),
             Touch("store", "Page[1].contents.first", None),
             ("Page[1].contents.first: EARLIER -> ZERO",), (), (line(110, "scrub_one_page(pg)"),)),
        step("domain", line(66, "spin_lock(heap_lock)"),
             Touch("spin_lock", "heap_lock.locked", "False"),
             ("heap_lock.locked: False -> True", "ghost heap_lock.holder: None -> domain"), (),
             ALLOC),
        step("domain", line(67, "pg = heap.head"), Touch("load", "heap.head", "Page[1]"), (),
             ("pg: None -> Page[1]",), ALLOC),
        step("domain", line(69, "rest = pg.next"), Touch("load", "Page[1].next", "Page[0]"), (),
             ("rest: None -> Page[0]",), ALLOC),
        step("domain", line(70, "heap.head = rest"), Touch("store", "heap.head", None),
             ("heap.head: Page[1] -> Page[0]",), (), ALLOC),
        step("domain", line(71, "spin_unlock(heap_lock)"),
             Touch("spin_unlock", "heap_lock.locked", "True"),
             ("heap_lock.locked: True -> False", "ghost heap_lock.holder: domain -> None"), (),
             ALLOC),
        step("domain", line(74, "if cmpxchg(pg.scrub, Scrub.NEED_SCRUB, Scrub.IN_USE) == "
                                "Scrub.NEED_SCRUB:"),
             Touch("cmpxchg", "Page[1].scrub", "SCRUBBING"), (), (), ALLOC),
        step("domain", line(80, "pg.scrub = Scrub.IN_USE"), Touch("store", "Page[1].scrub", None),
             ("Page[1].scrub: SCRUBBING -> IN_USE",), (), ALLOC),
        step("domain", FAILURE.source, Touch("observe", "", "False")),
    ),
    failure=FAILURE, switches=1,
)

VIOLATED = Verdict(
    outcome="VIOLATED", engine="reference", spec=SPEC, parameters=PARAMETERS, memory_model="sc",
    assumptions=(), states=3412, transitions=7025, depth=11, exhaustive=False, limits=Limits(),
    stopped=None,
    properties=(
        PropertyResult("always", "no page in use is on the heap list", "holds", None,
                       line(117, "def no_page_in_use_is_on_the_heap_list() -> bool:")),
        PropertyResult("assert", FAILURE.sentence, "violated", 11, FAILURE.source),
        PropertyResult("deadlock", "no process waits for ever", "not checked", None,
                       line(1, "")),
    ),
    never_taken=(), trace=TRACE, others=(), seconds=None,
    validation=Validation(
        "validated", "bytes",
        "domain received page 1 with 2048 bytes of an earlier domain's pattern",
    ),
)

HOLDS = Verdict(
    outcome="HOLDS", engine="reference", spec=SPEC, parameters=(("PAGES", "2"), ("WAIT", "True")),
    memory_model="sc", assumptions=("the hypercall is serialised (line 60)",), states=1,
    transitions=2400, depth=40, exhaustive=True, limits=Limits(states=10_000), stopped=None,
    properties=(
        PropertyResult("always", "no page in use is on the heap list", "holds", None,
                       line(117, "def no_page_in_use_is_on_the_heap_list() -> bool:")),
        PropertyResult("sometimes", "a page leaves the list while being scrubbed", "reached", 7,
                       line(122, "def a_page_leaves_the_list_while_being_scrubbed() -> bool:")),
    ),
    never_taken=(NeverTaken("domain", "domain_73", line(73, "return None")),),
    trace=None, others=(), seconds=1.5,
)
