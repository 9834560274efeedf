---- MODULE tiny ----
\* tiny.program with PAGES=2, memory model sc,
\* as written by `modelcheck export`: one step here for one step there.
\*
\* TLC's distinct states are ours; of those that it generates, so many as runs begin in
\* are not our steps.  To count them, call this file tiny.tla, its configuration
\* (beside it, or behind the module's end) tiny.cfg, and
\*   java -cp tla2tools.jar tlc2.TLC -workers 1 tiny
\*
\* Checked: the asserts, every @always, and that no step meets a fault (None, an index, a
\* range, nothing to choose from, a ghost set twice).  Not checked: deadlock, which
\* modelcheck asks of each process, not of all at once,
\* and what must be reachable:
\*   sometimes a page is clean
\*
\* file 1: tiny.program
EXTENDS Integers, TLC

Scrub_DIRTY == 0
Scrub_CLEAN == 1
No_Page == 2
No_process == 3
cpu_at_cpu_1 == 0
cpu_at_cpu_2 == 1
cpu_at_cpu_3 == 2
cpu_at_cpu_4 == 3
cpu_at_end == 4
idle_at_idle_1 == 0
idle_at_idle_2 == 1
idle_at_end == 2

VARIABLES
  Page_scrub,  \* Page.scrub
  Page_next,  \* Page.next
  heap_head,  \* heap.head
  heap_info_count,  \* heap.info.count
  heap_info_owner,  \* heap.info.owner
  lock,
  holder,
  cpu_pc,  \* cpu, its location
  cpu_pg,  \* cpu.pg
  idle_pc,  \* idle, its location
  idle_n,  \* idle.n
  idle_old_count,  \* idle.old.count
  idle_old_owner  \* idle.old.owner

Init ==
  /\ Page_scrub = [i \in 0..1 |-> Scrub_DIRTY]
  /\ Page_next = [i \in 0..1 |-> <<1, No_Page>>[i + 1]]
  /\ heap_head = 0
  /\ heap_info_count = 3
  /\ heap_info_owner = No_Page
  /\ lock = FALSE
  /\ holder = No_process
  /\ cpu_pc = [i \in 0..1 |-> cpu_at_cpu_1]
  /\ cpu_pg = [i \in 0..1 |-> No_Page]
  /\ idle_pc = idle_at_idle_1
  /\ idle_n = 0
  /\ idle_old_count = 0
  /\ idle_old_owner = No_Page

\* cpu[0] at cpu_1
\* file 1, line 17
cpu_0_cpu_1 ==
  /\ (cpu_pc[0] = cpu_at_cpu_1) /\ (~lock)
  /\ lock' = TRUE
  /\ holder' = 0
  /\ cpu_pc' = [cpu_pc EXCEPT ![0] = cpu_at_cpu_2]
  /\ UNCHANGED <<Page_scrub, Page_next, heap_head, heap_info_count, heap_info_owner, cpu_pg, idle_pc, idle_n, idle_old_count, idle_old_owner>>

\* cpu[0] at cpu_2
\* file 1, line 22
cpu_0_cpu_2 ==
  /\ cpu_pc[0] = cpu_at_cpu_2
  /\ LET loaded__1 == heap_head IN
     /\ LET cpu_pg__5 == [cpu_pg EXCEPT ![0] = loaded__1] IN
        /\ IF cpu_pg__5[0] = No_Page
           THEN
             /\ cpu_pc' = [cpu_pc EXCEPT ![0] = cpu_at_cpu_4]
             /\ cpu_pg' = [cpu_pg__5 EXCEPT ![0] = No_Page]
             /\ UNCHANGED <<Page_scrub, Page_next, heap_head, heap_info_count, heap_info_owner, lock, holder, idle_pc, idle_n, idle_old_count, idle_old_owner>>
           ELSE
             /\ cpu_pc' = [cpu_pc EXCEPT ![0] = cpu_at_cpu_3]
             /\ cpu_pg' = cpu_pg__5
             /\ UNCHANGED <<Page_scrub, Page_next, heap_head, heap_info_count, heap_info_owner, lock, holder, idle_pc, idle_n, idle_old_count, idle_old_owner>>

\* cpu[0] at cpu_3
\* file 1, line 27
cpu_0_cpu_3 ==
  /\ cpu_pc[0] = cpu_at_cpu_3
  /\ Assert(cpu_pg[0] # No_Page, "None, an index or a range")
  /\ Page_scrub' = [Page_scrub EXCEPT ![cpu_pg[0]] = Scrub_CLEAN]
  /\ cpu_pc' = [cpu_pc EXCEPT ![0] = cpu_at_cpu_4]
  /\ cpu_pg' = [cpu_pg EXCEPT ![0] = No_Page]
  /\ UNCHANGED <<Page_next, heap_head, heap_info_count, heap_info_owner, lock, holder, idle_pc, idle_n, idle_old_count, idle_old_owner>>

\* cpu[0] at cpu_4
\* file 1, line 30
cpu_0_cpu_4 ==
  /\ cpu_pc[0] = cpu_at_cpu_4
  /\ Assert(holder = 0, "the lock is released by its holder")
  /\ lock' = FALSE
  /\ holder' = No_process
  /\ cpu_pc' = [cpu_pc EXCEPT ![0] = cpu_at_end]
  /\ UNCHANGED <<Page_scrub, Page_next, heap_head, heap_info_count, heap_info_owner, cpu_pg, idle_pc, idle_n, idle_old_count, idle_old_owner>>

\* cpu[1] at cpu_1
\* file 1, line 17
cpu_1_cpu_1 ==
  /\ (cpu_pc[1] = cpu_at_cpu_1) /\ (~lock)
  /\ lock' = TRUE
  /\ holder' = 1
  /\ cpu_pc' = [cpu_pc EXCEPT ![1] = cpu_at_cpu_2]
  /\ UNCHANGED <<Page_scrub, Page_next, heap_head, heap_info_count, heap_info_owner, cpu_pg, idle_pc, idle_n, idle_old_count, idle_old_owner>>

\* cpu[1] at cpu_2
\* file 1, line 22
cpu_1_cpu_2 ==
  /\ cpu_pc[1] = cpu_at_cpu_2
  /\ LET loaded__1 == heap_head IN
     /\ LET cpu_pg__5 == [cpu_pg EXCEPT ![1] = loaded__1] IN
        /\ IF cpu_pg__5[1] = No_Page
           THEN
             /\ cpu_pc' = [cpu_pc EXCEPT ![1] = cpu_at_cpu_4]
             /\ cpu_pg' = [cpu_pg__5 EXCEPT ![1] = No_Page]
             /\ UNCHANGED <<Page_scrub, Page_next, heap_head, heap_info_count, heap_info_owner, lock, holder, idle_pc, idle_n, idle_old_count, idle_old_owner>>
           ELSE
             /\ cpu_pc' = [cpu_pc EXCEPT ![1] = cpu_at_cpu_3]
             /\ cpu_pg' = cpu_pg__5
             /\ UNCHANGED <<Page_scrub, Page_next, heap_head, heap_info_count, heap_info_owner, lock, holder, idle_pc, idle_n, idle_old_count, idle_old_owner>>

\* cpu[1] at cpu_3
\* file 1, line 27
cpu_1_cpu_3 ==
  /\ cpu_pc[1] = cpu_at_cpu_3
  /\ Assert(cpu_pg[1] # No_Page, "None, an index or a range")
  /\ Page_scrub' = [Page_scrub EXCEPT ![cpu_pg[1]] = Scrub_CLEAN]
  /\ cpu_pc' = [cpu_pc EXCEPT ![1] = cpu_at_cpu_4]
  /\ cpu_pg' = [cpu_pg EXCEPT ![1] = No_Page]
  /\ UNCHANGED <<Page_next, heap_head, heap_info_count, heap_info_owner, lock, holder, idle_pc, idle_n, idle_old_count, idle_old_owner>>

\* cpu[1] at cpu_4
\* file 1, line 30
cpu_1_cpu_4 ==
  /\ cpu_pc[1] = cpu_at_cpu_4
  /\ Assert(holder = 1, "the lock is released by its holder")
  /\ lock' = FALSE
  /\ holder' = No_process
  /\ cpu_pc' = [cpu_pc EXCEPT ![1] = cpu_at_end]
  /\ UNCHANGED <<Page_scrub, Page_next, heap_head, heap_info_count, heap_info_owner, cpu_pg, idle_pc, idle_n, idle_old_count, idle_old_owner>>

\* idle at idle_1, option 0
\* file 1, line 40
idle_idle_1_0 ==
  /\ idle_pc = idle_at_idle_1
  /\ idle_pc' = idle_at_end
  /\ idle_n' = 0
  /\ idle_old_count' = 0
  /\ idle_old_owner' = No_Page
  /\ UNCHANGED <<Page_scrub, Page_next, heap_head, heap_info_count, heap_info_owner, lock, holder, cpu_pc, cpu_pg>>

\* idle at idle_1, option 1
\* file 1, line 40
idle_idle_1_1 ==
  /\ idle_pc = idle_at_idle_1
  /\ LET loaded__1 == heap_info_count IN
     /\ LET loaded__2 == heap_info_owner IN
        /\ idle_pc' = idle_at_idle_2
        /\ idle_n' = 0
        /\ idle_old_count' = loaded__1
        /\ idle_old_owner' = loaded__2
        /\ UNCHANGED <<Page_scrub, Page_next, heap_head, heap_info_count, heap_info_owner, lock, holder, cpu_pc, cpu_pg>>

\* idle at idle_2
\* file 1, line 46
idle_idle_2 ==
  /\ idle_pc = idle_at_idle_2
  /\ heap_info_count' = (idle_old_count + 1) % 4
  /\ heap_info_owner' = 1
  /\ idle_pc' = idle_at_end
  /\ idle_old_count' = 0
  /\ idle_old_owner' = No_Page
  /\ UNCHANGED <<Page_scrub, Page_next, heap_head, lock, holder, cpu_pc, cpu_pg, idle_n>>

Next ==
  \/ cpu_0_cpu_1
  \/ cpu_0_cpu_2
  \/ cpu_0_cpu_3
  \/ cpu_0_cpu_4
  \/ cpu_1_cpu_1
  \/ cpu_1_cpu_2
  \/ cpu_1_cpu_3
  \/ cpu_1_cpu_4
  \/ idle_idle_1_0
  \/ idle_idle_1_1
  \/ idle_idle_2

\* always two pages are on the list
\* file 1, line 50
two_pages_are_on_the_list ==
  (IF (heap_head # No_Page) THEN (1 + (IF ((Page_next[heap_head] # No_Page) /\ (Page_next[heap_head] # heap_head)) THEN 1 ELSE 0)) ELSE 0) = 2

\* always who holds the lock is known
\* file 1, line 51
who_holds_the_lock_is_known ==
  (~lock) \/
  (((Page_scrub[0] = Scrub_DIRTY) \/ (holder # No_process)) /\ ((Page_scrub[1] = Scrub_DIRTY) \/ (holder # No_process)))

====
