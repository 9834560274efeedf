-- tiny.program with PAGES=2, memory model sc,
-- as written by `modelcheck export`: one step here for one step there.
--
-- Rumur's states are ours, and the rules that it fires our steps.  To count them, call this
-- file design.m, and
--   rumur --deadlock-detection off --value-type int32_t --threads 1 -o design.c design.m
--   cc -std=c11 -O2 -o design design.c -lpthread && ./design
--
-- Checked: the asserts, every @always, and that no step meets a fault (None, an index, a
-- range, nothing to choose from, a ghost set twice).  Not checked: deadlock, which
-- modelcheck asks of each process, not of all at once,
-- and what must be reachable:
--   sometimes a page is clean
--
-- file 1: tiny.program

const
  Scrub_DIRTY: 0;
  Scrub_CLEAN: 1;
  No_Page: 2;
  No_process: 3;
  cpu_at_cpu_1: 0;
  cpu_at_cpu_2: 1;
  cpu_at_cpu_3: 2;
  cpu_at_cpu_4: 3;
  cpu_at_end: 4;
  idle_at_idle_1: 0;
  idle_at_idle_2: 1;
  idle_at_end: 2;

var
  Page_scrub: array [0..1] of 0..1;  -- Page.scrub
  Page_next: array [0..1] of 0..2;  -- Page.next
  heap_head: 0..2;  -- heap.head
  heap_info_count: 0..3;  -- heap.info.count
  heap_info_owner: 0..2;  -- heap.info.owner
  lock: boolean;
  holder: 0..3;
  cpu_pc: array [0..1] of 0..4;  -- cpu, its location
  cpu_pg: array [0..1] of 0..2;  -- cpu.pg
  idle_pc: 0..2;  -- idle, its location
  idle_n: 0..1;  -- idle.n
  idle_old_count: 0..3;  -- idle.old.count
  idle_old_owner: 0..2;  -- idle.old.owner

startstate "beginning 0"
begin
  Page_scrub[0] := Scrub_DIRTY;
  Page_scrub[1] := Scrub_DIRTY;
  Page_next[0] := 1;
  Page_next[1] := No_Page;
  heap_head := 0;
  heap_info_count := 3;
  heap_info_owner := No_Page;
  lock := false;
  holder := No_process;
  cpu_pc[0] := cpu_at_cpu_1;
  cpu_pc[1] := cpu_at_cpu_1;
  cpu_pg[0] := No_Page;
  cpu_pg[1] := No_Page;
  idle_pc := idle_at_idle_1;
  idle_n := 0;
  idle_old_count := 0;
  idle_old_owner := No_Page;
end;

-- file 1, line 17
rule "cpu[0] at cpu_1"
  (cpu_pc[0] = cpu_at_cpu_1) & (!lock)
==>
begin
  lock := true;
  holder := 0;
  cpu_pc[0] := cpu_at_cpu_2;
end;

-- file 1, line 22
rule "cpu[0] at cpu_2"
  cpu_pc[0] = cpu_at_cpu_2
==>
var
  loaded__1: 0..2;
begin
  loaded__1 := heap_head;
  cpu_pg[0] := loaded__1;
  if cpu_pg[0] = No_Page then
    cpu_pg[0] := No_Page;
    cpu_pc[0] := cpu_at_cpu_4;
  else
    cpu_pc[0] := cpu_at_cpu_3;
  end;
end;

-- file 1, line 27
rule "cpu[0] at cpu_3"
  cpu_pc[0] = cpu_at_cpu_3
==>
begin
  assert cpu_pg[0] != No_Page "None, an index or a range";
  Page_scrub[cpu_pg[0]] := Scrub_CLEAN;
  cpu_pg[0] := No_Page;
  cpu_pc[0] := cpu_at_cpu_4;
end;

-- file 1, line 30
rule "cpu[0] at cpu_4"
  cpu_pc[0] = cpu_at_cpu_4
==>
begin
  lock := false;
  assert holder = 0 "the lock is released by its holder";
  holder := No_process;
  cpu_pc[0] := cpu_at_end;
end;

-- file 1, line 17
rule "cpu[1] at cpu_1"
  (cpu_pc[1] = cpu_at_cpu_1) & (!lock)
==>
begin
  lock := true;
  holder := 1;
  cpu_pc[1] := cpu_at_cpu_2;
end;

-- file 1, line 22
rule "cpu[1] at cpu_2"
  cpu_pc[1] = cpu_at_cpu_2
==>
var
  loaded__1: 0..2;
begin
  loaded__1 := heap_head;
  cpu_pg[1] := loaded__1;
  if cpu_pg[1] = No_Page then
    cpu_pg[1] := No_Page;
    cpu_pc[1] := cpu_at_cpu_4;
  else
    cpu_pc[1] := cpu_at_cpu_3;
  end;
end;

-- file 1, line 27
rule "cpu[1] at cpu_3"
  cpu_pc[1] = cpu_at_cpu_3
==>
begin
  assert cpu_pg[1] != No_Page "None, an index or a range";
  Page_scrub[cpu_pg[1]] := Scrub_CLEAN;
  cpu_pg[1] := No_Page;
  cpu_pc[1] := cpu_at_cpu_4;
end;

-- file 1, line 30
rule "cpu[1] at cpu_4"
  cpu_pc[1] = cpu_at_cpu_4
==>
begin
  lock := false;
  assert holder = 1 "the lock is released by its holder";
  holder := No_process;
  cpu_pc[1] := cpu_at_end;
end;

-- file 1, line 40
rule "idle at idle_1, option 0"
  idle_pc = idle_at_idle_1
==>
begin
  idle_n := 0;
  idle_old_count := 0;
  idle_old_owner := No_Page;
  idle_pc := idle_at_end;
end;

-- file 1, line 40
rule "idle at idle_1, option 1"
  idle_pc = idle_at_idle_1
==>
var
  loaded__1: 0..3;
  loaded__2: 0..2;
begin
  loaded__1 := heap_info_count;
  loaded__2 := heap_info_owner;
  idle_old_count := loaded__1;
  idle_old_owner := loaded__2;
  idle_n := 0;
  idle_pc := idle_at_idle_2;
end;

-- file 1, line 46
rule "idle at idle_2"
  idle_pc = idle_at_idle_2
==>
begin
  heap_info_count := (idle_old_count + 1) % 4;
  heap_info_owner := 1;
  idle_old_count := 0;
  idle_old_owner := No_Page;
  idle_pc := idle_at_end;
end;

-- file 1, line 50
invariant "two pages are on the list"
  ((heap_head != No_Page) ? (1 + (((Page_next[heap_head] != No_Page) & (Page_next[heap_head] != heap_head)) ? 1 : 0)) : 0) = 2;

-- file 1, line 51
invariant "who holds the lock is known"
  (!lock) |
  (((Page_scrub[0] = Scrub_DIRTY) | (holder != No_process)) & ((Page_scrub[1] = Scrub_DIRTY) | (holder != No_process)));
