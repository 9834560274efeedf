"""The executable allocator: a small page heap in real memory, on which a spec's own functions run
as real threads, one let go at a time; and following a trace or a random schedule on it."""
