"""What a verdict looks like, to the letter."""
# ruff: noqa: E501

from dataclasses import replace

from modelcheck.report.lanes import choice_text, first_choice_text
from modelcheck.report.pieces import plain
from modelcheck.report.text import verdict_rows
from modelcheck.trace import Choice, Failure, Limits, Line, NeverTaken, Stopped, Validation
from tests.report.made import FAILURE, HOLDS, SPEC, TRACE, VIOLATED, line


def report(*args: object, **kwargs: object) -> str:
    return plain(verdict_rows(*args, **kwargs))  # type: ignore[arg-type]


def test_violated() -> None:
    assert report(VIOLATED, 'yes: EXPECT says violates("no dirty page is returned to a caller")') == """\
specs/per_page.py: VIOLATED  no dirty page is returned to a caller
  expected   yes: EXPECT says violates("no dirty page is returned to a caller")
  instance   PAGES=2 WAIT=False, memory model sc
  searched   not all reachable states: 3,412 states, 7,025 transitions, depth 11 (reference engine)
  trace      11 steps, 1 CPU switch; none is shorter
  properties holds                 always    no page in use is on the heap list
             violated at depth 11  assert    no dirty page is returned to a caller
             1 other not decided: the search ended at this violation

      domain     idle_loop                                     changed, or read                heap.head  Page[0]         Page[1]
      at boot                                                                                  1 0        NEED_SCRUB old  NEED_SCRUB old
   1             107 pg = heap.head                            pg = Page[1]
   2             109 if cmpxchg(pg.scrub, Scrub.NEED_SCRUB, Scrub.SCRUBBING) == Scrub.NEED...                             SCRUBBING old
                 110 scrub_one_page(pg)
   3               page.py:28 pg.contents.first = Pattern.ZERO                                                            SCRUBBING zero|old

      97 pg = alloc_heap_pages()
   4    66 spin_lock(heap_lock)                                heap_lock taken by domain
   5    67 pg = heap.head                                      pg = Page[1]
   6    69 rest = pg.next                                      rest = Page[0]
   7    70 heap.head = rest                                                                    0
   8    71 spin_unlock(heap_lock)                              heap_lock released
   9    74 if cmpxchg(pg.scrub, Scrub.NEED_SCRUB, Scrub.IN_USE) == Scrub.NEED_SCRUB:
                                                               Page[1].scrub is SCRUBBING
  10    80 pg.scrub = Scrub.IN_USE                                                                                        IN_USE zero|old
->11  99 assert is_scrubbed(pg)                                pg = Page[1]                    0          NEED_SCRUB old  IN_USE zero|old
      ^-- here domain breaks it: no dirty page is returned to a caller

      a page's bytes: zero; old: what an earlier domain left; d0: domain[0]'s pattern; first half|second half

validated (bytes): domain received page 1 with 2048 bytes of an earlier domain's pattern
"""


def test_holds() -> None:
    assert report(HOLDS) == """\
specs/per_page.py: HOLDS  every property, in every reachable state of this instance
  instance   PAGES=2 WAIT=True, memory model sc
  searched   all reachable states: 1 state, 2,400 transitions, depth 40 in 1.500 s (reference engine)
  limits     states 10,000
  assumes    the hypercall is serialised (line 60)
  properties holds                 always    no page in use is on the heap list
             reached at depth 7    sometimes a page leaves the list while being scrubbed
  warning    domain never takes line 73: return None
"""


def test_many_lines_that_no_run_takes() -> None:
    """xen_idle_scrub.py's verdict ended in 31 warnings, most of them of another file."""
    never = [NeverTaken("domain", f"domain_{n}", line(n, "return None")) for n in (73, 80, 81, 90)]
    few = report(replace(HOLDS, never_taken=tuple(never)))
    assert few.count("warning    domain never takes line") == 4
    other = Line("modelcheck/xen/page.py", 53, 5, "pg.contents.first = Pattern.ZERO")
    never += [NeverTaken("domain", "domain_53", other), NeverTaken("idle", "idle_53", other)]
    many = replace(HOLDS, never_taken=tuple(never))
    assert report(many).endswith("""\
  warning    domain never takes 5 lines: 73, 80-81, 90; of page.py 53
  warning    idle never takes line 53 of page.py: pg.contents.first = Pattern.ZERO
""")
    assert report(many, full=True).count("warning    domain never takes line") == 5


def test_unknown() -> None:
    stopped = Stopped("states", 1000, 12, 345)
    unknown = replace(HOLDS, outcome="UNKNOWN", exhaustive=False, stopped=stopped, never_taken=(),
                      limits=Limits(1000, 2.5, 4 << 30), states=1000, properties=())
    assert report(unknown) == """\
specs/per_page.py: UNKNOWN  nothing wrong was found, but not everything was looked at
  instance   PAGES=2 WAIT=True, memory model sc
  searched   not all reachable states: 1,000 states, 2,400 transitions, depth 40 in 1.500 s (reference engine)
  stopped    the limit on states was reached: 1,000 states, depth 12, 345 in the queue
  limits     states 1,000, seconds 2.5, bytes 4,294,967,296
  assumes    the hypercall is serialised (line 60)
"""


def test_not_reproduced() -> None:
    """The trace stays on the page: it is the reader's only lead."""
    parted = Validation("NOT REPRODUCED", None, "step 3: Page[0].scrub is CLEAN, the model says NEED_SCRUB")
    text = report(replace(VIOLATED, validation=parted))
    assert text.splitlines()[-1] == (
        "NOT REPRODUCED: step 3: Page[0].scrub is CLEAN, the model says NEED_SCRUB"
    )
    text = report(replace(VIOLATED, validation=None))
    assert text.splitlines()[-1] == (
        "not validated: this trace was not run on the executable allocator"
    )


def test_failures_of_memory_and_stuck_processes_have_their_own_words() -> None:
    invariant = Failure("safety", "a clean page is scrubbed", line(110, "def ..."))
    stuck = Failure("deadlock", "domain waits for ever", line(78, "while pg.scrub == X:"), "domain")
    for failure, words in (
        (FAILURE, "^-- here domain breaks it: no dirty page is returned to a caller"),
        (invariant, "^-- here it is no longer true (line 110): a clean page is scrubbed"),
        (stuck, "^-- from here domain is stuck at 78 while pg.scrub == X:"),
    ):
        text = report(replace(VIOLATED, trace=replace(TRACE, failure=failure)))
        assert words in text


def test_who_is_stuck_in_the_library_is_shown_where_the_spec_called_it() -> None:
    """Only the library's line was named, which is the same for every lock of the spec."""
    calls = (line(20, "free_pages()"), line(31, "ticket_lock(heap_lock)"),
             line(53, "await_turn(lock, ticket)", "modelcheck/xen/spinlock.py"))
    source = line(62, "wait_until(lock.head == ticket)", "modelcheck/xen/spinlock.py")
    stuck = Failure("deadlock", "domain waits for ever", source, "domain", calls)
    text = report(replace(VIOLATED, trace=replace(TRACE, failure=stuck), others=(stuck,)))
    said = (
        "deadlock: domain is stuck for ever at line 62 of spinlock.py, wait_until(lock.head == "
        "ticket), called at line 31, ticket_lock(heap_lock)"
    )
    assert f"specs/per_page.py: VIOLATED  {said}\n" in text
    assert f"  also       {said}; there too\n" in text
    assert (
        "^-- from here domain is stuck at spinlock.py:62 wait_until(lock.head == ticket), "
        "called at 31 ticket_lock(heap_lock)\n"
    ) in text
    own = replace(stuck, source=line(32, "wait_until(pg.ready)"), chain=calls[:1])
    assert "called at" not in report(replace(VIOLATED, trace=replace(TRACE, failure=own)))


def test_a_choice_is_told_by_its_line() -> None:
    """It was told by the name of the compiler's local: `choice_37_13 = Page[0]`."""
    assert choice_text(Choice(0, "alloc.choice_37_13", "Page[0]")) == "line 37 chooses Page[0]"
    assert choice_text(Choice(1, "alloc.pg", "Page[1]")) == "pg = Page[1] (chosen)"


def test_a_choice_before_the_first_step_is_told_by_its_process_too() -> None:
    """Of two CPUs it said `mce.choice_24_9 = Page[0]` and `mce.choice_24_9 = Page[1]`."""
    first = Choice(1, "mce[1].mce.choice_24_9", "Page[1]")
    assert first_choice_text(first) == "mce[1]: line 24 chooses Page[1]"


def test_other_violations_of_the_same_length() -> None:
    other = Failure("safety", "a clean page is scrubbed", line(110, "def ..."))
    text = report(replace(VIOLATED, others=(other,)))
    assert "  also       a clean page is scrubbed (line 110); as short\n" in text


def test_full_shows_lines_whole_and_the_heap_at_each_step() -> None:
    text = report(VIOLATED, full=True)
    assert "109 if cmpxchg(pg.scrub, Scrub.NEED_SCRUB, Scrub.SCRUBBING) == Scrub.NEED_SCRUB:" in text
    assert text.count("NEED_SCRUB old") == 14  # Page[0]: 12 times; Page[1]: twice


def test_no_control_character_reaches_a_terminal() -> None:
    text = report(replace(VIOLATED, spec="\x1b]0;owned\x07.py"))
    assert text.startswith("\N{REPLACEMENT CHARACTER}]0;owned\N{REPLACEMENT CHARACTER}.py: VIOLATED")
    assert SPEC not in text.splitlines()[0]
