"""Each invariant of modelcheck.xen.invariants fails for a one-line change of a small design.

The designs are in invariants/ beside this file, and keep all that they promise.  A mutant names the
invariant, and the sentence is the library's; it alone is checked, so that nothing fails first."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from modelcheck.engines.reference import explore
from modelcheck.frontend.compile import compile_spec
from modelcheck.frontend.definitions import Function
from modelcheck.trace import Limits
from tests.mutants.changed_line import with_line_changed

DESIGNS = Path(__file__).parent / "invariants"
SPECS = Path(__file__).resolve().parents[2] / "specs"


@dataclass(frozen=True)
class Mutant:
    design: str
    invariant: str
    story: str
    line: str
    by: str
    nth: int = 1
    sets: dict[str, int | bool] = field(default_factory=dict)


FREED = "pg.count_info = CountInfo(PGC.FREE, need_scrub=True)"

ONE_LIST = tuple(Mutant("one_list", *row) for row in (
    ("clean_handover", "the allocation scrubs nothing", "scrub_one_page(pg)", "pass"),
    ("conservative_label", "a freed page says nothing",
     FREED, "pg.count_info = CountInfo(PGC.FREE)"),
    ("unreachable_while_dirty", "the label stays, though the page is scrubbed",
     "pg.count_info = CountInfo(PGC.INUSE)", "pass"),
    ("no_stale_access", "nothing is flushed when a page is freed", "pg.writer = None", "pass"),
    ("no_live_scrub", "the page is scrubbed once more when it has been handed over",
     "fill_page(pg, me)", "fill_page(pg, me)\nscrub_one_page(pg)"),
    ("one_place", "the page stays on the heap",
     "pg = page_list_remove_head(heap)", "pg = heap.next"),
    ("legal_transition", "the page has been allocated meanwhile",
     "info = pg.count_info", "info = CountInfo(PGC.INUSE)"),
    ("references", "the reference is kept", "pg.references = 0", "pass"),
    ("freed_once", "the page that an allocation returns looks free",
     "pg.count_info = CountInfo(PGC.INUSE)", "pg.count_info = CountInfo(PGC.FREE)"),
    ("page_list", "the page is put on the list, and its links cut",
     "page_list_add_tail(pg, heap)", "page_list_add_tail(pg, heap)\npg.prev = pg", 2),
    ("all_are_free", "a domain keeps its page", "free_heap_pages(pg, me)", "pass"),
    ("free_list", "the page is freed and forgotten (Xen, 2009: 428dc303f5)",
     "page_list_add_tail(pg, heap)", "pass", 2),
    ("listed_or_held", "so that there is one less",
     "page_list_add_tail(pg, heap)", "pass", 2),
    ("need_scrub_suffices", "a freed dirty page is not counted",
     "counts.need_scrub = need_scrub + 1", "pass"),
    ("need_scrub_counts", "what was scrubbed is not counted",
     "counts.need_scrub = need_scrub - 1", "pass"),
    ("claims_are_backed", "the claim is dropped in a later critical section (75d29d9b5e)",
     "counts.outstanding_claims = 0", "pass"),
    ("tot_pages_counts", "a freed page is still counted",
     "element(Domain, me).tot_pages = tot_pages - 1", "pass"),
    ("under_lock", "the state is flipped outside heap_lock (dab6a84aad)",
     "info = pg.count_info", "spin_unlock(heap_lock)\ninfo = pg.count_info"),
    ("not_held", "an allocation begins under heap_lock",
     "pg = alloc_heap_pages()", "spin_lock(heap_lock)\npg = alloc_heap_pages()"),
    ("in_order", "the page is assigned under heap_lock",
     "assign_page(pg, me)", "spin_lock(heap_lock)\nassign_page(pg, me)"),
    ("no_page_is_free", "the freed page goes to its domain's list (B7)",
     "page_list_add_tail(pg, heap)", "page_list_add_tail(pg, page_lists[me])", 2),
))  # fmt: skip

BUDDIES = tuple(Mutant("buddies", *row) for row in (
    ("index_soundness", "a dirty successor is forgotten (Xen, 2018: 1e2df96088)",
     "elif first_dirty == INVALID and dirty != INVALID:", "elif first_dirty == 0 and dirty == 0:"),
    ("unique_place", "the buddy that is merged stays on its list",
     "page_list_del(buddy, heap[0])", "pass"),
    ("page_lists", "the buddy that is merged stays on its list",
     "page_list_del(buddy, heap[0])", "pass"),
    ("is_listed", "the buddy is deleted twice", "assert is_listed(buddy, heap[0])",
     "page_list_del(buddy, heap[0])\nassert is_listed(buddy, heap[0])"),
    ("buddies", "the merged buddy is headed by its upper half", "pg = buddy", "pass"),
    ("maximal_merge", "nothing is merged", "if info.state != PGC.FREE:",
     "if True:"),
    ("conservation", "the upper half of a split is forgotten",
     "pg.holder = this_process()", "pass"),
    ("avail_counts", "an allocation is not counted", "node.avail = avail - 1", "pass"),
    ("clean_before_dirty", "the wrong end of the list", "page_list_add(pg, heap[order])",
     "page_list_add_tail(pg, heap[order])", 1, {"PAGES": 4}),
))  # fmt: skip

CMPXCHG = (
    "if cmpxchg(page.scrub_state, Buddy.SCRUBBING, Buddy.SCRUB_ABORT) == Buddy.SCRUBBING:"
)

HANDSHAKE = tuple(Mutant("handshake", *row) for row in (
    ("legal_scrub_transition", "the request to abort is a load and a store",
     CMPXCHG, "if page.scrub_state == Buddy.SCRUBBING:\n    page.scrub_state = Buddy.SCRUB_ABORT"),
    ("abort_under_lock", "the allocation asks before it has the lock",
     "spin_lock(heap_lock)", "check_and_stop_scrub()\nspin_lock(heap_lock)"),
    ("one_scrubber", "the bit is a load and a store",
     "if not test_and_set_bit(node.scrubbing):",
     "if not node.scrubbing:\n    node.scrubbing = True"),
))  # fmt: skip

OFFLINED = tuple(Mutant("offlined", "offline_mark_stays", *row) for row in (
    ("the flag is cleared by a load and a store", "clear_bit(pg.count_info.need_scrub)",
     "info = pg.count_info\npg.count_info = replace(info, need_scrub=False)"),
    ("the page is told, and that is all", "found = cmpxchg(pg.count_info, info, "
     "replace(info, state=PGC.OFFLINING))", "found = info"),
))  # fmt: skip

TWO_LISTS = tuple(Mutant("two_lists", *row) for row in (
    ("clean_pages_first", "the dirty list is looked at first",
     "pg = page_list_remove_head(heap[CLEAN])", "pg = None"),
    ("scrubbed_once", "a clean page goes to the dirty list",
     "fill_page(pg, 0)", "pass"),
    ("comes_back", "no idle CPU looks at the dirty list",
     "if pg is not None:", "if pg is not None and False:", 3),
))  # fmt: skip

OFF_THE_HEAP = (Mutant(
    "off_the_heap", "every_page_is_owned", "the page is scrubbed with heap_lock dropped",
    "scrub_one_page(pg)", "spin_unlock(heap_lock)\nscrub_one_page(pg)\nspin_lock(heap_lock)",
),)

IN_RAM = (Mutant(
    "in_ram", "clean_in_ram", "the page is not cleaned to RAM (XSA-364)",
    "flush_page_to_ram(pg)", "pass",
),)

IN_IRQ = tuple(Mutant("in_irq", "outside_interrupts", *row) for row in (
    ("the handler uses the heap itself (dc4db635cb)", "cpu.softirq_pending = True",
     "alloc_heap_pages()"),
    ("the heap is used with interrupts off", "cpu.irqs_are_off = False", "pass"),
))  # fmt: skip

MUTANTS = (*ONE_LIST, *IN_RAM, *IN_IRQ, *OFFLINED, *TWO_LISTS, *BUDDIES, *HANDSHAKE, *OFF_THE_HEAP)


def mutated(mutant: Mutant) -> str:
    """The design's text with the one line replaced."""
    return with_line_changed(DESIGNS / f"{mutant.design}.py", mutant.line, mutant.by, mutant.nth)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda m: f"{m.invariant}: {m.story}")
def test_an_invariant_fails_for_a_mutant(mutant: Mutant, tmp_path: Path) -> None:
    path = tmp_path / f"{mutant.design}.py"
    path.write_text(mutated(mutant), encoding="utf-8")
    spec, program = compile_spec(str(path), mutant.sets)
    found = next(m.scope[mutant.invariant] for m in spec.modules if mutant.invariant in m.scope)
    assert isinstance(found, Function) and found.invariant is not None
    verdict = explore(program, Limits(), (found.invariant.sentence,))
    failed = [p.sentence for p in verdict.properties if p.status in ("violated", "not reached")]
    assert failed == [found.invariant.sentence]


@pytest.mark.parametrize("design", sorted(p.stem for p in DESIGNS.glob("*.py")))
def test_a_design_keeps_what_it_promises(design: str) -> None:
    _, program = compile_spec(str(DESIGNS / f"{design}.py"), {})
    verdict = explore(program, Limits())
    kept = ("holds", "reached")
    assert {p.sentence: p.status for p in verdict.properties if p.status not in kept} == {}
    assert verdict.outcome == "HOLDS"


def test_every_invariant_has_a_mutant() -> None:
    spec, _ = compile_spec(str(DESIGNS / "one_list.py"), {})
    (library,) = (m for m in spec.modules if m.name == "modelcheck.xen.invariants")
    functions = [f for f in library.scope.values() if isinstance(f, Function)]
    assert {m.invariant for m in MUTANTS} == {f.name for f in functions if f.invariant is not None}


def test_the_labels_are_those_of_the_notes() -> None:
    """S1-S10, L1-L4, A1-A5 and K1-K6, P1 and P3, T4, and T7, which the notes have not."""
    spec, _ = compile_spec(str(DESIGNS / "one_list.py"), {})
    wanted = {f"S{n}" for n in range(1, 11)} | {f"L{n}" for n in range(1, 5)}
    wanted |= {f"A{n}" for n in range(1, 6)} | {f"K{n}" for n in range(1, 7)}
    wanted |= {"P1", "P3", "T4", "T7"}
    assert set(spec.labels.values()) == wanted


def test_every_invariant_is_promised_by_a_design() -> None:
    """S4, S5, S9, A5 and K3 stood in the library, and no design had ever kept or broken them: what
    nobody promises is not known to be what it says."""
    spec, _ = compile_spec(str(DESIGNS / "one_list.py"), {})
    (library,) = (m for m in spec.modules if m.name == "modelcheck.xen.invariants")
    functions = [f for f in library.scope.values() if isinstance(f, Function)]
    promised: set[str] = set()
    for path in SPECS.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        promised |= {
            n.func.id for n in ast.walk(tree)
            if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)
        }
    assert {f.name for f in functions if f.invariant is not None} <= promised
