"""`python -m modelcheck.counterexamples` in the root of a checkout: writes counterexamples/ anew.

One per known violation of the shipped specs: the trace as JSON, for `modelcheck replay`, and as
text, for people.  The same spec gives the same bytes every time, so a test compares them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from modelcheck.pipeline import Checked, Sets, verify
from modelcheck.report.pieces import plain
from modelcheck.report.text import verdict_rows
from modelcheck.search import Engine
from modelcheck.trace import Limits, timeless, to_json
from modelcheck.writing import write_whole

FOLDER = Path("counterexamples")
QUICK = Engine("quick")  # named, so that a slower machine says the same

KNOWN: tuple[tuple[str, str, Sets], ...] = (
    ("sync_scrub_balloon", "specs/sync_scrub.py", {"BALLOON": True}),
    ("idle_scrub_drop_lock", "specs/idle_scrub_locked.py", {"DROP_LOCK": True}),
    ("per_page_cmpxchg", "specs/per_page_cmpxchg.py", {}),
    ("per_page_cmpxchg_lists", "specs/per_page_cmpxchg_lists.py", {}),
    ("scrub_in_place_deadlock", "specs/scrub_in_place.py",
     {"WAIT_LOCKED": True, "DONE_LOCKED": True}),
    ("xen_idle_scrub_mark", "specs/open/xen_idle_scrub_offline.py", {}),
    ("xen_idle_scrub_offline", "specs/open/xen_idle_scrub_offline.py", {"MARKS": False}),
    ("xen_idle_scrub_online", "specs/open/xen_idle_scrub_offline.py",
     {"MARKS": False, "ONLINE": True}),
    ("per_cpu_batch_fails", "specs/per_cpu_batch.py", {}),
    ("per_cpu_batch_looks_free", "specs/per_cpu_batch.py", {"RETRY": True, "LOOKS_FREE": True}),
    ("page_fault_scrub_twice", "specs/page_fault_scrub.py", {"P2M_LOCK": False}),
    ("page_fault_scrub_pv", "specs/page_fault_scrub.py", {"PV": True}),
    ("page_fault_scrub_foreign_map", "specs/page_fault_scrub.py", {"FOREIGN_MAP": True}),
    ("page_fault_scrub_dma", "specs/page_fault_scrub.py", {"DMA": True}),
    ("clean_dirty_lists_hole", "specs/clean_dirty_lists.py", {}),
    ("clean_dirty_lists_own_locks", "specs/clean_dirty_lists.py",
     {"WAIT": True, "OWN_LOCKS": True}),
    ("clean_dirty_buddies_apart", "specs/clean_dirty_buddies.py", {}),
    ("clean_dirty_buddies_mixed", "specs/clean_dirty_buddies.py", {"MERGE_MIXED": True}),
    ("deferred_populate_unpause", "specs/deferred_populate.py", {"UNPAUSE": True}),
    ("deferred_populate_stash", "specs/deferred_populate.py", {"STASH_LOCK": False}),
    ("scrub_softirq_fails", "specs/scrub_softirq.py", {}),
    ("scrub_softirq_retry", "specs/scrub_softirq.py", {"RETRY": True}),
    ("scrub_softirq_lock_held", "specs/scrub_softirq.py",
     {"RETRY": True, "COUNT_LATE": True, "VERSION": 1}),
    ("boot_scrub_unlocked", "specs/boot_scrub.py", {"HEAP_LOCK": False}),
    ("boot_scrub_freed_dirty", "specs/boot_scrub.py", {"SCRUB_FREES": False}),
    ("irq_heap_op", "specs/history/irq_heap_op.py", {}),
    ("state_outside_lock", "specs/history/state_outside_lock.py", {}),
    ("state_outside_lock_free_side", "specs/history/state_outside_lock.py", {"FREE_SIDE": True}),
    ("merge_dirty_successor", "specs/history/merge_dirty_successor.py", {}),
    ("merge_dirty_successor_debug", "specs/history/merge_dirty_successor.py", {"DEBUG": True}),
    ("flush_before_scrub", "specs/history/flush_before_scrub.py", {}),
    ("flush_range_wraps", "specs/history/flush_range_wraps.py", {}),
    ("offline_page_deadlock", "specs/history/offline_page_deadlock.py", {}),
    ("offline_page_deadlock_claim", "specs/history/offline_page_deadlock.py", {"CLAIM": True}),
    ("scrub_lock_held", "specs/history/scrub_lock_held.py", {}),
    ("claims_in_two_sections", "specs/history/claims_in_two_sections.py", {}),
    ("claims_in_two_sections_refused", "specs/history/claims_in_two_sections.py", {"CLAIM": 1}),
    ("page_lost", "specs/history/page_lost.py", {}),
    ("offline_free_page", "specs/history/offline_free_page.py", {}),
    ("hypervisor_pages", "specs/history/hypervisor_pages.py", {}),
    ("stale_translation", "specs/history/stale_translation.py", {}),
    ("stale_translation_keep_entry", "specs/history/stale_translation.py", {"KEEP_ENTRY": True}),
    ("steal_page", "specs/history/steal_page.py", {}),
    ("steal_page_gives_back", "specs/history/steal_page.py", {"GIVES_BACK": True}),
    ("merge_with_neighbour", "specs/history/merge_with_neighbour.py", {}),
    ("merge_with_neighbour_zones", "specs/history/merge_with_neighbour.py", {"ZONES": True}),
    ("double_free", "specs/history/double_free.py", {}),
    ("buddy_around_offlined", "specs/history/buddy_around_offlined.py", {}),
    ("buddy_around_offlined_aligned", "specs/history/buddy_around_offlined.py", {"ALIGNED": True}),
    ("online_dirty_page", "specs/open/online_dirty_page.py", {}),
    ("online_dirty_page_counted", "specs/open/online_dirty_page.py", {"COUNTED": True}),
    ("unfair_lock", "specs/history/unfair_lock.py", {}),
    ("clear_without_lock_plain", "specs/history/clear_without_lock.py", {"PLAIN": True}),
    ("flag_of_its_own_assign_first", "specs/history/flag_of_its_own.py", {"ASSIGN_FIRST": True}),
    ("node_bounds_check_lost", "specs/history/node_bounds_check.py", {"LOST": True}),
)
"""The name of the files, the spec, and the instance."""


def files(name: str, spec: str, sets: Sets) -> Iterator[tuple[str, str]]:
    """The files of one counterexample, with their texts."""
    checked = verify(spec, sets, (), Limits(), lambda *_: None, QUICK)
    checked = Checked(timeless(checked.verdict), checked.expected)
    yield f"{name}.json", to_json(checked.verdict)
    yield f"{name}.txt", plain(verdict_rows(checked.verdict, checked.expected))


def main() -> None:
    """Write them all."""
    for known in KNOWN:
        for name, text in files(*known):
            write_whole(FOLDER / name, text)
            print(FOLDER / name)


if __name__ == "__main__":
    main()
