"""Program <-> text: the notation of `modelcheck show`, in which golden tests are written.

`parse_program(print_program(p)) == p`, and `print_program(parse_program(t)) == t` when `t` is laid
out as the printer lays it out.  By hand one may also write `# comments`, blank lines, and an arm of
one statement on a line of its own.

    program per_page_cmpxchg(PAGES=2, WAIT=False)      # name and parameters
    memory sc                                          # if compiled for a memory model
    assumption "the hypercall is serialised"
    sort Page 2                                        # an index sort: Page[0], Page[1]
    sort process 2
    enum Scrub { IN_USE NEED_SCRUB SCRUBBING CLEAN }
    word CountInfo { state: Scrub, broken: bool }
    shared heap.head: Page? = None                     # Page?: an element of Page, or None
    shared Page.state[Page]: Scrub = all NEED_SCRUB    # every cell the same, or one value a cell
    shared Page.count_info[Page]: CountInfo = {CLEAN, False} {IN_USE, True}
    shared unchecked Page.next[Page]: Page?            # no `=`: boot must set it
    shared heap_lock.locked: bool = False
    ghost heap_lock.holder: process? = None

    boot link_every_page
      entry: goto link_30
      at link_30 transit:
        store Page.next[Page[0]] := Page.None
        goto end

    process domain[2]                                  # domain[0], domain[1]; `process idle`: one
      local pg: Page?
      local turn: 0..3 wraps                           # Int(0, 3, wraps=True)
      entry: turn := 0
      at domain_41 live turn in domain_40, lock_41 resting head transit atomic "its reason":
        wait not $                                     # `$` is what the access reads
        rmw heap_lock.locked := True by spin_lock      # a word of the language, if not `rmw`
        ghost heap_lock.holder := self
        goto domain_42
      at domain_42 live turn in domain_40:
        load heap.head
        pg := $
        if pg == Page.None: goto end
        elif turn > 2:
          choose turn in [0, 1]                        # or: in Page, in range(0, 3)
          assert turn < 2, "it is small"
          goto domain_43
        else: goto domain_42
      at domain_43 live pg:
        store Page.count_info[pg] part broken := True
        goto end
      at timer_50_at_domain_43 live pg interrupt timer:  # of a handler, where domain_43 is next
        load heap.head
        goto domain_43

    always "no page in use is listed" when heap_lock.holder == process.None: \
all(pg in chain(heap.head, Page.next): Page.state[pg] != Scrub.IN_USE)

Other accesses: `observe e`, `fence smp_mb`.
Expressions are Python's, with Python's precedence; besides: `$`, `me`, `self`, `at_rest`,
`index_of(e)`, `not_null(e)`, `element(Page, n, 1)`, `CountInfo(state=e, broken=e)` (a word made),
`CountInfo{CLEAN, False}` (a word's constant), `Page[1]` and `Page?[1]` (constants of sort Page and
Page?), `3` (of sort 3..3), `3:0..7` (of sort 0..7), `e.field`, `e.(CountInfo.field)` where two
words have that field.  A dotted name is the longest local or variable that it begins with, then
fields.  A name that is not plain, or is a word of the notation, stands in backquotes.
"""

from modelcheck.notation.parsing import parse_program
from modelcheck.notation.printing import print_program

__all__ = ["parse_program", "print_program"]
