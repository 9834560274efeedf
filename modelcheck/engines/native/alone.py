"""Who may go on alone, in C: for each process and location, where the others must not stand."""

from __future__ import annotations

from modelcheck.ir import END
from modelcheck.passes.ample import Ample
from modelcheck.quoting import quoted
from modelcheck.semantics.states import States

WORD = 64


def alone_in_c(alone: Ample, states: States) -> str:
    """The tables of `goes_alone` in runtime.c; without any, that nobody does."""
    if not alone.some:
        return "#define AMPLE 0"
    order = [
        {at: n for n, at in enumerate([*(a.at for a in process.actions), END])}
        for process, _, _ in states.processes
    ]
    words = max(len(numbers) for numbers in order) // WORD + 1
    rows, numbers = ["    {{0}},"], []
    for row, ((process, at), unless) in enumerate(sorted(alone.unless.items()), 1):
        masks = [0] * len(order)
        for other, there in unless:
            masks[other] |= 1 << order[other][there]
        numbers.append(f"    [{process}][{order[process][at]}] = {row},")
        shown = ", ".join("{" + ", ".join(_words(mask, words)) + "}" for mask in masks)
        who = quoted(f"{states.names[process]} at {at}", "comment")
        rows.append(f"    {{{shown}}},  /* {who} */")
    return "\n".join([
        "#define AMPLE 1",
        f"#define AMPLE_WORDS {words}",
        "static const uint16_t alone[PROCESSES][LOCATIONS] = {", *numbers, "};",
        "static const uint64_t unless[][PROCESSES][AMPLE_WORDS] = {", *rows, "};",
    ])


def _words(mask: int, words: int) -> list[str]:
    return [f"{mask >> WORD * n & (1 << WORD) - 1:#x}UL" for n in range(words)]
