/* The search: level by level, exact, in one thread.
 *
 * A state is known by a key of 64 bits that no other state has.  A state of one word is its own key.
 * Of a longer one each word is numbered (there are far fewer words than states), pairs of numbers
 * are numbered in turn, and the last pair is the key.  Keys stand in lines of eight, a cache line
 * each; what is looked up is hashed for many successors first, so that memory is awaited once.
 *
 * Standard input and output are text.  In: `initial WORD...` for each initial state, and for --paths
 * the ends of paths: `final WORD...`, `failing WORD...`.  Out: `progress` lines, then what was found.
 */

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#define LINE 8                 /* keys in a cache line */
#define TAIL 512               /* lines behind the last, for what finds no room in its own */
#define HUGE (2UL << 20)
#define CHUNK 4096             /* states of a level that are allocated together */

enum mode { SEARCH, TRYING, TRACING };

static enum mode mode;
static bool wants_deadlock = true;
static uint64_t most_bytes = ~0UL, most_states = ~0UL, bytes, most_bytes_ever;
static double most_seconds, began;
static volatile sig_atomic_t interrupted;
static uint32_t level, depth;
static uint64_t states, queue, went_alone;

/* ------------------------------------------------------------------------------- what is found */

/* States that are kept as they are. */
struct list {
    struct entry {
        struct state state;
        uint64_t bits;
        uint32_t depth;
    } *entries;
    uint64_t count, room;
};

static struct list violating, faulting, stuck;
static int64_t reached[SOMETIMES + 1];

static void print_state(const char *what, const struct entry *e)
{
    printf("%s %lx %u", what, e->bits, e->depth);
    for (unsigned k = 0; k < WORDS; k++)
        printf(" %lx", e->state.w[k]);
    putchar('\n');
}

static uint64_t waiting(void);

static void finish(const char *reason)
{
    printf("states %lu\ntransitions %lu\ndepth %u\nlevel %u\nqueue %lu\nbytes %lu\nalone %lu\n",
           states, transitions, depth, level, waiting(), most_bytes_ever, went_alone);
    printf("stopped %s\ntaken ", reason);
    for (unsigned n = 0; n < ACTIONS; n++)
        putchar('0' + taken[n]);
    putchar('\n');
    for (unsigned n = 0; n < SOMETIMES; n++)
        if (reached[n] >= 0)
            printf("reached %d %ld\n", sometimes[n].number, reached[n]);
    for (uint64_t n = 0; n < violating.count; n++)
        print_state("violating", &violating.entries[n]);
    for (uint64_t n = 0; n < faulting.count; n++)
        print_state("faulting", &faulting.entries[n]);
    for (uint64_t n = 0; n < stuck.count; n++)
        print_state("stuck", &stuck.entries[n]);
    puts("end");
    fflush(stdout);
    exit(0);
}

static void internal(const char *what, int line)
{
    printf("internal %s %d\n", what, line);
    fflush(stdout);
    exit(70);
}

static void left_its_sort(int line)
{
    internal("a value left its sort, line", line);
}

/* ------------------------------------------------------------------------------------- memory */

static void use_bytes(uint64_t more)
{
    bytes += more;
    if (bytes > most_bytes)
        finish("memory");
    if (bytes > most_bytes_ever)
        most_bytes_ever = bytes;
}

/* So many bytes of zeros, in huge pages where there are any.  Nothing is touched yet. */
static void *reserve(uint64_t size)
{
    size = (size + HUGE - 1) & ~(HUGE - 1);
    char *at = mmap(NULL, size + HUGE, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (at == MAP_FAILED)
        finish("memory");
    char *aligned = (char *)(((uintptr_t)at + HUGE - 1) & ~(HUGE - 1));
    if (aligned != at)
        munmap(at, aligned - at);
    if (at + HUGE != aligned)
        munmap(aligned + size, at + HUGE - aligned);
    madvise(aligned, size, MADV_HUGEPAGE);
    return aligned;
}

static void *allocate(uint64_t size)
{
    use_bytes(size);
    void *at = malloc(size);
    if (!at)
        finish("memory");
    return at;
}

static void append(struct list *list, const struct state *state, uint64_t bits, uint32_t at)
{
    if (list->count == list->room) {
        uint64_t room = list->room ? 2 * list->room : 64;
        use_bytes((room - list->room) * sizeof *list->entries);
        list->entries = realloc(list->entries, room * sizeof *list->entries);
        if (!list->entries)
            finish("memory");
        list->room = room;
    }
    list->entries[list->count++] = (struct entry){*state, bits, at};
}

static inline bool same(const struct state *a, const struct state *b)
{
    uint64_t other = 0;

    for (unsigned k = 0; k < WORDS; k++)
        other |= a->w[k] ^ b->w[k];
    return !other;
}

/* A bijection that spreads numbers over 64 bits; 0 stays 0. */
static inline uint64_t mixed(uint64_t x)
{
    x ^= x >> 32;
    x *= 0xd6e8feb86659fd93UL;
    x ^= x >> 32;
    x *= 0xd6e8feb86659fd93UL;
    return x ^ x >> 32;
}

/* ----------------------------------------------------------------------------- numbers of words */

#if WORDS > 1
#define TABLES (2 * WORDS - 2)   /* one for each word, then those for pairs of numbers */

struct numbering {
    struct word {
        uint64_t word;
        uint32_t number;       /* from 1; 0: no word here */
    } *slots;
    uint64_t mask, count;
};

static struct numbering numberings[TABLES];
static const bool numbered[WORDS] = NUMBERED;

static void widen(struct numbering *n)
{
    struct numbering old = *n;

    n->mask = old.slots ? 2 * old.mask + 1 : 1023;
    use_bytes((n->mask + 1) * sizeof *n->slots);
    n->slots = n->mask < HUGE / sizeof *n->slots
        ? calloc(n->mask + 1, sizeof *n->slots) : reserve((n->mask + 1) * sizeof *n->slots);
    if (!n->slots)
        finish("memory");
    if (!old.slots)
        return;
    for (uint64_t from = 0; from <= old.mask; from++)
        if (old.slots[from].number) {
            uint64_t at = mixed(old.slots[from].word) & n->mask;
            while (n->slots[at].number)
                at = (at + 1) & n->mask;
            n->slots[at] = old.slots[from];
        }
    uint64_t size = (old.mask + 1) * sizeof *old.slots;
    bytes -= size;
    if (old.mask < HUGE / sizeof *old.slots)
        free(old.slots);
    else
        munmap(old.slots, size);
}

static inline void await_number(const struct numbering *n, uint64_t word)
{
    __builtin_prefetch(&n->slots[mixed(word) & n->mask], 1);
}

static inline uint32_t number_of(struct numbering *n, uint64_t word)
{
    uint64_t at = mixed(word) & n->mask;

    for (; n->slots[at].number; at = (at + 1) & n->mask)
        if (n->slots[at].word == word)
            return n->slots[at].number;
    if (n->count == UINT32_MAX)
        finish("memory");
    n->slots[at] = (struct word){word, ++n->count};
    uint32_t number = n->count;
    if (n->count > n->mask / 8 * 5)
        widen(n);
    return number;
}

/* The number of word k of a state; `from` is a state whose numbers are known. */
static inline uint32_t index_of(unsigned k, uint64_t word, const struct source *from)
{
    if (!numbered[k])
        return word;
    return from && word == from->state.w[k] ? from->index[k] : number_of(&numberings[k], word);
}

/* The key of a state whose words have these numbers. */
static inline uint64_t key_of(const uint32_t *index)
{
    uint64_t pair = (uint64_t)index[0] << 32 | index[1];

    for (unsigned k = 2; k < WORDS; k++)
        pair = (uint64_t)number_of(&numberings[WORDS + k - 2], pair) << 32 | index[k];
    return mixed(pair);
}
#endif

/* ------------------------------------------------------------------------------------ the keys */

static struct keys {
    uint64_t *at;
    uint64_t lines, count, most;
} keys;

static uint64_t key_bytes(uint64_t lines)
{
    return (lines + TAIL) * LINE * sizeof(uint64_t);
}

static inline uint64_t *line_of(uint64_t key)
{
    return keys.at + LINE * (uint64_t)(((unsigned __int128)key * keys.lines) >> 64);
}

/* Which of a line's keys are this one.  (The compiler's own names of these instructions: the header
 * that has the usual ones takes longer to read than all of this.) */
static inline unsigned equal(const uint64_t *line, uint64_t key)
{
#if defined(__AVX512F__) && !defined(__clang__)
    typedef long long eight __attribute__((vector_size(64)));
    const eight all = {key, key, key, key, key, key, key, key};
    return (uint8_t)__builtin_ia32_cmpq512_mask(*(const eight *)line, all, 0, 255);
#elif defined(__AVX2__) && !defined(__clang__)
    typedef long long four __attribute__((vector_size(32)));
    typedef double doubles __attribute__((vector_size(32)));
    const four all = {key, key, key, key};
    const four low = *(const four *)line == all, high = *(const four *)(line + 4) == all;
    return __builtin_ia32_movmskpd256((doubles)low) | __builtin_ia32_movmskpd256((doubles)high) << 4;
#else
    unsigned found = 0;
    for (unsigned n = 0; n < LINE; n++)
        found |= (unsigned)(line[n] == key) << n;
    return found;
#endif
}

static void more_lines(void);

/* Whether the key is new; it is known from now on. */
static inline bool is_new(uint64_t key)
{
    for (uint64_t *line = line_of(key);; line += LINE) {
        if (equal(line, key))
            return false;
        unsigned empty = equal(line, 0);
        if (empty) {
            line[__builtin_ctz(empty)] = key;
            keys.count++;
            return true;
        }
        if (line == keys.at + LINE * (keys.lines + TAIL - 1)) {
            more_lines();
            return is_new(key);
        }
    }
}

/* A larger table.  Keys keep their order, so that the old table is given back as the new one grows:
 * the two together are hardly larger than the new one. */
static void more_lines(void)
{
    struct keys old = keys;
    uint64_t old_size = old.at ? key_bytes(old.lines) : 0;

    keys.lines = !old.at ? 1UL << 10 : old_size < (8UL << 20) ? 4 * old.lines
        : old.lines + old.lines / 4;
    keys.most = keys.lines * LINE / 16 * 11;
    keys.count = 0;
    use_bytes(key_bytes(keys.lines) - old_size);
    keys.at = reserve(key_bytes(keys.lines));
    if (!old.at)
        return;
    char *start = (char *)old.at, *given_back = start;
    for (uint64_t n = 0; n < LINE * (old.lines + TAIL); n++) {
        if (old.at[n])
            is_new(old.at[n]);
        if ((char *)&old.at[n] - given_back >= (long)(2 * HUGE)) {
            munmap(given_back, HUGE);
            given_back += HUGE;
        }
    }
    munmap(given_back, ((old_size + HUGE - 1) & ~(HUGE - 1)) - (given_back - start));
}

/* ---------------------------------------------------------------------------------- the levels */

struct chunk {
    struct chunk *next;
    unsigned count;
    struct source states[CHUNK];
};

struct level {
    struct chunk *first, *last;
    uint64_t count;
};

static struct level this_level, next_level, *levels;
static struct chunk *spare;

/* How many states are still to be expanded. */
static uint64_t waiting(void)
{
    return queue + next_level.count;
}

static struct source *room_in(struct level *to)
{
    if (!to->last || to->last->count == CHUNK) {
        struct chunk *chunk = spare;
        if (chunk)
            spare = chunk->next;
        else
            chunk = allocate(sizeof *chunk);
        chunk->next = NULL;
        chunk->count = 0;
        if (to->last)
            to->last->next = chunk;
        else
            to->first = chunk;
        to->last = chunk;
    }
    to->count++;
    return &to->last->states[to->last->count++];
}

/* ------------------------------------------------------------------------------- one for all */

#if EXCHANGES > 1
#define CHUNK_BITS 8

/* Some parts that stand side by side: what becomes of all their codes is looked up at once. */
struct piece {
    unsigned word, shift, bits, first_part, parts;
    struct state *becomes[EXCHANGES];
};

static struct piece pieces[PARTS];
static unsigned piece_count;

/* What an exchange makes of a piece's codes. */
static struct state piece_becomes(const struct piece *piece, uint64_t codes, unsigned x)
{
    struct state to = {{0}};

    for (unsigned n = piece->first_part; n < piece->first_part + piece->parts; n++) {
        const struct part *part = &parts[n];
        uint64_t code = codes >> (part->shift - piece->shift) & ((1UL << part->bits) - 1);
        if (code < part->codes)
            to.w[part_to[n][x][0]] |=
                (uint64_t)part->becomes[x * part->codes + code] << part_to[n][x][1];
    }
    return to;
}

static void make_pieces(void)
{
    for (unsigned n = 0; n < PARTS; n++) {
        struct piece *last = &pieces[piece_count - 1];
        if (piece_count && parts[n].word == last->word
            && parts[n].shift + parts[n].bits <= last->shift + CHUNK_BITS) {
            last->bits = parts[n].shift + parts[n].bits - last->shift;
            last->parts++;
            continue;
        }
        pieces[piece_count++] = (struct piece){
            .word = parts[n].word, .shift = parts[n].shift, .bits = parts[n].bits,
            .first_part = n, .parts = 1,
        };
    }
    for (unsigned n = 0; n < piece_count; n++)
        for (unsigned x = 0; x < EXCHANGES; x++) {
            uint64_t codes = 1UL << pieces[n].bits;
            pieces[n].becomes[x] = allocate(codes * sizeof(struct state));
            for (uint64_t code = 0; code < codes; code++)
                pieces[n].becomes[x][code] = piece_becomes(&pieces[n], code, x);
        }
}

/* Puts the least of the states that the exchanges make in the place of `s`; which exchange. */
static unsigned stand_for_all(struct state *s)
{
    struct state from = *s;
    unsigned best = 0;

    for (unsigned x = 1; x < EXCHANGES; x++) {
        struct state to = {{0}};
        for (unsigned n = 0; n < piece_count; n++) {
            const struct piece *p = &pieces[n];
            uint64_t codes = from.w[p->word] >> p->shift & ((1UL << p->bits) - 1);
            for (unsigned k = 0; k < WORDS; k++)
                to.w[k] |= p->becomes[x][codes].w[k];
        }
        unsigned k = 0;
        while (k + 1 < WORDS && to.w[k] == s->w[k])
            k++;
        if (to.w[k] < s->w[k]) {
            *s = to;
            best = x;
        }
    }
    return best;
}

/* The places that the processes have to leave, as they are called before exchange `x`. */
static uint64_t places_before(uint64_t places, unsigned x)
{
    uint64_t before = 0, mask = PLACES == 64 ? ~0UL : (1UL << PLACES) - 1;

    for (unsigned p = 0; p < PROCESSES; p++)
        before |= (places >> cpus[process_to[x][p]].first_place & mask) << cpus[p].first_place;
    return before;
}
#else
static void make_pieces(void)
{
}

static inline unsigned stand_for_all(struct state *s)
{
    (void)s;
    return 0;
}

static inline uint64_t places_before(uint64_t places, unsigned x)
{
    (void)x;
    return places;
}
#endif

/* ------------------------------------------------------------------------ looking up successors */

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
#if WORDS > 1
    memcpy(to->index, index, sizeof to->index);
#else
    (void)index;
#endif
    states++;
    depth = at;
    if (!always(s))
        append(&violating, s, 0, at);
    else if (meddling(s))
        finish("meddled");
    for (unsigned n = 0; n < SOMETIMES; n++)
        if (reached[n] < 0) {
            int held = sometimes[n].holds(s);
            if (held > 0)
                reached[n] = at;
            else if (held < 0)
                append(&violating, s, 0, at);
        }
}

static void trace(void);

static void flush(void)
{
    static uint64_t key[PENDING];
    unsigned count = pending_count;

    if (mode == TRYING) {
        pending_count = PENDING - 1;   /* what is tried has too many successors: some are lost */
        return;
    }
    transitions += count;
    if (mode == TRACING) {
        trace();
        return;
    }
    pending_count = 0;
    for (unsigned n = 0; n < count; n++)
        stand_for_all(&pending[n].state);
    while (keys.count + count > keys.most)
        more_lines();
#if WORDS == 1
    for (unsigned n = 0; n < count; n++) {
        key[n] = mixed(pending[n].state.w[0] + 1);
        __builtin_prefetch(line_of(key[n]), 1);
    }
    for (unsigned n = 0; n < count; n++)
        if (is_new(key[n]))
            met(&pending[n].state, NULL, level + 1);
#else
    static uint32_t index[PENDING][WORDS];

    for (unsigned n = 0; n < count; n++)
        for (unsigned k = 0; k < WORDS; k++)
            if (numbered[k] && pending[n].state.w[k] != sources[pending[n].from].state.w[k])
                await_number(&numberings[k], pending[n].state.w[k]);
    for (unsigned n = 0; n < count; n++) {
        const struct source *from = &sources[pending[n].from];
        for (unsigned k = 0; k < WORDS; k++)
            index[n][k] = index_of(k, pending[n].state.w[k], from);
        key[n] = key_of(index[n]);
        __builtin_prefetch(line_of(key[n]), 1);
    }
    for (unsigned n = 0; n < count; n++)
        if (is_new(key[n]))
            met(&pending[n].state, index[n], level + 1);
#endif
}

/* ------------------------------------------------------------------------------ one step onward */

/* What must be left in each source, or some process is stuck. */
static uint64_t needed[BATCH];

static void faulted(unsigned source)
{
    if (mode != SEARCH)
        return;
    transitions++;
    append(&faulting, &sources[source].state, 0, level);
}

static void forks(unsigned source)
{
    if (mode != SEARCH)
        return;
    faulting.count = violating.count = 0;
    append(&faulting, &sources[source].state, 0, level);
    finish("forks");
}

#if AMPLE
/* The process that may go on alone from a state; PROCESSES if there is none. */
static unsigned goes_alone(const struct state *s)
{
    unsigned pcs[PROCESSES];

    for (unsigned p = 0; p < PROCESSES; p++)
        pcs[p] = location_of(s, p);
    for (unsigned p = 0; p < PROCESSES; p++) {
        unsigned row = alone[p][pcs[p]];
        bool may = row != 0;
        for (unsigned q = 0; q < PROCESSES && may; q++)
            may = !(unless[row][q][pcs[q] / 64] >> pcs[q] % 64 & 1);
        if (may)
            return p;
    }
    return PROCESSES;
}
#endif

/* Takes each process of `count` sources a step on, those at one location together. */
static void expand(unsigned count)
{
#if AMPLE
    unsigned only[BATCH];

    for (unsigned n = 0; n < count; n++) {
        only[n] = goes_alone(&sources[n].state);
        went_alone += only[n] != PROCESSES;
    }
#endif
    memset(left, 0, count * sizeof *left);
    memset(needed, 0, count * sizeof *needed);
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

/* --------------------------------------------------------------------------- who might be stuck */

/* Most processes leave their loop or wait, or change memory, with the next step.  Of the others it
 * is tried whether they do so alone, or once another has gone on alone: what is found then is
 * remembered for all states that look the same to these two, in what decides where they go.  (Only a
 * change of that counts as progress here; and a step that fails elsewhere than here is a violation,
 * after which nobody asks who is stuck.)  What is left is decided when every state is known. */

#define ALONE 64               /* steps that a process is let run alone */
#define REMEMBERED (1UL << 15)

static struct memory {
    struct state seen;
    uint64_t left;
    uint32_t who;
} *remembered;

/* One step of process p from `s`: the places that it leaves; `s` becomes a successor, if any. */
static uint64_t tried(struct state *s, unsigned p, bool *moved)
{
    static struct successor few[PENDING];
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
    uint64_t leaves = 0;
    struct state now = *s, then;
    bool moved = true;

    for (unsigned n = 0; n < ALONE && moved; n++) {
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
    static unsigned helped[PROCESSES];   /* by whom, last time */

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

/* ------------------------------------------------------------------------- a set of kept states */

struct lookup {
    uint32_t *slots;           /* the number of an entry, plus 1 */
    uint64_t mask;
};

static inline uint64_t hash_of(const struct state *s)
{
    uint64_t hash = 0;

    for (unsigned k = 0; k < WORDS; k++)
        hash = mixed(hash ^ s->w[k]) + k;
    return hash;
}

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

/* ------------------------------------------------------------------------------------ the search */

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec * 1e-9;
}

static void look_at_the_clock(void)
{
    static double shown;
    double t = now();

    if (interrupted)
        finish("interrupted");
    if (most_seconds > 0 && t - began > most_seconds)
        finish("seconds");
    if (t - shown > 0.1) {
        shown = t;
        printf("progress %lu %u %lu\n", states, level, waiting());
        fflush(stdout);
    }
}

/* Expands a level; whether there is another. */
static bool expand_level(bool keep)
{
    unsigned batches = 0;

    queue = this_level.count;
    for (struct chunk *chunk = this_level.first, *next; chunk; chunk = next) {
        next = chunk->next;
        for (unsigned done = 0; done < chunk->count; done += BATCH) {
            unsigned count = chunk->count - done < BATCH ? chunk->count - done : BATCH;
            if (states > most_states)
                finish("states");
            if (batches++ % 16 == 0)
                look_at_the_clock();
            sources = &chunk->states[done];
            expand(count);
            flush();
            queue -= count;
            if (!wants_deadlock || keep)
                continue;
            for (unsigned n = 0; n < count; n++) {
                uint64_t to_leave = needed[n] & ~left[n];
                if (to_leave)
                    to_leave = still_to_leave(&sources[n].state, to_leave);
                if (to_leave)
                    append(&stuck, &sources[n].state, to_leave, level);
            }
        }
        if (!keep) {
            chunk->next = spare;
            spare = chunk;
        }
    }
    return next_level.count && !violating.count && !faulting.count;
}

static void search(void)
{
    do {
        this_level = next_level;
        next_level = (struct level){0};
    } while (expand_level(false) && ++level);
    if (violating.count || faulting.count) {
        stuck.count = 0;
        finish("violated");
    }
    decide_stuck();
    finish("complete");
}

/* Searches up to the level before the ends, keeping every level; then goes back from the ends. */
static void find_paths(uint32_t last, struct list *ends, struct list *failing)
{
    levels = calloc(last + 1, sizeof *levels);
    if (!levels)
        finish("memory");
    for (level = 0;; level++) {
        this_level = levels[level] = next_level;
        next_level = (struct level){0};
        if (level == last)
            break;
        violating.count = faulting.count = 0;
        expand_level(true);
    }
    faulting = *failing;
    print_paths(ends);
    puts("end");
    fflush(stdout);
    exit(0);
}

static void begin_with(struct state *s)
{
    stand_for_all(s);
    const uint32_t *numbers = NULL;
#if WORDS == 1
    uint64_t key = mixed(s->w[0] + 1);
#else
    uint32_t index[WORDS];
    for (unsigned k = 0; k < WORDS; k++)
        index[k] = index_of(k, s->w[k], NULL);
    uint64_t key = key_of(index);
    numbers = index;
#endif
    if (keys.count + 1 > keys.most)
        more_lines();
    if (is_new(key))
        met(s, numbers, 0);
}

static void on_signal(int number)
{
    (void)number;
    interrupted = 1;
}

int main(int argc, char **argv)
{
    static struct successor room[PENDING];
    static uint64_t places[BATCH];
    struct list ends = {0}, failing = {0};
    long last = -1;
    char what[16];

    began = now();
    pending = room;
    left = places;
    for (int n = 1; n + 1 < argc; n += 2) {
        if (!strcmp(argv[n], "--bytes"))
            most_bytes = strtoull(argv[n + 1], NULL, 10);
        else if (!strcmp(argv[n], "--states"))
            most_states = strtoull(argv[n + 1], NULL, 10);
        else if (!strcmp(argv[n], "--seconds"))
            most_seconds = strtod(argv[n + 1], NULL);
        else if (!strcmp(argv[n], "--deadlock"))
            wants_deadlock = strtol(argv[n + 1], NULL, 10);
        else if (!strcmp(argv[n], "--paths"))
            last = strtol(argv[n + 1], NULL, 10);
    }
    signal(SIGINT, on_signal);
    signal(SIGTERM, on_signal);
    for (unsigned n = 0; n < SOMETIMES; n++)
        reached[n] = -1;
#if WORDS > 1
    for (unsigned k = 0; k < TABLES; k++)
        widen(&numberings[k]);
#endif
    make_pieces();
    while (scanf("%15s", what) == 1) {
        struct state s;
        for (unsigned k = 0; k < WORDS; k++)
            if (scanf("%lx", &s.w[k]) != 1)
                internal("a state is cut short, word", k);
        if (!strcmp(what, "initial"))
            begin_with(&s);
        else
            append(strcmp(what, "final") ? &failing : &ends, &s, 0, 0);
    }
    if (last >= 0)
        find_paths(last, &ends, &failing);
    search();
}
