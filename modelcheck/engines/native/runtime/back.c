/* What is asked when the levels are done: which states lead to some that were kept. */

struct lookup {
    uint32_t *slots;           /* the number of an entry, plus 1 */
    uint64_t mask;
};

static struct lookup lookup_of(const struct list *list)
{
    struct lookup found = {.mask = 1023};

    while (found.mask < 2 * list->count)
        found.mask = 2 * found.mask + 1;
    use_bytes((found.mask + 1) * sizeof *found.slots);
    found.slots = calloc(found.mask + 1, sizeof *found.slots);
    if (!found.slots)
        finish("memory");
    for (uint64_t n = 0; n < list->count; n++) {
        uint64_t at = hash_of(&list->entries[n].state) & found.mask;
        while (found.slots[at])
            at = (at + 1) & found.mask;
        found.slots[at] = n + 1;
    }
    return found;
}

static void drop_lookup(struct lookup *lookup)
{
    bytes -= (lookup->mask + 1) * sizeof *lookup->slots;
    free(lookup->slots);
}

static struct entry *entry_of(const struct lookup *in, const struct list *list,
                              const struct state *s)
{
    for (uint64_t at = hash_of(s) & in->mask; in->slots[at]; at = (at + 1) & in->mask) {
        struct entry *e = &list->entries[in->slots[at] - 1];
        if (same(&e->state, s))
            return e;
    }
    return NULL;
}

/* ------------------------------------------------------- which states lead to some kept states */

/* For a batch of sources: what all their successors have in common of the bits of `targets` (a
 * state that is not among them has none), and whether any of them is among these. */
static const struct list *targets;
static struct lookup target_lookup;
static uint64_t common[BATCH];
static bool leads_there[BATCH];

static void trace(void)
{
    for (unsigned n = 0; n < pending_count; n++) {
        unsigned x = stand_for_all(&pending[n].state);
        const struct entry *e = entry_of(&target_lookup, targets, &pending[n].state);
        common[pending[n].from] &= e ? places_before(e->bits, x) : 0;
        leads_there[pending[n].from] |= e != NULL;
    }
    pending_count = 0;
}

/* `states`, `count` of them, one step on. */
static void trace_batch(const struct source *from, unsigned count)
{
    memset(common, 0xff, sizeof common);
    memset(leads_there, 0, sizeof leads_there);
    sources = from;
    expand(count);
    trace();
}

/* The states in which a process is stuck: of those that were left over, no successor lets it go. */
static void decide_stuck(void)
{
    struct source batch[BATCH];
    uint64_t kept_transitions = transitions;
    bool again = true;

    if (!stuck.count)
        return;
    mode = TRACING;
    targets = &stuck;
    target_lookup = lookup_of(&stuck);
    while (again) {
        again = false;
        for (uint64_t end = stuck.count; end;) {   /* the last first: they were met last */
            uint64_t begin = end > BATCH ? end - BATCH : 0;
            for (uint64_t n = begin; n < end; n++)
                batch[n - begin].state = stuck.entries[n].state;
            trace_batch(batch, end - begin);
            for (uint64_t n = begin; n < end; n++) {
                uint64_t bits = stuck.entries[n].bits & common[n - begin];
                again |= bits != stuck.entries[n].bits;
                stuck.entries[n].bits = bits;
            }
            end = begin;
        }
    }
    uint64_t some = 0;
    for (uint64_t n = 0; n < stuck.count; n++)
        if (stuck.entries[n].bits)
            stuck.entries[some++] = stuck.entries[n];
    stuck.count = some;
    transitions = kept_transitions;
}

/* Of each level the states that lie on a shortest path to an end; `ends` those of the last. */
static void print_paths(struct list *ends)
{
    struct list here = faulting;

    mode = TRACING;
    for (uint32_t at = level + 1; at-- > 0;) {
        targets = ends;
        target_lookup = lookup_of(ends);
        struct lookup failing = lookup_of(&faulting);
        here = (struct list){0};
        for (struct chunk *chunk = levels[at].first; chunk; chunk = chunk->next)
            for (unsigned done = 0; done < chunk->count; done += BATCH) {
                unsigned count = chunk->count - done < BATCH ? chunk->count - done : BATCH;
                trace_batch(&chunk->states[done], count);
                for (unsigned n = 0; n < count; n++) {
                    const struct state *s = &chunk->states[done + n].state;
                    if (leads_there[n] || (at == level && entry_of(&failing, &faulting, s)))
                        append(&here, s, 0, at);
                }
            }
        for (uint64_t n = 0; n < here.count; n++)
            print_state("on", &here.entries[n]);
        drop_lookup(&target_lookup);
        drop_lookup(&failing);
        *ends = here;
    }
}
