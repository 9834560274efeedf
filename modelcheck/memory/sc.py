"""Sequential consistency: every step is on memory at once, so that a barrier has nothing to do.

Preserves every property: a barrier's local work joins the step before it, where no other process
can tell the difference.
"""

from __future__ import annotations

from dataclasses import replace

from modelcheck.flow import gotos, reachable, uses_at_rest, with_gotos
from modelcheck.ir import Action, Block, Fence, Goto, Process, Program
from modelcheck.passes.liveness import liveness


def sc(program: Program) -> Program:
    """The Program for sequentially consistent memory: no Fence, `memory` is "sc"."""
    rests = uses_at_rest(program)
    names = sorted({a.access.by for p in program.processes for a in p.actions
                    if isinstance(a.access, Fence)})
    order = "order" if len(names) > 1 else "orders"
    nothing = (f"sc: accesses stay in order, so that {', '.join(names)} {order} nothing",)
    return liveness(
        replace(
            program,
            assumptions=program.assumptions + nothing * bool(names),
            boot=None if program.boot is None else _without_fences(program.boot, rests),
            processes=tuple(_without_fences(p, rests) for p in program.processes),
            memory="sc",
        )
    )


def _without_fences(process: Process, rests: bool) -> Process:
    # Those within an atomic go first: what stands behind its beginning is then no fence.
    order = [a.at for a in process.actions if isinstance(a.access, Fence) and a.transit]
    order += [a.at for a in process.actions if isinstance(a.access, Fence) and not a.transit]
    for at in order:
        process = _without_fence(process, at, rests)
    left = reachable(process)
    return replace(process, actions=tuple(a for a in process.actions if a.at in left))


def _without_fence(process: Process, at: str, rests: bool) -> Process:
    """Each Goto to the fence becomes the fence's body, unless a location must stand there."""
    by_name = {a.at: a for a in process.actions}
    fence = by_name[at]
    instead = _instead(fence, by_name, rests)
    if instead is not None:
        actions = tuple(instead if a.at == at else a for a in process.actions)
        return replace(process, actions=actions)

    def inlined(goto: Goto) -> Block:
        return fence.body if goto.location == at else (goto,)

    return replace(
        process,
        entry=with_gotos(process.entry, inlined),
        actions=tuple(
            replace(a, body=with_gotos(a.body, inlined)) for a in process.actions if a.at != at
        ),
    )


def _instead(fence: Action, by_name: dict[str, Action], rests: bool) -> Action | None:
    """The location without a fence that must stand here, if the fence cannot just vanish."""
    plain = replace(fence, access=None)
    targets = {g.location for g in gotos(fence.body)}
    if fence.reason is not None and not fence.transit:
        # It begins an atomic: what follows inside must not join the step before it.
        inside = [t for t in targets if t in by_name and by_name[t].transit]
        if inside and fence.body == (Goto(inside[0]),) and fence.at != inside[0]:
            return replace(by_name[inside[0]], at=fence.at, transit=False)
        if inside:
            return plain
    if fence.at in targets:
        return replace(plain, transit=True)  # a loop over locals, once the fence is gone
    if fence.head and rests:
        return plain  # the state in which the process is at rest
    return None
