"""Small specs in which each name says what it names: for the campaign that renames them.

`FieldNext` is a field, `LocalPage` a local or a parameter of a function, and so on (`KINDS`).  No
name is used for two things, so that each can be replaced wherever it stands as a word."""

from __future__ import annotations

import re

KINDS = (
    "Class", "Word", "Enum", "Member", "Field", "Object", "Local", "Process", "Handler",
    "Function", "Property", "Param", "Const", "Label",
)
NAMES = re.compile(rf"\b(?:{'|'.join(KINDS)})[A-Z]\w*\b")

FREE_LIST = '''
from modelcheck.lang import (
    Ghost, Lock, always, boot, chain, free, instances, not_null, param, process, shared,
    sometimes, spin_lock, spin_unlock,
)

ParamPages = param(2, 1, 4)
ParamBroken = param(True)
ConstTwo = 2


@shared(count=ParamPages)
class ClassPage:
    FieldNext: "ClassPage | None" = None
    FieldOut: Ghost[bool] = False


@shared
class ClassHeap:
    FieldHead: ClassPage | None = None


ObjectHeap = ClassHeap()
ObjectLock = Lock("LabelLock")


@boot
def FunctionLink() -> None:
    for LocalFirst in instances(ClassPage):
        LocalFirst.FieldNext = ObjectHeap.FieldHead
        ObjectHeap.FieldHead = LocalFirst


def FunctionPop() -> ClassPage:
    LocalTop = not_null(ObjectHeap.FieldHead)
    LocalRest = LocalTop.FieldNext
    ObjectHeap.FieldHead = LocalRest
    return LocalTop


@process(count=ConstTwo)
def ProcessAlloc() -> None:
    spin_lock(ObjectLock)
    LocalGot = FunctionPop()
    if ParamBroken:
        spin_unlock(ObjectLock)
        LocalGot.FieldOut = True
    else:
        LocalGot.FieldOut = True
        spin_unlock(ObjectLock)


@always(when=free(ObjectLock))
def PropertyList() -> bool:
    return all(
        (LocalEach in chain(ObjectHeap.FieldHead, "FieldNext")) != LocalEach.FieldOut
        for LocalEach in instances(ClassPage)
    )


@sometimes
def PropertyAllOut() -> bool:
    return all(LocalPage.FieldOut for LocalPage in instances(ClassPage))
'''

FLAGS = '''
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import Annotated
from modelcheck.lang import (
    always, array, between, choose, cmpxchg, instances, process, set_bit, shared, sometimes,
)


class EnumState(Enum):
    MemberFree = auto()
    MemberUsed = auto()
    MemberLost = auto()


@dataclass(frozen=True)
class WordFlags:
    FieldScrub: bool = False
    FieldBroken: bool = False
    FieldState: EnumState = EnumState.MemberFree


@shared(count=2)
class ClassPage:
    FieldFlags: WordFlags = WordFlags()


@shared
class ClassCpu:
    FieldSeen: EnumState = EnumState.MemberFree
    FieldMine: ClassPage | None = None


ObjectCpus = array(ClassCpu, 2)


def FunctionUsed(LocalOld: WordFlags, LocalDirty: bool) -> WordFlags:
    return replace(LocalOld, FieldState=EnumState.MemberUsed, FieldScrub=LocalDirty)


@process(count=2)
def ProcessCpu(me: int) -> None:
    LocalPage = choose(instances(ClassPage))
    LocalFlags = LocalPage.FieldFlags
    LocalNew = FunctionUsed(LocalFlags, True)
    if cmpxchg(LocalPage.FieldFlags, LocalFlags, LocalNew) == LocalFlags:
        ObjectCpus[me].FieldMine = LocalPage
        ObjectCpus[me].FieldSeen = LocalNew.FieldState


@process
def ProcessBreak() -> None:
    LocalTimes: Annotated[int, between(0, 2)] = 0
    for LocalNumber in instances(ClassPage):
        set_bit(LocalNumber.FieldFlags.FieldBroken)
        LocalTimes += 1
    assert LocalTimes == 2, "LabelTimes"


@always
def PropertyNoneLost() -> bool:
    return all(
        LocalAny.FieldFlags.FieldState != EnumState.MemberLost for LocalAny in instances(ClassPage)
    )


@sometimes
def PropertyBoth() -> bool:
    return all(ObjectCpus[LocalIndex].FieldMine is not None for LocalIndex in range(2))
'''

TIMER = '''
from typing import Annotated
from modelcheck.lang import (
    Ghost, always, atomic, between, boot, fetch_add, interrupt, irqs_off, predicate, process,
    shared, sometimes, wrapping,
)


@shared
class ClassTimer:
    FieldTicks: Annotated[int, wrapping(3)] = 0
    FieldCount: Annotated[int, between(0, 2)] = 0
    FieldWas: Ghost[bool] = False


@shared
class ClassCpu:
    FieldTimer: ClassTimer
    FieldDone: bool = False


ObjectCpu = ClassCpu()
ObjectOther = ClassCpu()


@predicate
def FunctionQuiet(LocalCpu: ClassCpu) -> bool:
    return not LocalCpu.FieldDone


def FunctionNext(LocalBefore: int) -> int:
    LocalAfter = LocalBefore + 1
    return LocalAfter if LocalAfter < 3 else 0


@process(count=1)
def ProcessIdle(me: int) -> None:
    with irqs_off():
        LocalSeen = ObjectCpu.FieldTimer.FieldCount
        if LocalSeen < 2:
            ObjectCpu.FieldTimer.FieldCount = LocalSeen + 1
    ObjectCpu.FieldDone = True


@process
def ProcessOther() -> None:
    LocalLast = 0
    LocalStop = ObjectOther.FieldTimer.FieldCount + 2
    LocalKept = LocalStop
    for LocalTurn in range(LocalStop):
        LocalStop = 0
        LocalLast = fetch_add(ObjectCpu.FieldTimer.FieldTicks, 1)
        assert LocalKept - LocalTurn > 0, "LabelKept"
    with atomic("LabelTogether"):
        ObjectOther.FieldDone = LocalLast > 0
        ObjectOther.FieldTimer.FieldWas = True


@interrupt(of=ProcessIdle)
def HandlerTick() -> None:
    LocalTick = ObjectCpu.FieldTimer.FieldTicks
    ObjectCpu.FieldTimer.FieldTicks = FunctionNext(LocalTick)
    assert FunctionQuiet(ObjectOther) or LocalTick < 3, "LabelQuiet"


@interrupt(of=ProcessOther)
def HandlerAgain() -> None:
    ObjectOther.FieldTimer.FieldCount = 1


@always
def PropertyFew() -> bool:
    return ObjectCpu.FieldTimer.FieldCount < 2 or ObjectCpu.FieldTimer.FieldCount == 2


@sometimes
def PropertyDone() -> bool:
    return ObjectCpu.FieldDone and ObjectOther.FieldDone and ObjectOther.FieldTimer.FieldWas
'''

LOCKS = '''
from typing import Annotated
from modelcheck.lang import (
    Ghost, Lock, Process, always, array, between, cpu_relax, process, shared, sometimes, spin_lock,
    spin_trylock, spin_unlock, this_process, wait_until, xchg,
)


@shared
class ClassNode:
    FieldLock: Lock
    FieldOwner: Ghost[Process | None] = None
    FieldPages: Annotated[int, between(0, 2)] = 1


ObjectNodes = array(ClassNode, 2)
ObjectBig = Lock()


@shared
class ClassDone:
    FieldAll: bool = False


ObjectDone = ClassDone()


def FunctionTake(LocalFrom: ClassNode) -> int:
    spin_lock(LocalFrom.FieldLock)
    LocalFrom.FieldOwner = this_process()
    LocalHad = xchg(LocalFrom.FieldPages, 0)
    return LocalHad


@process(count=2)
def ProcessMove(me: int) -> None:
    LocalOne = FunctionTake(ObjectNodes[me])
    LocalTwo = FunctionTake(ObjectNodes[1 - me])
    LocalSum = LocalOne + LocalTwo
    spin_unlock(ObjectNodes[me].FieldLock)
    spin_unlock(ObjectNodes[1 - me].FieldLock)
    if LocalSum > 0:
        ObjectDone.FieldAll = True


@process
def ProcessWait() -> None:
    while not spin_trylock(ObjectBig):
        cpu_relax()
    spin_unlock(ObjectBig)
    wait_until(ObjectDone.FieldAll)


@always
def PropertyPages() -> bool:
    return all(LocalNode.FieldPages >= 0 for LocalNode in ObjectNodes)


@sometimes
def PropertyOwned() -> bool:
    return ObjectNodes[0].FieldOwner is not None
'''

RING = '''
from dataclasses import dataclass
from typing import Annotated
from modelcheck.lang import (
    Indexed, Pattern, at_rest, between, element, fetch_update, index_of, instances, invariant,
    lemma, param, pattern_of, process, promises, shared, sometimes,
)

ParamSlots = param(3, 2, 4)
ParamSafe = param(True)


@dataclass(frozen=True)
class WordHead:
    FieldAt: Annotated[int, between(0, 2)] = 0
    FieldFull: bool = False


@shared(count=ParamSlots)
class ClassSlot(Indexed):
    FieldHolds: Pattern = Pattern.ZERO
    FieldBefore: "ClassSlot | None" = None


@shared
class ClassRing:
    FieldHead: WordHead = WordHead()
    FieldUsed: Annotated[int, between(0, 4)] = 0


ObjectRing = ClassRing()


@invariant("X1", "LabelSentence")
def PropertyClean(LocalOf: type[ClassSlot]) -> bool:
    return all(
        LocalEach.FieldHolds == Pattern.ZERO or LocalEach.FieldBefore is not None
        for LocalEach in instances(LocalOf)
    )


def FunctionOn(LocalWord: WordHead) -> WordHead:
    if LocalWord.FieldAt == 2:
        return WordHead(0, True)
    return WordHead(FieldAt=LocalWord.FieldAt + 1, FieldFull=LocalWord.FieldFull)


@process(count=2)
def ProcessPut(me: int) -> None:
    LocalWas = fetch_update(ObjectRing.FieldHead, FunctionOn)
    LocalSlot = element(ClassSlot, LocalWas.FieldAt)
    if ParamSafe:
        LocalSlot.FieldBefore = LocalSlot
    LocalSlot.FieldHolds = pattern_of(me)
    LocalNumber = index_of(LocalSlot)
    assert LocalNumber < 3, "LabelNumber"


PROMISES = promises(PropertyClean(ClassSlot), when=ParamSafe)


@lemma
def PropertyAt() -> bool:
    return ObjectRing.FieldHead.FieldAt <= 2


@sometimes
def PropertyTwo() -> bool:
    LocalRing = ObjectRing.FieldHead
    return LocalRing.FieldAt == 2 and at_rest()
'''

TEMPLATES = {
    "a free list": FREE_LIST, "flags": FLAGS, "a timer": TIMER, "locks": LOCKS, "a ring": RING,
    "a broken ring": RING.replace("ParamSafe = param(True)", "ParamSafe = param(False)").replace(
        ", when=ParamSafe", ""
    ),
}
