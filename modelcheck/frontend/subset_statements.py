"""Which statements a spec may have, and how: one function per refusal, from a node and what stands
around it to a Refusal or None.  `subset.py` has the table of them."""

from __future__ import annotations

import ast

from modelcheck.frontend.subset_walk import (
    Refusal,
    Where,
    code,
    ends,
    is_place,
    is_text,
    loads,
    local_for,
)

MODULE_STATEMENTS = (ast.ImportFrom, ast.Import, ast.ClassDef, ast.FunctionDef, ast.Assign,
                     ast.AnnAssign)  # fmt: skip
OWN_WORDS = (ast.Call, ast.Yield, ast.YieldFrom, ast.Await, ast.NamedExpr, ast.Lambda, ast.ListComp,
             ast.SetComp, ast.DictComp, ast.GeneratorExp, ast.JoinedStr, ast.Starred)  # fmt: skip
SENTENCE = "what must be true here"
WITHOUT_EFFECT = ("cpu_relax", "smp_mb", "smp_wmb", "smp_rmb", "sfence")


def is_docstring(node: ast.Expr, where: Where) -> bool:
    """Whether it is the string at the head of a module, class or function."""
    return (
        isinstance(where.parent, (ast.Module, ast.ClassDef, ast.FunctionDef))
        and where.before is None
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def main_guard(node: ast.If, where: Where) -> Refusal | None:
    """`if __name__ == "__main__":`"""
    if isinstance(where.parent, ast.Module) and "__name__" in code(node.test):
        instead = "nothing here: modelcheck verify checks the file"
        return Refusal(node, "a spec is read, never run", instead)
    return None


def at_module_level(node: ast.stmt, where: Where) -> Refusal | None:
    """A statement outside any function that is no definition."""
    if not isinstance(where.parent, ast.Module) or isinstance(node, MODULE_STATEMENTS):
        return None
    if isinstance(node, ast.Expr) and is_docstring(node, where):
        return None
    if isinstance(node, ast.Expr) and is_text(node.value):
        return _text_statement(node)
    instead = f"{code(node)} in a function that is marked @boot"
    match node:
        case ast.AugAssign(ast.Name(name)):
            instead = f"{name} = ... once, with the value that is meant"
        case ast.If(test, [ast.Assign([ast.Name(name)], value), *_]):
            instead = f"{name} = {code(value)} if {code(test)} else ..."
    problem = "only imports, classes, functions and assignments stand outside a function"
    return Refusal(node, problem, instead)


def unreachable(node: ast.stmt, where: Where) -> Refusal | None:
    """A statement after one that never goes on."""
    before = where.before
    if before is None or not ends(before):
        return None
    name = type(before).__name__.lower()
    why = {"while": "has no break", "if": "leaves on both ways"}.get(name, "leaves before it")
    problem = f"nothing reaches this line: the {name} in line {before.lineno} {why}"
    return Refusal(node, problem, "nothing here")


def augmented(node: ast.AugAssign, where: Where) -> Refusal | None:
    """`pg.x += 1`."""
    if not is_place(node.target):
        return None
    place, local, symbol = code(node.target), local_for(node.target, where.names), operator(node.op)
    value = ast.unparse(ast.BinOp(ast.Name(local), node.op, node.value))
    problem = f"{symbol}= on memory is two steps, a load and a store"
    return Refusal(node, problem, f"{local} = {place}, then {place} = {value}")


def operator(op: ast.operator) -> str:
    """`+` for ast.Add()."""
    return code(ast.BinOp(ast.Name("a"), op, ast.Name("b")))[1:-1].strip()


def several_targets(node: ast.Assign, where: Where) -> Refusal | None:
    """`x = y = e`."""
    if len(node.targets) == 1:
        return None
    targets = [code(t) for t in node.targets]
    if isinstance(node.value, (ast.Constant, ast.Name)):
        lines = [f"{t} = {code(node.value)}" for t in targets]
    else:
        names = [t for t, n in zip(targets, node.targets, strict=True) if isinstance(n, ast.Name)]
        first = names[0] if names else local_for(node.value, where.names)
        lines = [f"{first} = {code(node.value)}"]
        lines += [f"{t} = {first}" for t in targets if t != first]
    return Refusal(node, "an assignment has one target", ", then ".join(lines))


def tuple_target(node: ast.Assign, where: Where) -> Refusal | None:
    """`a.x, b = y, z`, except in boot."""
    target, role = node.targets[0], where.role()
    if not isinstance(target, (ast.Tuple, ast.List)) or role == "boot":
        return None
    places = sum(is_place(t) for t in target.elts)
    problem = f"{places} stores are {places} steps, one a line"
    if places < 2:
        problem = "an assignment has one target"
    return Refusal(node, problem, ", then ".join(_one_by_one(target, node.value, where)))


def _one_by_one(target: ast.Tuple | ast.List, value: ast.expr, where: Where) -> list[str]:
    targets = [code(t) for t in target.elts]
    if not isinstance(value, ast.Tuple) or len(value.elts) != len(targets):
        return [f"r = {code(value)}", *(f"{t} = r.{t.split('.')[-1]}" for t in targets)]
    before, after, taken = [], [], where.names
    for i, (name, part) in enumerate(zip(targets, value.elts, strict=True)):
        read = {code(n) for n in ast.walk(part) if isinstance(n, ast.Name)}
        stored = is_place(target.elts[i]) or any(is_place(t) for t in target.elts[:i])
        if read & set(targets[:i]) or (loads(part) and stored):
            local = local_for(part, taken)
            taken |= {local}
            before.append(f"{local} = {code(part)}")
            after.append(f"{name} = {local}")
        else:
            after.append(f"{name} = {code(part)}")
    return [*before, *after]


def outside_boot(node: ast.Assign, where: Where) -> Refusal | None:
    """`heap.head = None` at module level."""
    if not isinstance(where.parent, ast.Module) or isinstance(node.targets[0], ast.Name):
        return None
    problem = "memory is set up in a function"
    return Refusal(node, problem, f"{code(node)} in a function that is marked @boot")


def typed_place(node: ast.AnnAssign, where: Where) -> Refusal | None:
    """`pg.x: int = 1`; and a module-level name with a type and no value."""
    if not isinstance(node.target, ast.Name):
        value = code(node.value) if node.value else "..."
        problem = "the type of a field stands in its class"
        return Refusal(node, problem, f"{code(node.target)} = {value}")
    if isinstance(where.parent, ast.Module) and node.value is None:
        problem = f"{code(node.target)} has a type and no value"
        return Refusal(node, problem, f"{code(node)} = ..., with its value")
    return None


def loop_variable(node: ast.Name, where: Where) -> Refusal | None:
    """A `for` loop's variable that is set in its body."""
    fors = (loop for loop in where.loops if isinstance(loop, ast.For))
    loop = next((f for f in fors if code(f.target) == node.id), None)
    if loop is None or not isinstance(node.ctx, ast.Store):
        return None
    instead = "a name of its own for the new value"
    match loop.iter:
        case ast.Call(ast.Name("range"), [end]):
            instead = _counted(node.id, "0", code(end))
        case ast.Call(ast.Name("range"), [start, end]):
            instead = _counted(node.id, code(start), code(end))
    problem = f"only the for loop in line {loop.lineno} sets {node.id}"
    return Refusal(node, problem, instead)


def _counted(name: str, start: str, end: str) -> str:
    return f"{name} = {start}, then while {name} < {end}: with {name} += 1 in it"


def loop_else(node: ast.For | ast.While, where: Where) -> Refusal | None:
    """`while ...: else: ...`."""
    if not node.orelse:
        return None
    problem = "a loop has no `else`"
    return Refusal(node.orelse[0], problem, "this after the loop, and return where it says break")


def outside_loop(node: ast.Break | ast.Continue, where: Where) -> Refusal | None:
    """`break` or `continue` in no loop."""
    if where.loops or where.function is None:
        return None
    name = "break" if isinstance(node, ast.Break) else "continue"
    instead = "return, which leaves the function; or the loop that is meant around it"
    return Refusal(node, f"`{name}` stands in no loop", instead)


def for_target(node: ast.For, where: Where) -> Refusal | None:
    """`for i, pg in ...`."""
    if isinstance(node.target, ast.Name):
        return None
    names = [code(t) for t in getattr(node.target, "elts", [node.target])]
    instead = f"for {names[0]} in range(...): and load the rest in the loop"
    return Refusal(node.target, "a for loop sets one local", instead)


def for_over(node: ast.For, where: Where) -> Refusal | None:
    """A `for` over something that is not a range, an index sort or an array."""
    name = code(node.target)
    instead = f"for {name} in range(4):, or in instances(Page):, or over an array"
    match node.iter:
        case ast.Call(ast.Name("range" | "instances" | "chain")) | ast.Name() | ast.Attribute():
            return None
        case ast.Subscript(_, index) if not isinstance(index, ast.Slice):
            return None
        case ast.Call(ast.Name("reversed"), [ast.Call(ast.Name("range"), [end])]):
            instead = f"for {name} in range({code(end)} - 1, -1, -1):"
        case ast.Call(ast.Name("enumerate"), [over]):
            instead = f"for i in range(...): with the element {code(over)}[i]"
        case _:
            pass
    return Refusal(node.iter, "a for loop runs over a range, instances(...) or an array", instead)


def while_one(node: ast.While, where: Where) -> Refusal | None:
    """`while 1:`, as in C."""
    match node.test:
        case ast.Constant(int(value)) if not isinstance(value, bool):
            return Refusal(node.test, "a test is True or False", f"while {bool(value)}:")
    return None


def idle_loop(node: ast.While, where: Where) -> Refusal | None:
    """`while True: pass`."""
    if not (isinstance(node.test, ast.Constant) and node.test.value is True):
        return None
    if not all(_does_nothing(s) for s in node.body):
        return None
    problem = "this loop never ends and does nothing"
    instead = "while <what it waits for>: cpu_relax(), or wait_until(...); for a CPU that idles "
    instead += 'and takes interrupts: with may_wait("it idles"): wait_until(cpu.woken)'
    return Refusal(node, problem, instead)


def _does_nothing(statement: ast.stmt) -> bool:
    match statement:
        case ast.Pass() | ast.Continue():
            return True
        case ast.Expr(ast.Call(ast.Name(name))):
            return name in WITHOUT_EFFECT
        case ast.Expr(ast.Constant()):
            return True
        case _:
            return False


def returned_tuple(node: ast.Return, where: Where) -> Refusal | None:
    """`return pg, order`."""
    if not isinstance(node.value, ast.Tuple):
        return None
    values = code(node.value).strip("()")
    problem = "a function returns one value"
    return Refusal(node, problem, f"return Result({values}), with a frozen dataclass Result")


def process_returns(node: ast.Return, where: Where) -> Refusal | None:
    """`return pg` in a process."""
    match node.value, where.role():
        case (None | ast.Constant(None), _) | (_, ""):
            return None
        case _, ("process" | "boot" | "interrupt") as role:
            an = "an" if role == "interrupt" else "a"
            return Refusal(node, f"{an} @{role} function returns nothing", "return")
    return None


def with_what(node: ast.With, where: Where) -> Refusal | None:
    """A `with` of anything but atomic("reason"), irqs_off() and may_wait("reason")."""
    first = node.items[0]
    if len(node.items) > 1:
        problem = "a `with` has one item"
        inner = code(node.items[1])
        return Refusal(node, problem, f"with {code(first)}: and in it with {inner}:")
    match first.context_expr:
        case ast.Call(ast.Name("atomic" | "irqs_off" | "may_wait")):
            if first.optional_vars is None:
                return None
            return Refusal(node, "this `with` gives no value", f"with {code(first.context_expr)}:")
        case ast.Name() | ast.Attribute() as lock:
            name = code(lock)
            instead = f"spin_lock({name}), and spin_unlock({name}) on every way out"
        case _:
            instead = 'with atomic("why no other CPU can come between"):'
    problem = '`with` takes only atomic("reason"), irqs_off() and may_wait("reason")'
    return Refusal(node, problem, instead)


def without_sentence(node: ast.Assert) -> Refusal:
    """What is said of `assert pg.clean`."""
    problem = "an assert says in a sentence what must be true"
    return Refusal(node, problem, f'assert {code(node.test)}, "{SENTENCE}"')


def sentence(node: ast.Assert, where: Where) -> Refusal | None:
    """`assert cond`, without a sentence that says what must be true."""
    match node.test, node.msg:
        case ast.Tuple([test, text]), None if is_text(text):
            problem = "this asserts a tuple, which is always true"
            return Refusal(node, problem, f"assert {code(test)}, {code(text)}")
        case ast.Call(ast.Name()), None:
            return None  # of an invariant the sentence is known: promises.py looks
        case _, None:
            return without_sentence(node)
        case test, text if not is_text(text):
            problem = "the sentence of an assert is one plain string"
            return Refusal(text or node, problem, f'assert {code(test)}, "{SENTENCE}"')
    return None


def _is_a_result(node: ast.Expr, where: Where) -> bool:
    """A value as the last line of a function that is to return one."""
    function = where.function
    if function is None or function.body[-1] is not node or isinstance(node.value, ast.Constant):
        return False
    return function.returns is not None and code(function.returns) != "None"


def no_effect(node: ast.Expr, where: Where) -> Refusal | None:
    """A statement that is only a value."""
    if isinstance(node.value, OWN_WORDS) or is_docstring(node, where):
        return None
    if _is_a_result(node, where):
        return Refusal(node, "the function ends here, and returns nothing",
                       f"return {code(node.value)}")
    match node.value:
        case ast.Constant(value) if value is ...:
            return Refusal(node, "... is not a statement", "pass")
        case ast.Constant(str()):
            return _text_statement(node)
        case ast.Compare(left, [ast.Eq()], [right]):
            instead = f"{code(left)} = {code(right)}"
        case ast.Attribute() | ast.Subscript() as place:
            instead = f"{local_for(place, where.names)} = {code(place)}"
        case _:
            instead = "nothing, or the assignment that is meant"
    return Refusal(node, "this statement does nothing", instead)


def _text_statement(node: ast.Expr) -> Refusal:
    text = getattr(node.value, "value", "").strip().split("\n")[0]
    return Refusal(node, "a string is no statement, except as a docstring", f"# {text}")


def raised(node: ast.Raise, where: Where) -> Refusal | None:
    """`raise ValueError("...")`."""
    said: ast.expr = ast.Constant(SENTENCE)
    match node.exc:
        case ast.Call(_, [first, *_]) if is_text(first):
            said = first
    return Refusal(node, "nothing is raised in a spec", f"assert False, {code(said)}")


def tried(node: ast.Try, where: Where) -> Refusal | None:
    """`try: ...`."""
    problem = "nothing is raised in a spec, so nothing is caught"
    instead = f'the lines alone, with assert <what they rely on>, "{SENTENCE}"'
    return Refusal(node, problem, instead)


def declared_global(node: ast.Global | ast.Nonlocal, where: Where) -> Refusal | None:
    """`global x`."""
    name = node.names[0]
    problem = f"what functions share is memory, and {name} is not"
    return Refusal(node, problem, f"a field {name} in a @shared class")


def deleted(node: ast.Delete, where: Where) -> Refusal | None:
    """`del pg.next`."""
    instead = ", then ".join(f"{code(t)} = None" for t in node.targets)
    return Refusal(node, "nothing is deleted in a spec", instead)


def matched(node: ast.Match, where: Where) -> Refusal | None:
    """`match pg.state: ...`."""
    subject = local_for(node.subject, where.names) if is_place(node.subject) else code(node.subject)
    load = f"{subject} = {code(node.subject)}, then " if is_place(node.subject) else ""
    pattern = node.cases[0].pattern
    value = code(pattern) if isinstance(pattern, ast.MatchValue) else "..."
    return Refusal(node, "there is no `match`", f"{load}if {subject} == {value}: ... elif ...")


def asynchronous(node: ast.AST, where: Where) -> Refusal | None:
    """async, await and yield."""
    instead = "nothing in its place: steps of other CPUs come between any two lines"
    match node:
        case ast.AsyncFunctionDef():
            header = next(line for line in ast.unparse(node).split("\n") if line[0] != "@")
            instead = header.removeprefix("async ")
        case ast.AsyncFor() | ast.AsyncWith():
            instead = "the same without async"
    return Refusal(node, "a process runs by itself: no async, await or yield", instead)

