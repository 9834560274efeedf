"""What a kernel engineer writes from habit, in C, and what it is called here."""

from __future__ import annotations

import re

LOCK = "spin_lock(lock), spin_unlock(lock)"
PLAIN = "the plain load or store: x = place, place = x (each access is one step already)"
IRQS = "with irqs_off(): around spin_lock(lock) ... spin_unlock(lock)"
FOR = (
    "for pg in instances(Page): in a process, all(... for pg in instances(Page)) in a property"
)

WORDS = {
    "NULL": "None",
    "nullptr": "None",
    "true": "True",
    "false": "False",
    "READ_ONCE": PLAIN,
    "WRITE_ONCE": PLAIN,
    "ACCESS_ONCE": PLAIN,
    "read_atomic": PLAIN,
    "write_atomic": PLAIN,
    "smp_load_acquire": "x = place, then smp_rmb() (under sc it orders nothing)",
    "smp_store_release": "smp_wmb(), then place = x (under sc it orders nothing)",
    "spin_lock_irqsave": IRQS,
    "spin_unlock_irqrestore": IRQS,
    "spin_lock_irq": IRQS,
    "spin_unlock_irq": IRQS,
    "local_irq_disable": "with irqs_off():",
    "local_irq_enable": "with irqs_off():, which ends with its block",
    "local_irq_save": "with irqs_off():",
    "local_irq_restore": "with irqs_off():, which ends with its block",
    "raw_spin_lock": LOCK,
    "raw_spin_unlock": LOCK,
    "mutex_lock": f"{LOCK}: who waits lets the others run all the same",
    "mutex_unlock": LOCK,
    "atomic_inc": "fetch_add(place, 1)",
    "atomic_dec": "fetch_add(place, -1)",
    "atomic_add": "fetch_add(place, n)",
    "atomic_sub": "fetch_add(place, -n)",
    "atomic_inc_return": "fetch_add(place, 1) + 1, as fetch_add returns what was there",
    "atomic_dec_and_test": "fetch_add(place, -1) == 1",
    "atomic_read": "x = place",
    "atomic_set": "place = x",
    "atomic_cmpxchg": "cmpxchg(place, old, new)",
    "test_bit": "the flag itself, a bool: if place.flag:",
    "__set_bit": "place.flag = True",
    "__clear_bit": "place.flag = False",
    "BUG_ON": 'assert not condition, "the sentence of what must hold"',
    "BUG": 'assert False, "the sentence of what must hold"',
    "WARN_ON": 'assert not condition, "the sentence of what must hold"',
    "ASSERT": 'assert condition, "the sentence of what must hold"',
    "ASSERT_UNREACHABLE": 'assert False, "nobody comes here"',
    "likely": "the condition alone",
    "unlikely": "the condition alone",
    "barrier": "nothing: no step here is reordered by a compiler",
    "rcu_read_lock": "nothing like it: model who reads as a counter that the writer awaits",
    "rcu_read_unlock": "nothing like it: model who reads as a counter that the writer awaits",
    "synchronize_rcu": "wait_until(place == 0) on the counter of readers",
    "list_for_each": FOR,
    "list_for_each_entry": FOR,
    "page_list_for_each": FOR,
    "printk": "nothing: the trace shows each step with its values",
    "printf": "nothing: the trace shows each step with its values",
    "sizeof": "a number, or a param(...)",
    "kmalloc": "an object of a @shared(count=...) class, and a flag that says whether it is in use",
    "kfree": "an object of a @shared(count=...) class, and a flag that says whether it is in use",
    "xmalloc": "an object of a @shared(count=...) class, and a flag that says whether it is in use",
    "xfree": "an object of a @shared(count=...) class, and a flag that says whether it is in use",
    "schedule": "wait_until(condition), or cpu_relax()",
    "down_write": f"{LOCK}, unless readers matter",
    "up_write": LOCK,
    "implies": "not a or b, for: a implies b",
}

_END = r"(?=\W|$)"
FORMS = tuple((re.compile(form), instead) for form, instead in (
    (r"&&", "and"),
    (r"\|\|", "or"),
    (r"->", "a dot: p.x"),
    (r"\+\+", "n += 1 for a local, fetch_add(place, 1) for shared memory"),
    (r"--(?!\d)", "n -= 1 for a local, fetch_add(place, -1) for shared memory"),
    (r"!(?!=)", "not x"),
    (r"\bgoto\b(?=\s+\w)", "a function with return, or a loop with break and continue"),
    (r"\bswitch\s*\(", "if ... elif ... else"),
    (r"^\s*case\b.*:", "if ... elif ... else"),
    (r"^\s*do\b\s*(\{|$)", "while True: with a break at its end"),
    (r"\?.*:", "y if x else z, for x ? y : z"),
    (rf"^\s*(else\s+if){_END}", "elif condition:"),
    (r"//|/\*|\*/", "# before a comment"),
    (r"\bstruct\s+\w+", "a class with @shared above it"),
    (r"^\s*(unsigned|int|bool|long|void|u8|u16|u32|u64)\s+\w+", "name = value, without a type"),
    (r"^\s*(if|while|for)\b.*\)\s*$", "a colon at the end of the line: if condition:"),
    (r"[{}]", "a colon at the end of the line before, and the block indented"),
))


def meant_by(line: str) -> str:
    """What to write instead of the form of C in a line that is no Python; "" if there is none.
    Texts and comments are left out, and so are the lines that C has not."""
    bare = re.sub(r"\"[^\"]*\"|'[^']*'", "_", line).partition("#")[0]
    if bare.split(None, 1)[:1] in (["def"], ["class"], ["from"], ["import"]):
        return ""
    return next((instead for form, instead in FORMS if form.search(bare)), "")
