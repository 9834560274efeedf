/* One step onward: the successors of a batch of states, and which of them are new. */

/* Whether owned memory is not owned, or a property might be false within a step: what was searched
 * is not the Program any more, and is to be searched again, every access a step.  It is so where
 * two processes have accessed the same cell, or are about to, one of them writing; or where a
 * property depends on what was written. */
static inline bool meddling(const struct state *s)
{
#if OWNED
    uint64_t reads = 0, writes = 0;

    for (unsigned p = 0; p < PROCESSES; p++) {
        const struct touches *t = &touches[p][control(s, &cpus[p]) & templates[p].mask];
        if ((t->writes & (reads | writes)) | (t->reads & writes))
            return true;
        reads |= t->reads;
        writes |= t->writes;
    }
    return writes && !whatever(s, writes);
#else
    (void)s;
    return false;
#endif
}

/* A state that was not met before. */
static inline void met(const struct state *s, const uint32_t *index, uint32_t at)
{
    struct source *to = room_in(&next_level);

    to->state = *s;
#if NUMBERS
    memcpy(to->index, index, sizeof to->index);
#else
    (void)index;
#endif
    if (NOW(depth) != at)
        SET(depth, at);
    if (!always(s))
        append(&violating, s, 0, at);
    else if (meddling(s))
        finish("meddled");
    for (unsigned n = 0; n < SOMETIMES; n++)
        if (NOW(reached[n]) < 0) {
            int held = sometimes[n].holds(s);
            if (held > 0)
                SET(reached[n], at);
            else if (held < 0)
                append(&violating, s, 0, at);
        }
}

static void trace(void);

/* Whether a source has a successor that was not met before. */
static _Thread_local bool leads_on[BATCH];

/* Looks up `count` pending states, whose sources are known; where there is none, `from` is NULL. */
static void look_up(struct successor *of, unsigned count, const struct source *from, uint32_t at)
{
    static _Thread_local uint64_t key[PENDING];
    static _Thread_local bool is_new[PENDING];
    static _Thread_local unsigned which[PENDING];
    unsigned asked = 0;
    static _Thread_local uint32_t index[PENDING][NUMBERS ? WORDS : 1];

    go_in_with_pending();
#if NUMBERS
    for (unsigned n = 0; n < count; n++)
        for (unsigned k = 0; k < WORDS; k++)
            if (numbered[k] && !(from && of[n].state.w[k] == from[of[n].from].state.w[k]))
                await_number(&numberings[k], of[n].state.w[k]);
    for (unsigned n = 0; n < count; n++) {
        for (unsigned k = 0; k < WORDS; k++)
            index[n][k] = index_of(k, of[n].state.w[k], from ? &from[of[n].from] : NULL);
        key[n] = (uint64_t)index[n][0] << 32 | index[n][1];
    }
    for (unsigned k = 2; k < WORDS; k++) {
        struct numbering *pairs = &numberings[WORDS + k - 2];
        for (unsigned n = 0; n < count; n++)
            await_number(pairs, key[n]);
        for (unsigned n = 0; n < count; n++)
            key[n] = (uint64_t)number_of(pairs, key[n]) << 32 | index[n][k];
    }
#endif
    for (unsigned n = 0; n < count; n++) {
#if NUMBERS
        uint64_t one = mixed(key[n]);
#elif WORDS == 1
        uint64_t one = mixed(of[n].state.w[0] + 1);
#else
        uint64_t one = hash_of(&of[n].state);
        one += !one;
#endif
        if (is_met_lately(one))
            continue;
        __builtin_prefetch(line_of(one), 1);
        which[asked] = n;
        key[asked++] = one;
    }
    uint64_t news = find_new(key, asked, is_new);
    ADD(keys.count, news);
    go_out();
    ADD(states, news);
    ADD(ahead, news);
    for (unsigned a = 0; a < asked; a++)
        if (is_new[a]) {
            unsigned n = which[a];
            leads_on[of[n].from] = true;
            met(&of[n].state, index[n], at);
        }
}

static void flush(void)
{
    unsigned count = pending_count;

    if (mode == TRYING) {
        pending_count = PENDING - 1;   /* what is tried has too many successors: some are lost */
        return;
    }
    ADD(transitions, count);
    if (mode == TRACING) {
        trace();
        return;
    }
    pending_count = 0;
    for (unsigned n = 0; n < count; n++)
        stand_for_all(&pending[n].state);
    look_up(pending, count, sources, level + 1);
}

/* What must be left in each source, or some process is stuck. */
static _Thread_local uint64_t needed[BATCH];

static void faulted(unsigned source)
{
    if (mode != SEARCH)
        return;
    ADD(transitions, 1);
    append(&faulting, &sources[source].state, 0, level);
}

static void forks(unsigned source)
{
    if (mode != SEARCH)
        return;
    pthread_mutex_lock(&rare);
    faulting.count = violating.count = 0;
    append(&faulting, &sources[source].state, 0, level);
    finish("forks");
}

#if AMPLE
enum left_behind { NOBODY, WHO_MAY_WAIT, WHO_COULD_GO };

/* The process that may go on alone from a state; PROCESSES if there is none.  `others`: whom it leaves
 * behind. */
static unsigned goes_alone(const struct state *s, enum left_behind *others)
{
    unsigned pcs[PROCESSES];

    for (unsigned p = 0; p < PROCESSES; p++)
        pcs[p] = location_of(s, p);
    for (unsigned p = 0; p < PROCESSES; p++) {
        unsigned row = alone[p][pcs[p]];
        bool may = row != 0;
        for (unsigned q = 0; q < PROCESSES && may; q++)
            may = !(unless[row][q][pcs[q] / 64] >> pcs[q] % 64 & 1);
        if (!may)
            continue;
        for (unsigned q = 0; q < PROCESSES; q++) {
            if (q == p || pcs[q] == tables[q].end)
                continue;
            enum left_behind one = tables[q].locations[pcs[q]].waits ? WHO_MAY_WAIT : WHO_COULD_GO;
            *others = one > *others ? one : *others;
        }
        return p;
    }
    return PROCESSES;
}
#endif

/* Takes each process of `count` sources a step on, those at one location together. */
static void expand(unsigned count)
{
#if AMPLE
    unsigned only[BATCH], some = 0, surely = 0;

    for (unsigned n = 0; n < count; n++) {
        enum left_behind others = NOBODY;
        only[n] = goes_alone(&sources[n].state, &others);
        some += others >= WHO_MAY_WAIT;
        surely += others >= WHO_COULD_GO;
    }
    ADD(went_alone, some);
    ADD(went_ahead, surely);
#endif
    memset(left, 0, count * sizeof *left);
    memset(needed, 0, count * sizeof *needed);
    memset(leads_on, 0, count * sizeof *leads_on);
    for (unsigned p = 0; p < PROCESSES; p++) {
        uint16_t starts[LOCATIONS] = {0}, which[BATCH];
        uint16_t pcs[BATCH];
        const struct table *t = &tables[p];

        for (unsigned n = 0; n < count; n++) {
            pcs[n] = location_of(&sources[n].state, p);
#if AMPLE
            if (only[n] != p && only[n] != PROCESSES) {
                needed[n] |= t->locations[pcs[n]].needs << cpus[p].first_place;
                pcs[n] = t->end;
            }
#endif
            starts[pcs[n]]++;
        }
        for (unsigned pc = 0, sum = 0; pc < LOCATIONS; pc++) {
            unsigned here = starts[pc];
            starts[pc] = sum;
            sum += here;
        }
        for (unsigned n = 0; n < count; n++)
            which[starts[pcs[n]]++] = n;
        for (unsigned pc = 0, begin = 0; pc < t->end; begin = starts[pc++]) {
            const struct location *at = &t->locations[pc];
            if (starts[pc] == begin)
                continue;
            at->action(&cpus[p], &which[begin], starts[pc] - begin);
            if (at->needs)
                for (unsigned n = begin; n < starts[pc]; n++)
                    needed[which[n]] |= at->needs << cpus[p].first_place;
        }
    }
}
