"""A timer raises a softirq, and the heap is used when its CPU comes to it."""
from typing import Annotated

from modelcheck.lang import (Ghost, Lock, between, interrupt, irqs_off, process, shared, spin_lock,
    spin_unlock, test_and_clear_bit)
from modelcheck.xen.invariants import outside_interrupts

@shared
class Cpu:
    in_irq: Ghost[bool] = False
    irqs_are_off: Ghost[bool] = False
    softirq_pending: bool = False

@shared
class Heap:
    avail: Annotated[int, between(0, 2)] = 2

cpu = Cpu()
heap = Heap()
heap_lock = Lock("heap_lock")

def alloc_heap_pages() -> None:
    assert outside_interrupts(cpu)
    spin_lock(heap_lock)
    avail = heap.avail
    heap.avail = avail - 1 if avail > 0 else 0
    spin_unlock(heap_lock)

@process
def idle_loop() -> None:
    cpu.irqs_are_off = True
    with irqs_off():
        pending = test_and_clear_bit(cpu.softirq_pending)
    cpu.irqs_are_off = False
    if pending:
        alloc_heap_pages()

@interrupt(of=idle_loop)
def timer() -> None:
    cpu.in_irq = True
    cpu.softirq_pending = True
    cpu.in_irq = False
