"""What an engine found, as data that people, JSON and a replay can read.

A Trace is self-contained text (no node of the Program, nothing of the machine it was found on), and
its `schedule` is enough to walk it again on `semantics`.  One JSON document holds one Verdict.
"""

from modelcheck.trace.data import (
    Change, Choice, Failure, Gap, Limits, Line, NeverTaken, Outcome, Proof,
    PropertyResult, Reason, Schedule, Stands, Status, Stopped, Touch, Trace, TraceStep, Validation,
    Verdict, exit_code, line_of, of_spec, parameters_of, timeless,
)
from modelcheck.trace.document import FORMAT, VERSION, from_json, to_json
from modelcheck.trace.lines import told, with_lines
from modelcheck.trace.replay import (
    Disagreement, NotPossible, end_of, failure_of_deadlock, failure_of_fault, failure_of_property,
    replay, step_shown,
)

__all__ = [
    "FORMAT", "VERSION", "Change", "Choice", "Disagreement", "Failure", "Gap",
    "Limits", "Line", "NeverTaken", "NotPossible", "Outcome", "Proof", "PropertyResult", "Reason",
    "Schedule", "Stands", "Status", "Stopped", "Touch", "Trace", "TraceStep", "Validation",
    "Verdict", "end_of", "exit_code", "failure_of_deadlock", "failure_of_fault",
    "failure_of_property", "from_json", "line_of", "of_spec", "parameters_of", "replay",
    "step_shown", "timeless", "to_json", "told", "with_lines",
]
