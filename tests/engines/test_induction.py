"""Induction: what it proves, on what that rests, and that nothing else is taken for proved.

T1 to T8 are the traps of the research note on symbolic engines.
"""

from __future__ import annotations


import pytest

from modelcheck.engines import reference
from modelcheck.engines.symbolic.induction import explore
from modelcheck.engines.symbolic.terms import Sym, Terms
from modelcheck.report.pieces import plain
from modelcheck.report.text import verdict_rows
from modelcheck.search import Engine, search
from modelcheck.source import ConfigurationError
from modelcheck.trace import Disagreement, Limits, Verdict, exit_code, from_json, timeless, to_json
from tests.small_programs import program

SIZES = pytest.mark.parametrize("pages", [3, 5, 6, 7])
NO_LIMITS = Limits()


def run(text: str, properties: tuple[str, ...] = ()) -> Verdict:
    return explore(program(text), NO_LIMITS, properties)


def statuses(verdict: Verdict) -> dict[str, str]:
    return {p.sentence: p.status for p in verdict.properties}


def report(verdict: Verdict) -> str:
    return plain(verdict_rows(timeless(verdict)))


COUNT = """\
    program count()
    sort process 2
    shared busy: bool = False
    shared n: 0..1000 = 0
    ghost twice: 0..4095 wraps = 0
    process adder[2]
      entry: goto adder_1
      at adder_1:
        wait not $
        rmw busy := True
        goto adder_2
      at adder_2:
        rmw n := 0 if $ > {last} else $ + 1
        ghost twice := 0 if $ > {last} else twice + 2
        goto adder_3
      at adder_3:
        store busy := False
        goto adder_1
    {lemma}
    always "n is small": n <= {bound}
    """
"""Two processes count round and round, far beyond what is sampled."""


def count(lemma: str = "", last: int = 900, bound: int = 901) -> str:
    return COUNT.format(lemma=lemma, last=last, bound=bound)


SMALL = {"n is small": "holds", "no process is stuck for ever": "not checked"}

# ------------------------------------------------------------------------------ what is proved


def test_a_property_that_is_inductive_holds_for_every_length_of_run() -> None:
    verdict = run(count(), ("n is small",))
    assert (verdict.outcome, verdict.engine, exit_code(verdict)) == ("HOLDS", "induction", 0)
    assert statuses(verdict) == SMALL
    assert verdict.proof is not None and verdict.proof.lemmas == () and verdict.proof.gaps == ()
    assert not verdict.exhaustive and verdict.never_taken == ()


def test_a_deadlock_is_not_decided() -> None:
    """What is proved is said; but not everything that was asked is, and that is no HOLDS."""
    verdict = run(count())
    assert (verdict.outcome, exit_code(verdict)) == ("UNKNOWN", 20)
    assert statuses(verdict) == SMALL
    assert "n is small" in report(verdict) and "every length" in report(verdict)


DOUBLE = 'always "twice is even": twice != 1803\n'
TWICE = 'lemma "twice is two times n": twice == 2 * n'
ASKED = ("twice is even", "twice is two times n", "n is small")


def test_a_lemma_makes_a_property_inductive() -> None:
    verdict = run(count(TWICE) + DOUBLE.rjust(len(DOUBLE) + 4), ASKED)
    assert verdict.outcome == "HOLDS"
    assert verdict.proof is not None
    assert verdict.proof.lemmas == ("twice is two times n",)
    assert "it rests on the lemma 'twice is two times n' and" in report(verdict)


def test_without_the_lemma_a_state_that_may_be_unreachable_is_shown() -> None:
    """T8: never as a violation.  (It is unreachable here: `twice` is two times `n`.)"""
    verdict = run(count() + DOUBLE.rjust(len(DOUBLE) + 4), ("twice is even",))
    assert (verdict.outcome, verdict.trace, exit_code(verdict)) == ("UNKNOWN", None, 20)
    assert verdict.proof is not None and verdict.proof.lemmas == ()
    text = report(verdict)
    assert "violat" not in text.lower()
    assert text[text.index("  gap") :] == """\
  gap        not inductive: twice is even
             a state that satisfies all that is proved, though perhaps no run reaches it:
               memory as at the start, but twice = 1801
               adder[0] at line 12 of small.txt
               adder[1] at line 8 of small.txt
             and a step from it: adder[0] takes line 12 of small.txt
               n = 1, twice = 1803
             a @lemma that is false of this state, or of those before it, may be what is missing
"""


TWINS = """\
    program twins()
    sort Page {pages}
    sort process 1
    shared next: Page = Page[0]
    ghost twin: Page = Page[1]
    process walker
      entry: goto walker_1
      at walker_1:
        rmw next := element(Page, (index_of($) + 1) % {pages})
        ghost twin := element(Page, (index_of(twin) + 1) % {pages})
        goto walker_1
    always "twin keeps up": twin != Page[1] or next != Page[2]
    """
"""The one is always a page ahead of the other, which is not said."""


@SIZES
def test_what_is_not_inductive_is_no_violation(pages: int) -> None:
    """T8: it is true of every reachable state, at every number of pages."""
    text = TWINS.format(pages=pages)
    verdict = run(text, ("twin keeps up",))
    assert (verdict.outcome, verdict.trace, exit_code(verdict)) == ("UNKNOWN", None, 20)
    assert statuses(verdict)["twin keeps up"] == "not inductive"
    ahead = f'    lemma "ahead": index_of(twin) == (index_of(next) + 1) % {pages}\n'
    together = run(text + ahead, ("twin keeps up",))
    assert together.outcome == "HOLDS"


def test_a_lemma_that_nothing_needs_is_not_named() -> None:
    verdict = run(count(TWICE), ("n is small",))
    assert verdict.outcome == "HOLDS"
    assert verdict.proof is not None and verdict.proof.lemmas == ()


def test_without_a_property_that_was_asked_for_lemmas_help_all_the_same() -> None:
    verdict = run(count(TWICE) + DOUBLE.rjust(len(DOUBLE) + 4), ("twice is even",))
    assert verdict.outcome == "HOLDS"
    assert statuses(verdict)["twice is two times n"] == "not checked"
    assert verdict.proof is not None and verdict.proof.lemmas == ("twice is two times n",)


# -------------------------------------------------------------------------------------- the traps


@SIZES
@pytest.mark.parametrize("seconds", [0.0, 0.001])
def test_an_answer_that_z3_does_not_give_proves_nothing(seconds: float, pages: int) -> None:
    """T1: a millisecond."""
    text = PASSED_ON.format(pages=pages)
    for asked in (count(TWICE), text):
        in_no_time(asked, seconds)


def in_no_time(text: str, seconds: float) -> None:
    verdict = explore(program(text), Limits(seconds=seconds))
    assert (verdict.outcome, exit_code(verdict)) == ("UNKNOWN", 20)
    assert verdict.stopped is not None and verdict.stopped.reason == "seconds"
    assert set(statuses(verdict).values()) == {"not checked"} and verdict.proof is None


PASSED_ON = """\
    program passed_on()
    sort Page {pages}
    sort process 2
    shared next: Page = Page[0]
    shared last: Page = Page[0]
    process walker[2]
      local pg: Page
      entry: goto walker_1
      at walker_1:
        rmw next := element(Page, (index_of($) + 1) % {pages})
        pg := $
        goto walker_2
      at walker_2 live pg:
        store last := pg
        goto walker_1
    always "it is a page": any(p in Page: p == last)
    """
"""Each walker takes the next page, and leaves it for the last that was taken."""


@SIZES
def test_codes_that_are_no_values_spoil_no_proof(pages: int) -> None:
    """T2: with 3, 5, 6 and 7 pages, whose numbers do not fill their bits."""
    verdict = run(PASSED_ON.format(pages=pages), ("it is a page",))
    assert verdict.outcome == "HOLDS"


@SIZES
def test_it_is_the_domains_that_spare_them(pages: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """T2: without them z3 takes a page that there is not, and `semantics` does not follow."""
    monkeypatch.setattr(Terms, "in_domain", anything)
    try:
        verdict = run(PASSED_ON.format(pages=pages), ("it is a page",))
    except (Disagreement, IndexError):
        return
    assert statuses(verdict)["it is a page"] == "not inductive"


def anything(terms: Terms, a: Sym) -> bool:
    """Every code is one of a value."""
    return True


DEAD = """\
    program dead()
    sort Page {pages}
    sort process 2
    shared go: bool = False
    shared last: Page = Page[0]
    process walker[2]
      entry: goto walker_1
      at walker_1:
        wait $
        load go
        goto walker_2
      at walker_2:
        store last := element(Page, {pages})
        goto end
    always "it is the first": last == Page[0]
    """


@SIZES
def test_a_program_that_never_moves_is_no_good_proof(pages: int) -> None:
    """T4: what is proved of a dead model is true, and is said to be worth nothing."""
    verdict = run(DEAD.format(pages=pages), ("it is the first",))
    assert verdict.outcome == "HOLDS"
    assert [(n.process, n.action) for n in verdict.never_taken] == [
        ("walker", "walker_1"), ("walker", "walker_2"),
    ]
    assert verdict.proof is not None and not verdict.proof.moves
    assert "no step is ever possible: what is proved says nothing" in report(verdict)


@pytest.mark.parametrize("last", [3, 5, 6, 7])
def test_a_line_that_no_state_leads_to_is_named(last: int) -> None:
    text = f"""\
        program one_way()
        shared n: 0..{last} = 0
        process counter
          local m: 0..{last}
          entry: goto counter_1
          at counter_1:
            rmw n := 0 if $ == {last} else $ + 1
            m := $
            if m > {last}: goto counter_2
            else: goto counter_1
          at counter_2:
            store n := 0
            goto counter_1
        always "n is a number": n >= 0
        """
    verdict = run(text, ("n is a number",))
    assert [n.action for n in verdict.never_taken] == ["counter_2"]
    assert verdict.proof is not None and verdict.proof.moves


FALSE = 'lemma "n stays below": n < 850'


def test_a_false_lemma_is_refused_and_nothing_rests_on_it() -> None:
    """T7: it is false only after some 1,700 steps, beyond what is sampled."""
    text = count(FALSE) + '    always "twice stays below": n < 860\n'
    verdict = run(text, ("twice stays below", "n stays below"))
    assert (verdict.outcome, exit_code(verdict)) == ("UNKNOWN", 20)
    found = statuses(verdict)
    assert found["n stays below"] == found["twice stays below"] == "not inductive"
    assert verdict.proof is not None and verdict.proof.lemmas == ()


@pytest.mark.parametrize("pages", [3, 5, 6, 7])
def test_a_lemma_that_is_false_at_the_start_is_violated(pages: int) -> None:
    """T7: the base case."""
    text = PASSED_ON.format(pages=pages) + f'    lemma "the last": last == Page[{pages - 1}]\n'
    verdict = run(text)
    assert (verdict.outcome, exit_code(verdict)) == ("VIOLATED", 12)
    assert verdict.trace is not None and verdict.trace.steps == ()
    assert statuses(verdict)["the last"] == "violated"
    assert statuses(verdict)["it is a page"] == "not checked"


def test_a_lemma_is_checked_by_every_engine() -> None:
    text = count('lemma "n stays at two": n <= 2')
    found = [
        reference.explore(program(text), NO_LIMITS),
        search(program(text), Engine("symbolic", 12), NO_LIMITS, (), lambda *_: None),
        run(text),
    ]
    for verdict in found:
        assert (verdict.outcome, exit_code(verdict)) == ("VIOLATED", 12)
        assert statuses(verdict)["n stays at two"] == "violated"
        assert verdict.trace is not None and len(verdict.trace.steps) == 8


# ------------------------------------------------------------------------------------ faults


def with_assert(condition: str) -> str:
    return count(TWICE).replace(
        "        store busy := False\n",
        f'        load n\n        assert {condition}, "n is as it was said"\n'
        "        goto adder_4\n      at adder_4:\n        store busy := False\n",
    )


def test_an_assert_is_proved() -> None:
    verdict = run(with_assert("$ < 902"), ("n is as it was said",))
    assert verdict.outcome == "HOLDS"


def test_a_step_that_may_fault_is_not_proved_to_be_none() -> None:
    """It faults only after 1,500 steps."""
    verdict = run(with_assert("$ < 500"), ("n is as it was said",))
    assert (verdict.outcome, exit_code(verdict)) == ("UNKNOWN", 20)
    assert statuses(verdict)["n is as it was said"] == "not inductive"
    assert verdict.proof is not None and len(verdict.proof.gaps) == 1


def test_a_fault_without_a_name_forbids_holds_too() -> None:
    """`n` leaves its range after 2,000 steps: whatever else is proved, that is no HOLDS."""
    verdict = run(count(last=1000, bound=1000), ("n is small",))
    assert verdict.outcome == "UNKNOWN" and statuses(verdict)["n is small"] == "holds"
    assert verdict.proof is not None
    assert [gap.sentence for gap in verdict.proof.gaps] == [
        "a value leaves its range: 1001 is not in 0..1000",
    ]


# ------------------------------------------------------------------------------------- the verdict


def test_a_verdict_with_a_gap_survives_json() -> None:
    verdict = run(with_assert("$ < 500"))
    assert verdict.proof is not None and verdict.proof.gaps
    assert from_json(to_json(verdict)) == verdict


def test_limits_that_mean_nothing_to_it() -> None:
    with pytest.raises(ConfigurationError, match="keeps no states: write --max-seconds"):
        Engine("induction").fits(Limits(states=10))
    with pytest.raises(ConfigurationError, match="--max-depth is for the symbolic engine"):
        Engine("induction", 4).fits(NO_LIMITS)


def auto(properties: tuple[str, ...]) -> Verdict:
    few = Limits(states=50)
    return search(program(count()), Engine("auto", 4), few, properties, lambda *_: None)


def test_auto_proves_what_is_too_large_to_search() -> None:
    verdict = auto(("n is small",))
    assert (verdict.outcome, verdict.engine) == ("HOLDS", "induction")


def test_auto_says_what_is_proved_where_not_everything_is() -> None:
    verdict = auto(())
    assert (verdict.outcome, verdict.engine) == ("UNKNOWN", "quick")
    assert statuses(verdict) == SMALL
    assert "what holds is proved by induction" in report(verdict)
