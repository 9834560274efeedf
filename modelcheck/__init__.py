"""modelcheck: is a design for scrubbing and allocating a hypervisor's pages safe under every
interleaving?  `modelcheck verify specs/per_page_cmpxchg.py` reads the design, searches, and runs
any counterexample on a small executable allocator."""

__version__ = "0.1.0"
