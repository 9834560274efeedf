"""The heap is used in an interrupt (dc4db635cb, 2007), and heap_lock is held by its own CPU: K4.

The Xen heap and the domain heap are one heap, under one heap_lock.  The functions of the Xen heap
turned interrupts off around their work, those of the domain heap did not: they only asserted that
they are not called in an interrupt.  So nothing spoke against an interrupt handler that allocates
from the Xen heap.  But if it comes to a CPU that is in alloc_domheap_pages() or
free_domheap_pages(), it waits for a lock that is released when it has ended: for ever.

The commit ("Clean up heap allocator", read with its parent: alloc_heap_pages, free_heap_pages, and
their callers for both heaps) made it the rule that the heap is used outside of interrupts alone:
all four functions assert it, and nobody turns interrupts off any more.  FIXED: they do so, with
interrupts on as Xen asks too by now; the handler raises a softirq, and the work is done when the
CPU comes to it.

Simplified: pages of order 0 and no flush of TLBs; and one hypercall to a CPU.  The handler may come
between any two of its steps, any number of times.
"""
from modelcheck.lang import (Ghost, Lock, boot, element, free, holds, instances, interrupt,
    irqs_off, param, process, promises, replace, shared, sometimes, spin_lock, spin_unlock,
    test_and_clear_bit, violates)
from modelcheck.xen.invariants import free_list, outside_interrupts, page_list
from modelcheck.xen.page import PGC, CountInfo
from modelcheck.xen.page_list import PageListHead, page_list_add_tail, page_list_remove_head

PAGES = param(2, 1, 4)
CPUS = param(1, 1, 3)
FIXED = param(False)
EXPECT = violates("deadlock", when=not FIXED), holds(when=FIXED)

@shared(count=PAGES)
class Page:
    count_info: CountInfo = CountInfo(PGC.FREE)
    next: "Page | None" = None
    prev: "Page | None" = None

@shared(count=CPUS)
class Cpu:
    softirq_pending: bool = False
    buffer: Page | None = None    # from the Xen heap, for the device that interrupts
    in_irq: Ghost[bool] = False
    irqs_are_off: Ghost[bool] = False

heap = PageListHead[Page]()
heap_lock = Lock("heap_lock")
PROMISES = promises(page_list(heap), free_list(Page, heap), when=free(heap_lock))

@boot
def init_heap_pages() -> None:
    for pg in instances(Page):
        page_list_add_tail(pg, heap)

def alloc_heap_pages(cpu: Cpu) -> Page | None:
    if FIXED:
        assert outside_interrupts(cpu)
    spin_lock(heap_lock)
    pg = page_list_remove_head(heap)
    if pg is not None:
        info = pg.count_info
        pg.count_info = replace(info, state=PGC.INUSE)
    spin_unlock(heap_lock)
    return pg

def free_heap_pages(pg: Page, cpu: Cpu) -> None:
    if FIXED:
        assert outside_interrupts(cpu)
    spin_lock(heap_lock)
    info = pg.count_info
    pg.count_info = replace(info, state=PGC.FREE)
    page_list_add_tail(pg, heap)
    spin_unlock(heap_lock)

def alloc_xenheap_pages(cpu: Cpu) -> Page | None:
    if FIXED:
        pg = alloc_heap_pages(cpu)
    else:
        with irqs_off():
            pg = alloc_heap_pages(cpu)
    return pg

def refill(cpu: Cpu) -> None:
    """The device wants a buffer, if it has none."""
    if cpu.buffer is None:
        pg = alloc_xenheap_pages(cpu)
        cpu.buffer = pg

def do_softirq(cpu: Cpu) -> None:
    if test_and_clear_bit(cpu.softirq_pending):
        refill(cpu)

@process(count=CPUS)
def hypercall(me: int) -> None:
    pg = alloc_heap_pages(element(Cpu, me))       # alloc_domheap_pages: with interrupts on
    if pg is not None:
        free_heap_pages(pg, element(Cpu, me))     # free_domheap_pages
    if FIXED:
        do_softirq(element(Cpu, me))

@interrupt(of=hypercall)
def device(me: int) -> None:
    if FIXED:
        element(Cpu, me).in_irq = True
        element(Cpu, me).softirq_pending = True
        element(Cpu, me).in_irq = False
    else:
        refill(element(Cpu, me))

@sometimes
def a_device_gets_its_buffer() -> bool:
    return any(cpu.buffer is not None for cpu in instances(Cpu))
