"""The peers: SPIN, Rumur and TLC, each run on an exported model and asked what it found.

    found = run(PEERS[0], files, Task(beginnings=1, limits=limits))

None of them is needed for anything else.
"""

from modelcheck.peers import rumur, spin, tlc
from modelcheck.peers.tools import Peer, Task

__all__ = ["Peer", "Task", "known"]


def known(tlc_jar: str | None) -> list[Peer]:
    """Every peer; TLC where a jar is given."""
    return [spin.PEER, rumur.PEER, *([tlc.peer(tlc_jar)] if tlc_jar is not None else [])]
