/* Who might be stuck in a state.
 *
 * Most processes leave their loop or wait, or change memory, with the next step.  Of the others it
 * is tried whether they do so alone, or once another has gone on alone: what is found then is
 * remembered for all states that look the same to these two, in what decides where they go.  (Only a
 * change of that counts as progress here; and a step that fails elsewhere than here is a violation,
 * after which nobody asks who is stuck.)  What is left is decided when every state is known. */

#define ALONE 64               /* steps that a process is let run alone */
#define REMEMBERED (1UL << 15)

static _Thread_local struct memory {
    struct state seen;
    uint64_t left;
    uint32_t who;
} *remembered;

/* One step of process p from `s`: the places that it leaves; `s` becomes a successor, if any. */
static uint64_t tried(struct state *s, unsigned p, bool *moved)
{
    static _Thread_local struct successor few[PENDING];
    struct source one = {.state = *s};
    const struct source *kept_sources = sources;
    struct successor *kept_pending = pending;
    unsigned kept_count = pending_count, pc = location_of(s, p);
    uint64_t *kept_left = left, leaves = 0;
    static const uint16_t zero;

    *moved = false;
    if (pc == tables[p].end)
        return 0;
    mode = TRYING;
    sources = &one, pending = few, pending_count = 0, left = &leaves;
    tables[p].locations[pc].action(&cpus[p], &zero, 1);
    if (pending_count) {
        *s = few[pending_count - 1].state;
        *moved = true;
    }
    sources = kept_sources, pending = kept_pending, pending_count = kept_count, left = kept_left;
    mode = SEARCH;
    return leaves;
}

/* The places of process p that it leaves alone, or when q has run alone (q == p: nobody). */
static uint64_t left_in_time(const struct state *s, unsigned p, unsigned q)
{
    const uint64_t needs = tables[p].locations[location_of(s, p)].needs << cpus[p].first_place;
    uint64_t leaves = 0;
    struct state now = *s, then;
    bool moved = true;

    for (unsigned n = 0; n < ALONE && moved && needs & ~leaves; n++) {
        uint64_t here = tried(&now, q, &moved);
        if (p == q) {
            leaves |= here;
        } else if (moved) {
            bool ignored;
            then = now;
            leaves |= tried(&then, p, &ignored);
        }
    }
    return leaves;
}

/* As `left_in_time`, remembered where states look the same to p and q. */
static uint64_t recalled(const struct state *s, unsigned p, unsigned q)
{
    uint64_t steering[WORDS], hash = p * PROCESSES + q + 1;
    struct state seen;

    if (!remembered) {
        remembered = allocate(REMEMBERED * sizeof *remembered);
        memset(remembered, 0, REMEMBERED * sizeof *remembered);
    }
    for (unsigned k = 0; k < WORDS; k++) {
        steering[k] = cpus[p].steering[k] | cpus[q].steering[k];
        seen.w[k] = s->w[k] & (steering[k] | (cpus[p].word == k ? cpus[p].bits : 0)
                               | (cpus[q].word == k ? cpus[q].bits : 0));
        hash = mixed(hash + seen.w[k]) + k;
    }
    struct memory *m = &remembered[hash % REMEMBERED];
    if (m->who != p * PROCESSES + q + 1 || !same(&m->seen, &seen)) {
        m->seen = seen;
        m->who = p * PROCESSES + q + 1;
        counts = steering;
        m->left = left_in_time(s, p, q);
        counts = shared;
    }
    return m->left;
}

static uint64_t still_to_leave(const struct state *s, uint64_t places)
{
    static _Thread_local unsigned helped[PROCESSES];   /* by whom, last time */

    for (unsigned p = 0; p < PROCESSES && places; p++) {
        uint64_t mine = (PLACES == 64 ? ~0UL : (1UL << PLACES) - 1) << cpus[p].first_place;
        if (!(places & mine))
            continue;
        const struct location *at = &tables[p].locations[location_of(s, p)];
        if (!at->waits || (places & mine) != at->needs << cpus[p].first_place)
            places &= ~recalled(s, p, p);   /* else it waits, and not even that can be left */
        for (unsigned n = 0; n < PROCESSES && places & mine; n++) {
            unsigned q = (helped[p] + n) % PROCESSES;
            if (q == p)
                continue;
            places &= ~recalled(s, p, q);
            if (!(places & mine))
                helped[p] = q;
        }
    }
    return places;
}
