"""The one-line changes of specs/xen_idle_scrub.py (D8), or of the administrator who takes its pages
offline (specs/open/), and what each of them breaks.

`fails` is the property that is broken (the others are left out), or what is said of the step that
fails; "" where nothing is broken, and then `why` not.  With `LIBRARY` the line is one of
modelcheck/xen/buddy.py.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from tests.mutants.changed_line import with_line_changed

ROOT = Path(__file__).resolve().parents[2]
SPEC = ROOT / "specs" / "xen_idle_scrub.py"
OPEN = ROOT / "specs" / "open" / "xen_idle_scrub_offline.py"
LIBRARY = ROOT / "modelcheck" / "xen" / "buddy.py"

ONE = {"DOMAINS": 1}
OFFLINE = {"FIXED": True}  # of OPEN
FOUR_PAGES = {"DOMAINS": 1, "PAGES": 4, "MAX_ORDER": 2}
TWO_BUDDIES = {"DOMAINS": 1, "PAGES": 4}
WAITS = "domain[0] is stuck for ever at check_and_stop_scrub_62"
FORGETS = "no page forgets that it was told to go offline"
LISTED = "what is taken off a heap list is on it"
FIRST_DIRTY = "first_dirty stands at or before the first page that needs a scrub"
LET_GO = "pg.scrub_state = Buddy.NOT_SCRUBBING"
CALLBACK = "st = spin_lock_cb(heap_lock, scrub_continue, st)"
TRYLOCK = """\
while True:
    with atomic("trylock is a cmpxchg of head and tail, which are one word"):
        head = heap_lock.head
        if heap_lock.tail == head:
            heap_lock.tail = head + 1
            heap_lock.holder = this_process()
            break
    st = scrub_continue(st)"""
CLEARED_FIRST = """\
info = pg[i].count_info
pg[i].count_info = replace(info, need_scrub=False)
scrub_one_page(pg[i])"""
FLIPPED_OUTSIDE = """\
ticket_unlock(heap_lock)
pg[i].count_info = replace(info, state=PGC.INUSE)
ticket_lock(heap_lock)"""


@dataclass(frozen=True)
class Changed:
    """`slow`: all states are searched, or many."""

    story: str
    line: str
    by: str
    fails: str
    sets: dict[str, int | bool] = field(default_factory=lambda: dict(ONE))
    nth: int = 1
    file: Path = SPEC
    why: str = ""
    slow: bool = False


OF_THE_DESIGN = (
    Changed(
        "the scrubber waits for heap_lock as anybody does: each waits for the other",
        CALLBACK, "ticket_lock(heap_lock)", WAITS,
    ),
    Changed(
        "the scrubber tries the lock again and again", CALLBACK, TRYLOCK, "",
        why="no promise of memory is broken; without a ticket the scrubber may starve, and that"
        " is a promise of liveness (P5), which no engine checks yet", slow=True,
    ),
    Changed(
        "first_dirty says so before heap_lock is had: the buddy is taken for a clean one",
        CALLBACK, f"pg.first_dirty = st.first_dirty\n{CALLBACK}", LISTED,
    ),
    Changed(
        "an allocation does not stop the scrub",
        "check_and_stop_scrub(pg)", "pass", "the heap holds the free pages and no others",
    ),
    Changed(
        "nor does a merge with the buddy before",
        "check_and_stop_scrub(predecessor)", "pass", LISTED,
    ),
    Changed(
        "nor one with the buddy behind: it takes two domains",
        "check_and_stop_scrub(successor)", "pass", LISTED, {"DOMAINS": 2}, slow=True,
    ),
    Changed(
        "nor does who takes a page offline", "check_and_stop_scrub(head)", "pass",
        "first_dirty is within its buddy", OFFLINE,
    ),
    Changed(
        "the callback lets go without being asked: who asks later waits for ever",
        "if st.pg.scrub_state == Buddy.SCRUB_ABORT:", "if not st.drop:", WAITS,
    ),
    Changed(
        "no write barrier in the callback", "smp_wmb()", "pass", "",
        why="memory is sequentially consistent: stores are seen in the order of the program",
        slow=True,
    ),
    Changed(
        "no write barrier where it polls", "smp_wmb()", "pass", "", nth=2,
        why="memory is sequentially consistent: stores are seen in the order of the program",
        slow=True,
    ),
    Changed(
        "the scrubber clears need_scrub before it scrubs", "scrub_one_page(pg[i])", CLEARED_FIRST,
        "a free page that is not scrubbed says need_scrub", nth=2,
    ),
    Changed(
        "dirty buddies go to the head of their list", "page_list_add_tail(pg, head)",
        "page_list_add(pg, head)", "no clean buddy stands behind a dirty one", TWO_BUDDIES,
        file=LIBRARY,
    ),
    Changed(
        "first_dirty stays as it is when the first half is split off: it takes four pages",
        "first_dirty = first_dirty_above(first_dirty, buddy_order)", "pass", FIRST_DIRTY,
        FOUR_PAGES, slow=True,
    ),
    Changed(
        "nor does the first half keep it",
        "first_dirty_below(first_dirty, buddy_order))", "INVALID_DIRTY_IDX)", FIRST_DIRTY,
        slow=True,
    ),
)
"""Those at the end of D8 in the notes on Xen."""

OF_ITS_PROMISES = (
    Changed(
        "an allocation does not scrub", "scrub_one_page(pg[i])", "pass",
        "no dirty page is returned to a caller",
    ),
    Changed(
        "the scrubber scrubs on when it has let go", LET_GO, f"{LET_GO}\nscrub_one_page(pg[i])",
        "no page is scrubbed under its owner", nth=2,
    ),
    Changed(
        "a clean buddy in front of a dirty one (Xen, 2018: 1e2df96088)",
        "pg.first_dirty = mask + first_dirty", "pass", FIRST_DIRTY,
        {"DOMAINS": 2, "CLEAN_FREES": True}, slow=True,
    ),
    Changed(
        "nor behind one", "predecessor.first_dirty = mask + first_dirty", "pass", FIRST_DIRTY,
    ),
    Changed(
        "the state is flipped outside heap_lock (Xen, 2017: dab6a84aad)",
        "pg[i].count_info = replace(info, state=PGC.INUSE)", FLIPPED_OUTSIDE,
        "the heap holds the free pages and no others",
    ),
    Changed(
        "the page is freed twice", "free_heap_pages(pg, order, dirty)",
        "free_heap_pages(pg, order, dirty)\nfree_heap_pages(pg, order, dirty)",
        "no page is freed twice",
    ),
    Changed(
        "nothing is merged", "while order < MAX_ORDER:", "while order < 0:",
        "no two buddies on the heap could be merged",
    ),
    Changed(
        "the state is flipped outside heap_lock: the page is in two places",
        "pg[i].count_info = replace(info, state=PGC.INUSE)", FLIPPED_OUTSIDE,
        "each page is in one place",
    ),
    Changed(
        "what is left of a split buddy is lost: of all pages some are nowhere",
        "pg = pg[1 << buddy_order]", "pg = pg[1 << buddy_order]\npage_list_del(pg[-1], heap[0])",
        "no page is lost, and none is there twice",
    ),
    Changed(
        "a buddy is merged, and stays on its list", "page_list_del(predecessor, heap[order])",
        "pass", "page lists are whole",
    ),
    Changed(
        "what is left of a split buddy is lost",
        "pg = pg[1 << buddy_order]", "pg = pg[1 << buddy_order]\npage_list_del(pg[-1], heap[0])",
        "the heap holds the free pages and no others",
    ),
    Changed(
        "what is freed is not counted", "node.avail = avail + (1 << order)", "pass",
        "avail counts the pages on the heap",
    ),
    Changed(
        "the node's dirty pages are not counted", "node.need_scrub = dirty + (1 << order)", "pass",
        "node_need_scrub is no less than the free pages that need it",
    ),
    Changed(
        "another CPU may scrub the node meanwhile", "if test_and_set_bit(node.scrubbing):",
        "if node.scrubbing:", "one CPU at most scrubs a node, and node_scrubbing says so",
    ),
    Changed(
        "heap_lock is kept", "ticket_unlock(heap_lock)", "pass",
        "no CPU takes a lock that it holds", nth=2,
    ),
    Changed(
        "a page that is freed is flipped before heap_lock is taken", "ticket_lock(heap_lock)",
        "mark_page_free(pg)\nticket_lock(heap_lock)",
        "lists, states and counters change only under heap_lock", nth=3,
    ),
    Changed(
        "dirty buddies are never taken", "pg = get_free_buddy(order, True)", "pass",
        "an allocation fails only when no buddy is as large",
    ),
    Changed(
        "the buddy stays SCRUBBING, though nobody scrubs it any more",
        LET_GO, "pg.scrub_state = Buddy.SCRUBBING",
        "scrub_state changes only as its handshake allows", nth=3,
    ),
    Changed(
        "an allocation drops heap_lock before it asks the scrubber", "check_and_stop_scrub(pg)",
        "ticket_unlock(heap_lock)\ncheck_and_stop_scrub(pg)",
        "only the holder of heap_lock asks a scrubber to abort",
    ),
    Changed(
        "what is freed stays in use", "pg.count_info = CountInfo(PGC.FREE)", "pass",
        "a page on the heap is free",
    ),
    Changed(
        "what is freed dirty is said to be clean", "pg.first_dirty = 0",
        "pg.first_dirty = INVALID_DIRTY_IDX", "a clean buddy is clean", nth=2,
    ),
    Changed(
        "heap_lock is released by a scrubber that does not hold it", "return Outcome.OUT_NOLOCK",
        "return Outcome.OUT", "a ticket lock is released by its holder",
    ),
    Changed(
        "what is scrubbed is not subtracted: the count of the node's dirty pages leaks",
        "node.need_scrub = need_scrub - dirty_cnt", "pass",
        "node_need_scrub counts the free pages that need it",
    ),
    Changed(
        "nor what an idle CPU has scrubbed that let the buddy go",
        "node.need_scrub = need_scrub - dirty_cnt", "pass",
        "node_need_scrub counts the free pages that need it", nth=2,
    ),
    Changed(
        "a page is handed over that says need_scrub",
        "if test_and_clear_bit(pg[i].count_info.need_scrub):", "if pg[i].count_info.need_scrub:",
        "no domain has a page that says need_scrub",
    ),
    Changed(
        "what is freed may be offlining, and is free all the same",
        "if OFFLINE and info.state == PGC.OFFLINING:", "if OFFLINE and not OFFLINE:",
        "a page's state changes only as Xen's table of states allows", OFFLINE,
    ),
    Changed(
        "so that it forgets what it was told", "if OFFLINE and info.state == PGC.OFFLINING:",
        "if OFFLINE and not OFFLINE:", FORGETS, OFFLINE,
    ),
    Changed(
        "an allocation clears need_scrub by a load and a store",
        "if test_and_clear_bit(pg[i].count_info.need_scrub):",
        "word = pg[i].count_info\nif word.need_scrub:\n"
        "    pg[i].count_info = replace(word, need_scrub=False)", FORGETS, OFFLINE,
    ),
    Changed(
        "the scrubber does, as in the code that was read", "clear_bit(pg[i].count_info.need_scrub)",
        "word = pg[i].count_info\npg[i].count_info = replace(word, need_scrub=False)",
        FORGETS, OFFLINE,
    ),
    Changed(
        "the scrubber says that a page is free when it has let go", LET_GO,
        f"{LET_GO}\npg[i].count_info = CountInfo(PGC.FREE)",
        "a page that is said to be offlined is", OFFLINE, nth=2,
    ),
)


def changed(mutant: Changed, folder: Path) -> Path:
    """A copy of the spec with the one line replaced, and of what it is made of."""
    texts = {file: file.read_text(encoding="utf-8") for file in (SPEC, OPEN)}
    text = with_line_changed(mutant.file, mutant.line, mutant.by, mutant.nth)
    if mutant.file == LIBRARY:
        texts[SPEC] = texts[SPEC].replace(
            "from modelcheck.xen.buddy import", "from specs.buddy import"
        )
    texts[mutant.file] = text
    specs = folder / "specs"
    (specs / "open").mkdir(parents=True)
    (specs / SPEC.name).write_text(texts[SPEC], encoding="utf-8")
    (specs / "open" / OPEN.name).write_text(texts[OPEN], encoding="utf-8")
    if mutant.file == LIBRARY:
        (specs / LIBRARY.name).write_text(text, encoding="utf-8")
    return specs / "open" / OPEN.name if mutant.sets == OFFLINE else specs / SPEC.name
