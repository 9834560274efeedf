/* tiny.program with PAGES=2, memory model sc,
   as written by `modelcheck export`: one step here for one step there.

   SPIN's states are ours; of its transitions, one is not: the beginning.
   To count them, call this file design.pml, and
     spin -o1 -o2 -a design.pml && cc -O2 -DSAFETY -DNOREDUCE -DNOCLAIM -o pan pan.c
     ./pan -E -m1000000     (with -m, as many as there may be states in a row)
   (-o1 -o2: else SPIN takes variables that are only written out of its states.)

   Checked: the asserts, every @always, and that no step meets a fault (None, an index, a
   range, nothing to choose from, a ghost set twice).  Not checked: deadlock, which
   modelcheck asks of each process, not of all at once,
   and what must be reachable:
     sometimes a page is clean

   file 1: tiny.program */

#define Scrub_DIRTY 0
#define Scrub_CLEAN 1
#define No_Page 2
#define No_process 3
#define cpu_at_cpu_1 0
#define cpu_at_cpu_2 1
#define cpu_at_cpu_3 2
#define cpu_at_cpu_4 3
#define cpu_at_end 4
#define idle_at_idle_1 0
#define idle_at_idle_2 1
#define idle_at_end 2

byte Page_scrub[2] = { Scrub_DIRTY, Scrub_DIRTY };  /* Page.scrub */
byte Page_next[2] = { 1, No_Page };  /* Page.next */
byte heap_head = 0;  /* heap.head */
byte heap_info_count = 3;  /* heap.info.count */
byte heap_info_owner = No_Page;  /* heap.info.owner */
bool lock = false;
byte holder = No_process;
byte cpu_pc[2] = { cpu_at_cpu_1, cpu_at_cpu_1 };  /* cpu, its location */
byte cpu_pg[2] = { No_Page, No_Page };  /* cpu.pg */
byte idle_pc = idle_at_idle_1;  /* idle, its location */
byte idle_n = 0;  /* idle.n */
byte idle_old_count = 0;  /* idle.old.count */
byte idle_old_owner = No_Page;  /* idle.old.owner */

/* within a step only */
hidden int loaded__1;
hidden int loaded__2;

active proctype design() {
    do
    /* always two pages are on the list
       file 1, line 50 */
    :: d_step { (((heap_head != No_Page) -> (1 + (((Page_next[heap_head] != No_Page) && (Page_next[heap_head] != heap_head)) -> 1 : 0)) : 0) != 2) ->
          assert(false) }

    /* always who holds the lock is known
       file 1, line 51 */
    :: d_step { (!((!lock) || (((Page_scrub[0] == Scrub_DIRTY) || (holder != No_process)) && ((Page_scrub[1] == Scrub_DIRTY) || (holder != No_process))))) ->
          assert(false) }

    /* cpu[0] at cpu_1
       file 1, line 17 */
    :: d_step { ((cpu_pc[0] == cpu_at_cpu_1) && (!lock)) ->
          lock = true;
          holder = 0;
          cpu_pc[0] = cpu_at_cpu_2; }

    /* cpu[0] at cpu_2
       file 1, line 22 */
    :: d_step { (cpu_pc[0] == cpu_at_cpu_2) ->
          loaded__1 = heap_head;
          cpu_pg[0] = loaded__1;
          if
          :: cpu_pg[0] == No_Page ->
               cpu_pg[0] = No_Page;
               cpu_pc[0] = cpu_at_cpu_4;
          :: else ->
               cpu_pc[0] = cpu_at_cpu_3;
          fi }

    /* cpu[0] at cpu_3
       file 1, line 27 */
    :: d_step { (cpu_pc[0] == cpu_at_cpu_3) ->
          /* None, an index or a range */
          assert(cpu_pg[0] != No_Page);
          Page_scrub[cpu_pg[0]] = Scrub_CLEAN;
          cpu_pg[0] = No_Page;
          cpu_pc[0] = cpu_at_cpu_4; }

    /* cpu[0] at cpu_4
       file 1, line 30 */
    :: d_step { (cpu_pc[0] == cpu_at_cpu_4) ->
          lock = false;
          /* the lock is released by its holder */
          assert(holder == 0);
          holder = No_process;
          cpu_pc[0] = cpu_at_end; }

    /* cpu[1] at cpu_1
       file 1, line 17 */
    :: d_step { ((cpu_pc[1] == cpu_at_cpu_1) && (!lock)) ->
          lock = true;
          holder = 1;
          cpu_pc[1] = cpu_at_cpu_2; }

    /* cpu[1] at cpu_2
       file 1, line 22 */
    :: d_step { (cpu_pc[1] == cpu_at_cpu_2) ->
          loaded__1 = heap_head;
          cpu_pg[1] = loaded__1;
          if
          :: cpu_pg[1] == No_Page ->
               cpu_pg[1] = No_Page;
               cpu_pc[1] = cpu_at_cpu_4;
          :: else ->
               cpu_pc[1] = cpu_at_cpu_3;
          fi }

    /* cpu[1] at cpu_3
       file 1, line 27 */
    :: d_step { (cpu_pc[1] == cpu_at_cpu_3) ->
          /* None, an index or a range */
          assert(cpu_pg[1] != No_Page);
          Page_scrub[cpu_pg[1]] = Scrub_CLEAN;
          cpu_pg[1] = No_Page;
          cpu_pc[1] = cpu_at_cpu_4; }

    /* cpu[1] at cpu_4
       file 1, line 30 */
    :: d_step { (cpu_pc[1] == cpu_at_cpu_4) ->
          lock = false;
          /* the lock is released by its holder */
          assert(holder == 1);
          holder = No_process;
          cpu_pc[1] = cpu_at_end; }

    /* idle at idle_1, option 0
       file 1, line 40 */
    :: d_step { (idle_pc == idle_at_idle_1) ->
          idle_n = 0;
          idle_old_count = 0;
          idle_old_owner = No_Page;
          idle_pc = idle_at_end; }

    /* idle at idle_1, option 1
       file 1, line 40 */
    :: d_step { (idle_pc == idle_at_idle_1) ->
          loaded__1 = heap_info_count;
          loaded__2 = heap_info_owner;
          idle_old_count = loaded__1;
          idle_old_owner = loaded__2;
          idle_n = 0;
          idle_pc = idle_at_idle_2; }

    /* idle at idle_2
       file 1, line 46 */
    :: d_step { (idle_pc == idle_at_idle_2) ->
          heap_info_count = (idle_old_count + 1) % 4;
          heap_info_owner = 1;
          idle_old_count = 0;
          idle_old_owner = No_Page;
          idle_pc = idle_at_end; }
    od
}
