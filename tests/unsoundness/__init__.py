"""Soundness bugs that other checkers had, one row each: what is tested here so that it is not ours.

Each test names the tool and the issue, and is shown to fail on the bug, planted.  Where there is no
such thing here yet, the row waits for it: whoever builds it takes the row up.

| bug | what went wrong there | here |
| --- | --- | --- |
| tlaplus#1302 | a value was changed while it was converted | test_a_state_stays_what_it_is |
| tlaplus#1316 | the same, once more | test_a_state_stays_what_it_is |
| tlaplus#361 | workers raced, and the search was not exhaustive | no workers yet |
| tlaplus#971 | with many workers liveness missed a violation | no workers, no liveness yet |
| tlaplus#201 | a component's nodes were not the component | no liveness yet |
| tlaplus PR#1348 | a lasso with a bogus prefix | no lassos yet |
| tlaplus#22 | liveness was skipped in silence after a recovery | \
test_what_was_not_checked_is_not_said_to_hold |
| tlaplus#544 | the same in depth-first search | test_what_was_not_checked_is_not_said_to_hold |
| tlaplus#816 | with symmetry, impossible steps in a trace | no symmetry yet |
| tlaplus#407 | a dump lacked states and had others twice | test_the_graph_is_what_was_searched, \
test_what_is_shown_is_the_whole_program |
| tlaplus#1112 | a checkpoint could not be read again | no states on disk yet |
| tlaplus#1113 | the same after days | no states on disk yet |
| tlaplus#1154 | the set of states on disk was damaged | no states on disk yet |
| tlaplus#866 | a function of the spec gave something else each time | \
test_a_step_evaluated_twice_is_the_same_step |
| tlaplus#169 | the same | test_a_step_evaluated_twice_is_the_same_step |
| tlaplus#815 | malformed input was called an error of the checker | \
test_a_malformed_spec_is_blamed_on_itself, test_a_malformed_trace_is_blamed_on_itself |
| tlaplus#763 | the same | test_a_malformed_spec_is_blamed_on_itself |
| TLC, fingerprints | states that share one are taken for one | \
test_states_with_equal_hashes_are_two_states |
| TLC, state constraints | one can break liveness in silence | \
test_a_constraint_makes_no_deadlock_and_is_named |
| stateright PR#3 | "eventually" missed violations | no liveness yet: refused, \
test_what_is_not_checked_is_refused |
| rumur#51 | symmetry was wrong | no symmetry yet |
| rumur#12 | the same | no symmetry yet |
| rumur#193 | with symmetry 32 states became 340,000 | no symmetry yet |
| rumur, v2019.07.21 | ranges through 0 were empty, states unexplored | \
test_a_range_through_zero_has_all_its_elements, test_a_choice_of_nothing_is_not_passed_over, \
test_both_ends_of_a_range_belong_to_it_and_nothing_beyond |
| rumur, mixed atomics | wrong results on some hardware | no native engine yet |
| Spin#28 | invalid end states were lost, and a warning told so | \
test_a_limit_that_is_hit_is_no_success |
| Spin#78 | the simulator met what the verifier had missed | \
test_a_simulator_meets_nothing_that_the_search_missed, \
test_threads_meet_nothing_that_the_search_missed |
| ltsmin#222 | partial-order reduction hid a violation | none yet; of the passes that there are, \
test_a_verdict_is_the_same_without_the_reductions, \
test_a_verdict_on_a_random_program_is_the_same_without_them |
| esbmc#598 | the same: switched off for competitions | \
test_a_verdict_is_the_same_without_the_reductions |
| loom#166 | an extra load hid interleavings | test_an_extra_load_hides_no_outcome, \
test_a_program_that_is_said_otherwise_has_the_same_verdict, \
test_a_spec_that_is_written_otherwise_has_the_same_verdict, \
test_a_property_that_is_there_twice_has_one_fate |
| genmc#50 | store buffering was allowed under seq_cst | test_the_weak_outcome_is_not_reached, \
test_a_bad_outcome_of_the_algorithm_is_reached |
| apalache#711 | the symbolic test for deadlock was weaker | \
test_the_symbolic_engine_does_not_speak_of_deadlock |
| Apalache, CHANGES | a fold over an infinite set was silently empty | \
test_what_is_not_checked_is_refused, test_every_word_is_understood_or_refused |
| Apalache#985 | unsound skolemisation | no quantifier is skolemised: each is unrolled, and \
tests/agree compares the engines |
| specl#56 | symmetry, on by itself, made spurious violations | \
test_a_violation_is_a_run_of_the_program |
| specl#82 | the same | test_a_violation_is_a_run_of_the_program |
| hw-cbmc#2007 | "proved" with two fairness assumptions or more | no liveness, no fairness yet: \
refused, test_what_is_not_checked_is_refused |
"""
