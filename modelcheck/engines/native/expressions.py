"""Expressions in C: what `semantics/expressions.py` says in closures.

A value is a tuple of `Number`s, one for each scalar part of its sort: a C expression without side
effects, and the least and greatest number that it can be (None, of a Ref, is -1).  What cannot be
said in one C expression, and every check, is written as statements in front of it; where an
expression goes wrong the text says `goto fault`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import field, replace

from modelcheck.engines.native import NotNative
from modelcheck.engines.packed import Field as Stored
from modelcheck.engines.packed import Layout, Leaf, leaves
from modelcheck.ir import (
    After, AtRest, Binary, Cell, Chain, Cond, Const, Domain, Element, Enum, Expr, Field, Fit,
    Instances, Int, Loaded, Local, Make, Me, NotNull, Place, Quantified, Range, Record, Ref, Self,
    Sort, Unary,
)
from modelcheck.records import dataclass

MOST = (1 << 62) - 1  # of a number: sums of two stay within C's long
CHAIN = 64  # elements of a class that a chain runs over


@dataclass(frozen=True)
class Number:
    """A C expression, and its bounds."""

    text: str
    lo: int
    hi: int

    def __post_init__(self) -> None:
        if self.lo < -MOST or self.hi > MOST:
            raise NotNative("it computes with numbers of more than 62 bits")

    @property
    def known(self) -> bool:
        """Whether it is a constant."""
        return self.lo == self.hi


Numbers = tuple[Number, ...]


def number(value: int) -> Number:
    """A constant."""
    return Number(str(value) if value >= 0 else f"({value})", value, value)


@dataclass
class Text:
    """C statements, as they are written.  `names` numbers the temporaries of one function."""

    lines: list[str] = field(default_factory=list)
    depth: int = 1
    names: list[int] = field(default_factory=lambda: [0])
    faults: bool = False

    def line(self, text: str) -> None:
        """One line, at the present depth."""
        self.lines.append("    " * self.depth + text)

    def label(self, name: str) -> None:
        """A label, one step to the left."""
        self.lines.append("    " * (self.depth - 1) + name + ":;")

    @contextmanager
    def block(self, head: str) -> Iterator[None]:
        """What stands in braces behind `head`."""
        self.line(f"{head} {{")
        self.depth += 1
        yield
        self.depth -= 1
        self.line("}")

    def fresh(self, stem: str) -> str:
        """A new name."""
        self.names[0] += 1
        return f"{stem}{self.names[0]}"

    def aside(self) -> Text:
        """A text that may or may not become part of this one."""
        return Text([], self.depth, self.names)

    def take(self, other: Text) -> None:
        """What was written aside goes here."""
        self.lines += other.lines
        self.faults |= other.faults

    def fault_if(self, test: str) -> None:
        """Whoever evaluates this goes to the label `fault`."""
        self.line(f"if ({test}) goto fault;")
        self.faults = True

    def fault(self) -> None:
        """Always."""
        self.line("goto fault;")
        self.faults = True


@dataclass(frozen=True)
class Scope:
    """What an expression can name.

    text     where statements go
    layout   where memory stands; `state` is the C pointer to it
    names    locals and bound names
    me, own  Me and Self
    loaded   `$`
    """

    text: Text
    layout: Layout
    state: str
    names: Mapping[str, Numbers]
    me: Number
    own: Number
    loaded: Numbers = ()

    # ------------------------------------------------------------------------------------- memory

    def cell(self, place: Place) -> tuple[Number, tuple[Stored, ...]]:
        """Which cell a place is, and where its leaves stand."""
        fields = tuple(self.layout.fields[place.variable])
        variable = self.layout.states.program.variable(place.variable)
        at = number(0)
        for expr, (_, size) in zip(place.index, variable.index, strict=True):
            (index,) = self.value(expr)
            self._within(index, size)
            index = replace(index, lo=max(index.lo, 0), hi=min(index.hi, size - 1))
            if index.lo > index.hi:  # always out: what follows is not reached
                index = number(0)
            at = index if at == number(0) else self._plus(self._times(at, size), index)
        return at, fields

    def _within(self, index: Number, size: int) -> None:
        tests = [f"{index.text} < 0"] * (index.lo < 0) + [f"{index.text} >= {size}"] * (
            index.hi >= size
        )
        if tests:
            self.text.fault_if(" || ".join(tests))

    def read(self, cell: Number, stored: Stored) -> Number:
        """A leaf of a cell."""
        leaf = stored.leaf
        if not leaf.bits:
            return number(leaf.lo)
        return Number(f"get_{c_name(stored)}({self.state}, {cell.text})", leaf.lo, leaf.hi)

    def kept(self, value: Number, stem: str = "t") -> Number:
        """The same number in a variable of its own."""
        if value.known or value.text.isidentifier():
            return value
        name = self.text.fresh(stem)
        self.text.line(f"const long {name} = {value.text};")
        return replace(value, text=name)

    # -------------------------------------------------------------------------------- expressions

    def test(self, expr: Expr) -> Number:
        """A truth value."""
        (found,) = self.value(expr)
        return found

    def value(self, expr: Expr) -> Numbers:
        """The value of an expression."""
        match expr:
            case Const(value, sort):
                return _constant(value, sort)
            case Local(name):
                return self.names[name]
            case Loaded():
                return self.loaded
            case Me():
                return (self.me,)
            case Self():
                return (self.own,)
            case Cell(place):
                at, fields = self.cell(place)
                at = self.kept(at, "i") if len(fields) > 1 else at
                return tuple(self.kept(self.read(at, stored), "m") for stored in fields)
            case Unary(op, operand):
                return (self._unary(op, self.value(operand)[0]),)
            case Binary():
                return (self._binary(expr),)
            case Cond():
                return self._cond(expr)
            case Field(operand, name, sort):
                first, count = part(sort, (name,))
                return self.value(operand)[first : first + count]
            case Make(sort, parts):
                return tuple(
                    found for one, (_, inner) in zip(parts, sort.fields, strict=True)
                    for found in self.fitted(self.value(one), inner, True)
                )
            case Element(sort, one, offset):
                return (self._element(sort, one, offset),)
            case NotNull(operand):
                (found,) = self.value(operand)
                return (self._not_none(found),)
            case Fit(sort, operand):
                return self.fitted(self.value(operand), sort, True)
            case After(first, operand):
                self.value(first)
                return self.value(operand)
            case Quantified():
                return (self._quantified(expr),)
            case AtRest():
                rests = " && ".join(
                    f"at_rest_{process.name}({self.state}, {n})"
                    for n, (process, _, _) in enumerate(self.layout.states.processes)
                )
                return (Number(f"({rests})", 0, 1),)

    def _not_none(self, value: Number) -> Number:
        if value.lo < 0:
            value = self.kept(value)
            self.text.fault_if(f"{value.text} < 0")
            value = replace(value, lo=min(0, value.hi) if value.hi < 0 else 0)
        return value

    def _unary(self, op: str, a: Number) -> Number:
        match op:
            case "not":
                return Number(f"!{a.text}", 0, 1)
            case "-":
                return Number(f"(-{a.text})", -a.hi, -a.lo)
            case "index_of":
                return self._not_none(a)
        raise ValueError(f"no such operator: {op}")

    def _element(self, sort: Ref | Enum, one: Expr, offset: int) -> Number:
        count = len(sort.members) if isinstance(sort, Enum) else sort.count
        n = self.kept(self._plus(self.value(one)[0], number(offset)))
        self._within(n, count)
        lo, hi = max(n.lo, 0), min(n.hi, count - 1)
        return replace(n, lo=lo, hi=hi) if lo <= hi else number(0)

    def _cond(self, expr: Cond) -> Numbers:
        test = self.test(expr.test)
        arms = self.text.aside(), self.text.aside()
        for arm in arms:
            arm.depth += 1
        then, other = (
            replace(self, text=arm).value(e)
            for arm, e in zip(arms, (expr.then, expr.other), strict=True)
        )
        bounds = [(min(a.lo, b.lo), max(a.hi, b.hi)) for a, b in zip(then, other, strict=True)]
        if not any(arm.lines for arm in arms):
            test = self.kept(test) if len(then) > 1 else test
            return tuple(
                a if a == b else Number(f"({test.text} ? {a.text} : {b.text})", lo, hi)
                for a, b, (lo, hi) in zip(then, other, bounds, strict=True)
            )
        names = [self.text.fresh("c") for _ in then]
        self.text.line(f"long {', '.join(f'{name} = 0' for name in names)};")
        for head, arm, values in ((f"if ({test.text})", arms[0], then), ("else", arms[1], other)):
            for name, found in zip(names, values, strict=True):
                arm.line(f"{name} = {found.text};")
            with self.text.block(head):
                self.text.take(arm)
        return tuple(
            Number(name, lo, hi) for name, (lo, hi) in zip(names, bounds, strict=True)
        )

    # -------------------------------------------------------------------------------- arithmetic

    def _plus(self, a: Number, b: Number) -> Number:
        if a.known and b.known:
            return number(a.lo + b.lo)
        if b == number(0):
            return a
        return Number(f"({a.text} + {b.text})", a.lo + b.lo, a.hi + b.hi)

    def _times(self, a: Number, n: int) -> Number:
        return number(a.lo * n) if a.known else Number(f"({a.text} * {n})", a.lo * n, a.hi * n)

    def _binary(self, expr: Binary) -> Number:
        if expr.op in ("and", "or"):
            return self._connective(expr)
        left, right = self.value(expr.left), self.value(expr.right)
        if expr.op in ("==", "!="):
            return _compared(expr.op, left, right)
        (a,), (b,) = left, right
        text = f"({a.text} {expr.op} {b.text})"
        match expr.op:
            case "<" | "<=" | ">" | ">=":
                return Number(text, 0, 1)
            case "+":
                return Number(text, a.lo + b.lo, a.hi + b.hi)
            case "-":
                return Number(text, a.lo - b.hi, a.hi - b.lo)
            case "*":
                ends = [x * y for x in (a.lo, a.hi) for y in (b.lo, b.hi)]
                return Number(text, min(ends), max(ends))
            case "&" | "|" | "^":
                width = max(n if n >= 0 else ~n for n in (a.lo, a.hi, b.lo, b.hi)).bit_length()
                low = 0 if min(a.lo, b.lo) >= 0 else -(1 << width)
                return Number(text, low, (1 << width) - 1)
            case "//" | "%":
                return self._divided(expr.op, a, self.kept(b))
            case "<<" | ">>":
                return self._shifted(expr.op, a, self.kept(b))
        raise ValueError(f"no such operator: {expr.op}")

    def _connective(self, expr: Binary) -> Number:
        """Short circuit: the right side is evaluated only where the left does not decide."""
        a = self.test(expr.left)
        arm = self.text.aside()
        arm.depth += 1
        b = replace(self, text=arm).test(expr.right)
        c_op = "&&" if expr.op == "and" else "||"
        if not arm.lines:
            return Number(f"({a.text} {c_op} {b.text})", 0, 1)
        name = self.text.fresh("b")
        self.text.line(f"long {name} = {a.text};")
        arm.line(f"{name} = {b.text};")
        with self.text.block(f"if ({name if expr.op == 'and' else '!' + name})"):
            self.text.take(arm)
        return Number(name, 0, 1)

    def _divided(self, op: str, a: Number, b: Number) -> Number:
        """As Python's: rounded down, the remainder with the divisor's sign."""
        if b.lo <= 0 <= b.hi:
            self.text.fault_if(f"{b.text} == 0")
        divisors = [d for d in {b.lo, -1, 1, b.hi} if b.lo <= d <= b.hi and d != 0]
        if not divisors:
            return number(0)
        if op == "%":
            lo, hi = min(0, *(d + 1 for d in divisors)), max(0, *(d - 1 for d in divisors))
            if a.lo >= 0 and b.lo > 0:
                return Number(f"({a.text} % {b.text})", 0, min(hi, a.hi))
            return Number(f"floor_mod({a.text}, {b.text})", lo, hi)
        ends = [x // d for x in (a.lo, a.hi) for d in divisors]
        return Number(f"floor_div({a.text}, {b.text})", min(ends), max(ends))

    def _shifted(self, op: str, a: Number, b: Number) -> Number:
        if b.lo < 0:
            self.text.fault_if(f"{b.text} < 0")
        few, many = max(b.lo, 0), max(b.hi, 0)
        if op == ">>":
            ends = [x >> min(y, 63) for x in (a.lo, a.hi) for y in (few, many)]
            count = b.text if many < 63 else f"({b.text} > 63 ? 63 : {b.text})"
            return Number(f"({a.text} >> {count})", min(ends), max(ends))
        if many > 62 and (a.lo or a.hi):
            raise NotNative("it computes with numbers of more than 62 bits")
        ends = [x << min(y, 62) for x in (a.lo, a.hi) for y in (few, many)]
        # a shift of a negative number is undefined in C, a product is not
        count = b.text if many <= 62 else "0"  # of the number 0
        return Number(f"({a.text} * (1L << {count}))", min(ends), max(ends))

    # ---------------------------------------------------------------------------------- sorts

    def fitted(self, values: Numbers, sort: Sort, checked: bool) -> Numbers:
        """A value, as it is when it is put where this sort is wanted.  What the front end says is
        impossible is checked all the same: a number outside its sort would overwrite others."""
        match sort:
            case Int(_, hi, True):
                (a,) = values
                if a.lo >= 0 and a.hi <= hi:
                    return values
                return (Number(f"floor_mod({a.text}, {hi + 1})", 0, hi),)
            case Record():
                return tuple(
                    self._bounded(found, leaf, False)
                    for found, leaf in zip(values, leaves(sort), strict=True)
                )
        ((leaf,), (a,)) = leaves(sort), values
        faults = checked and isinstance(sort, Int | Ref)
        return (self._bounded(a, leaf, faults),)

    def _bounded(self, a: Number, leaf: Leaf, faults: bool) -> Number:
        tests = [f"%s < {leaf.lo}"] * (a.lo < leaf.lo) + [f"%s > {leaf.hi}"] * (a.hi > leaf.hi)
        if not tests:
            return a
        a = self.kept(a)
        test = " || ".join(one % a.text for one in tests)
        if faults:
            self.text.fault_if(test)
        else:
            self.text.line(f"if ({test}) left_its_sort(__LINE__);")
        return replace(a, lo=leaf.lo, hi=leaf.hi)

    # -------------------------------------------------------------------------------- quantifiers

    @contextmanager
    def each(self, domain: Domain, name: str) -> Iterator[Scope]:
        """The statements written inside run for each element of a domain, in order."""
        match domain:
            case Instances(sort):
                within = Number(name, 0, sort.count - 1)
                with self.text.block(f"for (long {name} = 0; {name} < {sort.count}; {name}++)"):
                    yield self._binding(within)
            case Range(lo, hi):
                a, b = self.kept(self.value(lo)[0]), self.kept(self.value(hi)[0])
                within = Number(name, a.lo, max(a.lo, b.hi - 1))
                head = f"for (long {name} = {a.text}; {name} < {b.text}; {name}++)"
                with self.text.block(head):
                    yield self._binding(within)
            case Chain():
                with self._chain(domain, name) as scope:
                    yield scope

    def _binding(self, value: Number) -> Scope:
        return replace(self, names={**self.names, "": (value,)})

    @contextmanager
    def _chain(self, chain: Chain, name: str) -> Iterator[Scope]:
        (stored,) = self.layout.fields[chain.variable]
        if stored.leaf.hi >= CHAIN:
            raise NotNative(f"a chain runs over {stored.leaf.hi + 1} elements, and 64 is the most")
        (start,) = self.value(chain.start)
        met = self.text.fresh("met")
        onward = self.read(Number(name, 0, stored.leaf.hi), stored)
        self.text.line(f"unsigned long {met} = 0;")
        head = (
            f"for (long {name} = {start.text}; {name} >= 0 && !({met} >> {name} & 1); "
            f"{name} = {onward.text})"
        )
        with self.text.block(head):
            self.text.line(f"{met} |= 1UL << {name};")
            yield self._binding(Number(name, 0, stored.leaf.hi))

    def _quantified(self, expr: Quantified) -> Number:
        result = self.text.fresh({"all": "all", "any": "any", "sum": "sum"}[expr.op])
        self.text.line(f"long {result} = {int(expr.op == 'all')};")
        with self.each(expr.domain, self.text.fresh("e")) as within:
            bound = replace(within, names={**self.names, expr.name: within.names[""]})
            body = bound.test(expr.body)
            match expr.op:
                case "all":
                    self.text.line(f"if (!{body.text}) {{ {result} = 0; break; }}")
                case "any":
                    self.text.line(f"if ({body.text}) {{ {result} = 1; break; }}")
                case "sum":
                    self.text.line(f"{result} += {body.text};")
        if expr.op != "sum":
            return Number(result, 0, 1)
        most = _most_elements(expr.domain, within.names[""][0])
        return Number(result, min(0, body.lo * most), max(0, body.hi * most))


def _most_elements(domain: Domain, element: Number) -> int:
    return domain.sort.count if isinstance(domain, Instances) else element.hi - element.lo + 1


def _constant(value: object, sort: Sort) -> Numbers:
    from modelcheck.engines.packed import flat

    return tuple(number(n) for n in flat(value, sort))  # type: ignore[arg-type]


def _compared(op: str, left: Numbers, right: Numbers) -> Number:
    pairs = [
        f"{a.text} {op} {b.text}" for a, b in zip(left, right, strict=True)
        if not (a.known and b.known and a.lo == b.lo)
    ]
    if not pairs:
        return number(int(op == "=="))
    return Number(f"({(' && ' if op == '==' else ' || ').join(pairs)})", 0, 1)


def part(sort: Record, path: tuple[str, ...]) -> tuple[int, int]:
    """Which leaves of a word a path of fields names: the first, and how many."""
    first = 0
    inner: Sort = sort
    for name in path:
        assert isinstance(inner, Record)
        for field_name, one in inner.fields:
            if field_name == name:
                inner = one
                break
            first += len(leaves(one))
    return first, len(leaves(inner))


def c_name(stored: Stored) -> str:
    """A leaf of a variable as C names it."""
    return "_".join((stored.variable.name.replace(".", "_"), *stored.leaf.path))
