"""A spec's text -> the texts in which one statement of its functions is dropped, weakened, or
swapped with the next.  What only watches (an assert, a ghost that is set) is left as it is, and so
are predicates and properties: what is changed is the design."""

from __future__ import annotations

import ast
import copy
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

UNLOCKS = {"spin_lock": "spin_unlock", "ticket_lock": "ticket_unlock", "tas_lock": "tas_unlock"}
NO_DESIGN = {"always", "lemma", "sometimes", "predicate", "invariant", "boot"}
OLD = "was_there"  # the local of a weakened atomic

Block = list[ast.stmt]
Edit = Callable[[Block, int], bool]  # changes a block at a statement; whether it could


@dataclass(frozen=True)
class Mutation:
    """One change: its kind, the function, and the statement (its first line, and which of those in
    the function that read the same); `texts` to try, of which the first that is accepted counts."""

    kind: str
    function: str
    statement: str
    nth: int
    texts: tuple[str, ...]

    @property
    def key(self) -> tuple[str, str, str, int]:
        """By what a survivor is listed."""
        return self.kind, self.function, self.statement, self.nth


def mutations(text: str) -> Iterator[Mutation]:
    """Each change of a spec, in the order of its lines."""
    tree = ast.parse(text)
    ghosts = _ghosts(tree)
    for number, node in enumerate(tree.body):
        if not isinstance(node, ast.FunctionDef) or _decorators(node) & NO_DESIGN:
            continue
        said: Counter[str] = Counter()
        for place, (block, at) in enumerate(_statements(node)):
            if _watches(block[at], ghosts):
                continue
            line = ast.unparse(block[at]).splitlines()[0]
            said[line] += 1
            for kind, edits in KINDS.items():
                texts = [_edited(tree, number, place, edit) for edit in edits(ghosts)]
                made = tuple(t for t in texts if t is not None)
                if made:
                    yield Mutation(kind, node.name, line, said[line], made)


def _edited(tree: ast.Module, number: int, place: int, edit: Edit) -> str | None:
    changed = copy.deepcopy(tree)
    block, at = list(_statements(changed.body[number]))[place]
    return ast.unparse(ast.fix_missing_locations(changed)) + "\n" if edit(block, at) else None


def _statements(node: ast.AST) -> Iterator[tuple[Block, int]]:
    """Each statement in a function, as its block and its place there."""
    for name in ("body", "orelse"):
        block = getattr(node, name, None)
        if isinstance(block, list):
            for at, statement in enumerate(list(block)):
                yield block, at
                yield from _statements(statement)


def _decorators(node: ast.FunctionDef) -> set[str]:
    names = [d.func if isinstance(d, ast.Call) else d for d in node.decorator_list]
    return {d.id for d in names if isinstance(d, ast.Name)}


def _ghosts(tree: ast.Module) -> set[str]:
    """The names of fields that are ghosts."""
    return {"holder"} | {
        item.target.id for cls in tree.body if isinstance(cls, ast.ClassDef) for item in cls.body
        if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name)
        and ast.unparse(item.annotation).startswith("Ghost[")
    }


def _watches(node: ast.stmt, ghosts: set[str]) -> bool:
    match node:
        case ast.Assert() | ast.Pass() | ast.Expr(value=ast.Constant()):
            return True
        case ast.Assign(targets=[ast.Attribute(attr=name)]):
            return name in ghosts
        case _:
            return False


# ------------------------------------------------------------------------------------ the changes


def _drop(block: Block, at: int) -> bool:
    block[at] = ast.Pass()
    return True


def _drop_return(block: Block, at: int) -> bool:
    """A function that returns a page, and does not."""
    if isinstance(block[at], ast.Return):
        block[at] = ast.Return(ast.Constant(None))
        return True
    return False


def _swap(ghosts: set[str]) -> Edit:
    """With the next that does something; each takes along what watches it."""
    def edit(block: Block, at: int) -> bool:
        starts = [n for n in range(at, len(block)) if not _watches(block[n], ghosts)]
        ends = isinstance(block[at], ast.Return | ast.Break | ast.Continue)
        if ends or len(starts) < 2:
            return False
        behind = starts[2] if len(starts) > 2 else len(block)
        block[at:behind] = block[starts[1]:behind] + block[at:starts[1]]
        return True
    return edit


def _open(block: Block, at: int) -> bool:
    """`with atomic(...)`, `with irqs_off()`: what is in it, and no more."""
    here = block[at]
    if isinstance(here, ast.With):
        block[at:at + 1] = here.body
        return True
    return False


def _never_locked(block: Block, at: int) -> bool:
    """The lock is not taken, and what stands behind does not release it."""
    match block[at]:
        case ast.Expr(ast.Call(ast.Name(lock), [taken])) if lock in UNLOCKS:
            wanted = f"{UNLOCKS[lock]}({ast.unparse(taken)})"
        case _:
            return False
    block[at] = ast.Pass()
    for behind in block[at:]:
        for inner, n in ((block, block.index(behind)), *_statements(behind)):
            if ast.unparse(inner[n]) == wanted:
                inner[n] = ast.Pass()
    return True


def _plain(part: bool) -> Edit:
    """An atomic becomes a load and a store; of a `part` of a word, of the whole word."""
    def edit(block: Block, at: int) -> bool:
        here = block[at]
        if isinstance(here, ast.While | ast.For):
            return False
        outer = [n for n in (getattr(here, "test", None), getattr(here, "value", None)) if n]
        call = next((
            n for root in outer for n in ast.walk(root)
            if isinstance(n, ast.Call) and isinstance(n.func, ast.Name) and n.func.id in PLAIN
        ), None)
        if call is None or not isinstance(call.func, ast.Name) or not isinstance(
            call.args[0], ast.Attribute
        ):
            return False
        place = ast.unparse(call.args[0])
        word, _, field = place.rpartition(".")
        old = f"{OLD}.{field}" if part else OLD
        rest = [ast.unparse(a) for a in call.args[1:]]
        condition, new = PLAIN[call.func.id](old, rest)
        stores = f"{word} = replace({OLD}, {field}={new})" if part else f"{place} = {new}"
        text = f"{OLD} = {word if part else place}\n"
        text += f"if {condition}:\n    {stores}\n" if condition else f"{stores}\n"
        before = ast.parse(text).body
        if isinstance(here, ast.Expr) and here.value is call:
            block[at:at + 1] = before
            return True
        value = ast.parse(old, mode="eval").body
        for above in ast.walk(here):
            for name, child in ast.iter_fields(above):
                if child is call:
                    setattr(above, name, value)
                elif isinstance(child, list) and call in child:
                    child[child.index(call)] = value
        block[at:at] = before
        return True
    return edit


PLAIN: dict[str, Callable[[str, list[str]], tuple[str, str]]] = {
    "cmpxchg": lambda old, rest: (f"{old} == {rest[0]}", rest[1]),
    "xchg": lambda old, rest: ("", rest[0]),
    "fetch_add": lambda old, rest: ("", f"{old} + {rest[0]}"),
    "test_and_set_bit": lambda old, rest: ("", "True"),
    "test_and_clear_bit": lambda old, rest: ("", "False"),
    "set_bit": lambda old, rest: ("", "True"),
    "clear_bit": lambda old, rest: ("", "False"),
}

KINDS: dict[str, Callable[[set[str]], list[Edit]]] = {
    "drop": lambda ghosts: [_drop, _drop_return],
    "weaken": lambda ghosts: [_plain(True), _plain(False), _open],
    "unlock": lambda ghosts: [_never_locked],
    "swap": lambda ghosts: [_swap(ghosts)],
}
