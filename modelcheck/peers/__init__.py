"""The peers: SPIN, Rumur and TLC, each run on an exported model and asked what it found.

    for peer in known(tlc_jar=None):
        if peer.installed():
            print(peer.answer({".pml": text}, task))

None of them is needed for anything else.
"""

from modelcheck.peers import rumur, spin, tlc
from modelcheck.peers.tools import Peer, Task

__all__ = ["Peer", "Task", "known"]


def known(tlc_jar: str | None) -> list[Peer]:
    """Every peer; TLC where a jar is given."""
    return [spin.PEER, rumur.PEER, *([tlc.peer(tlc_jar)] if tlc_jar is not None else [])]
