/* Which states are known: a set of keys of 64 bits.
 *
 * No two states have the same key.  A state of one word is its own key.  Of a longer one each word is
 * numbered (there are far fewer words than states), pairs of numbers are numbered in turn, and the
 * last pair is the key.  With FINGERPRINTS the key of a longer state is a hash of it, which another
 * state may have too.
 *
 * Keys stand in lines of eight, a cache line each, in the order of their numbers but for those that
 * found no room in their own line.  So the table grows where it stands, from its end.
 *
 * Threads add to the tables without a lock: a slot that was empty is taken by one compare-and-swap,
 * and is never emptied again.  Only while a table grows is there nobody inside. */

#define LINE 8                 /* keys in a cache line */
#define TAIL 512               /* lines behind the last, for what finds no room in its own */
#ifndef TABLE_AT_FIRST         /* tests begin with less */
#define TABLE_AT_FIRST 1024    /* lines, and half as many words of a numbering */
#define SMALL_TABLE (32UL << 20)  /* bytes: up to here it grows fourfold, then by three eighths */
#endif

/* -------------------------------------------------------------------- nobody inside while one grows */

static unsigned inside;
static bool closed;
static pthread_mutex_t growing = PTHREAD_MUTEX_INITIALIZER;

static void go_in(void)
{
    for (;;) {
        __atomic_add_fetch(&inside, 1, __ATOMIC_SEQ_CST);
        if (!__atomic_load_n(&closed, __ATOMIC_SEQ_CST))
            return;
        __atomic_sub_fetch(&inside, 1, __ATOMIC_SEQ_CST);
        while (__atomic_load_n(&closed, __ATOMIC_ACQUIRE))
            sched_yield();
    }
}

static void go_out(void)
{
    __atomic_sub_fetch(&inside, 1, __ATOMIC_RELEASE);
}

/* ----------------------------------------------------------------------------- numbers of words */

#if NUMBERS
#define TABLES (2 * WORDS - 2)   /* one for each word, then those for pairs of numbers */
#define TAKEN UINT32_MAX         /* a slot that somebody is writing */

struct numbering {
    struct word {
        uint64_t word;
        uint32_t number;       /* from 1; 0: no word here */
    } *slots;
    uint64_t mask;
    uint32_t count;
};

static struct numbering numberings[TABLES];
static const bool numbered[WORDS] = NUMBERED;

static void widen(struct numbering *n)
{
    struct numbering old = *n;

    n->mask = old.slots ? 2 * old.mask + 1 : TABLE_AT_FIRST / 2 - 1;
    use_bytes((n->mask + 1) * sizeof *n->slots);
    n->slots = n->mask < HUGE / sizeof *n->slots
        ? calloc(n->mask + 1, sizeof *n->slots) : addresses((n->mask + 1) * sizeof *n->slots);
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
    for (uint64_t at = mixed(word) & n->mask;; at = (at + 1) & n->mask) {
        struct word *slot = &n->slots[at];
        uint32_t number = __atomic_load_n(&slot->number, __ATOMIC_ACQUIRE);
        if (!number && __atomic_compare_exchange_n(&slot->number, &number, TAKEN, false,
                                                   __ATOMIC_ACQUIRE, __ATOMIC_ACQUIRE)) {
            number = __atomic_add_fetch(&n->count, 1, __ATOMIC_RELAXED);
            slot->word = word;
            __atomic_store_n(&slot->number, number, __ATOMIC_RELEASE);
            return number;
        }
        while (number == TAKEN)
            number = __atomic_load_n(&slot->number, __ATOMIC_ACQUIRE);
        if (slot->word == word)
            return number;
    }
}

/* The number of word k of a state; `from` is a state whose numbers are known. */
static inline uint32_t index_of(unsigned k, uint64_t word, const struct source *from)
{
    if (!numbered[k])
        return word;
    return from && word == from->state.w[k] ? from->index[k] : number_of(&numberings[k], word);
}

static inline bool numbers_left(const struct numbering *n)
{
    uint64_t most = n->mask / 8 * 5, count = NOW(n->count) + (uint64_t)threads * PENDING;

    if (count >= TAKEN)
        finish("memory");
    return count <= most;
}
#endif

/* ------------------------------------------------------------------------------------ the keys */

static struct keys {
    uint64_t *at;
    uint64_t lines, count, most;       /* most: keys, before it grows */
    uint64_t room;                     /* bytes of addresses */
} keys;

static uint64_t key_bytes(uint64_t lines)
{
    return (lines + TAIL) * LINE * sizeof(uint64_t);
}

#ifndef HIGH_HALF              /* of a product; tests have a compiler that knows no __int128 */
#define HIGH_HALF(a, b) ((uint64_t)(((unsigned __int128)(a) * (b)) >> 64))
#endif

static inline uint64_t *line_of(uint64_t key)
{
    return keys.at + LINE * HIGH_HALF(key, keys.lines);
}

/* Which of a line's keys are this one.  (The compiler's own names of these instructions: the header
 * that has the usual ones takes longer to read than all of this.) */
static inline unsigned equal(const uint64_t *line, uint64_t key)
{
#if defined(__SANITIZE_THREAD__)
    unsigned found = 0;
    for (unsigned n = 0; n < LINE; n++)
        found |= (unsigned)(NOW(line[n]) == key) << n;
    return found;
#elif defined(__AVX512F__) && !defined(__clang__)
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

/* A slot that was empty holds this key now; false if somebody else has taken it. */
static inline bool put(uint64_t *slot, uint64_t key)
{
    uint64_t empty = 0;

    if (threads == 1) {
        *slot = key;
        return true;
    }
    return __atomic_compare_exchange_n(slot, &empty, key, false, __ATOMIC_RELAXED,
                                       __ATOMIC_RELAXED);
}

static inline void is_within(const uint64_t *line)
{
    if (line == keys.at + LINE * (keys.lines + TAIL))
        internal("keys crowd at the end of the table, line", __LINE__);
}

/* Keys that were looked up lately: half of all that are met are among them, and need not be looked up
 * in memory that is far away. */
#ifndef LATELY_BITS            /* tests have less */
#define LATELY_BITS 16
#endif
static _Thread_local uint64_t lately[1 << LATELY_BITS];

static inline bool is_met_lately(uint64_t key)
{
    uint64_t *slot = &lately[key >> (64 - LATELY_BITS)];
    bool met = *slot == key;

    *slot = key;
    return met;
}

#ifndef MEANWHILE              /* tests let other threads do something meanwhile */
#define MEANWHILE() __atomic_thread_fence(__ATOMIC_ACQUIRE)
#endif

enum seen { KNOWN, NEW, FULL };

/* Whether this line has the key; if not, it has it from now on, or is full of others.  Slots are taken
 * in order.  So where the key is put by another thread while this one looks, it is put into what was
 * empty: that is looked at first, and then for the key. */
static inline enum seen seen_in(uint64_t *line, uint64_t key)
{
    for (;;) {
        unsigned empty = equal(line, 0);
        MEANWHILE();
        if (equal(line, key))
            return KNOWN;
        if (!empty)
            return FULL;
        if (put(&line[__builtin_ctz(empty)], key))
            return NEW;
    }
}

/* Which of these keys, whose lines were asked for, are new; all are known from now on.  Where a line
 * is full the next one is asked for, and looked at when all others have been: nobody waits for it. */
static uint64_t find_new(const uint64_t *key, unsigned count, bool *is_new)
{
    static _Thread_local struct {
        uint64_t *line;
        unsigned n;
    } later[PENDING];
    unsigned more = 0;
    uint64_t news = 0;

    for (unsigned n = 0; n < count; n++) {
        uint64_t *line = line_of(key[n]);
        enum seen seen = seen_in(line, key[n]);
        is_new[n] = seen == NEW;
        news += seen == NEW;
        later[more].line = line + LINE;
        later[more].n = n;
        if (seen == FULL) {
            __builtin_prefetch(line + LINE, 1);
            more++;
        }
    }
    while (more) {
        unsigned still = 0;
        for (unsigned m = 0; m < more; m++) {
            unsigned n = later[m].n;
            uint64_t *line = later[m].line;
            is_within(line);
            enum seen seen = seen_in(line, key[n]);
            is_new[n] = seen == NEW;
            news += seen == NEW;
            later[still].line = line + LINE;
            later[still].n = n;
            if (seen == FULL) {
                __builtin_prefetch(line + LINE, 1);
                still++;
            }
        }
        more = still;
    }
    return news;
}

/* Puts a key that is new into the first line from its own on that has room. */
static void move_to_its_line(uint64_t key)
{
    uint64_t *line = line_of(key);
    unsigned empty;

    while (!(empty = equal(line, 0))) {
        line += LINE;
        is_within(line);
    }
    line[__builtin_ctz(empty)] = key;
}

/* A larger table, at the same addresses.  The lines are emptied from the last to the first, and
 * their keys go to lines further on, which nothing is taken from any more.  The few for which that is
 * not so, at the beginning, wait until all lines are empty that will be. */
static void more_lines(void)
{
    static uint64_t *later, later_count, later_room;
    uint64_t old = keys.lines ? keys.lines + TAIL : 0;

    keys.lines = !old ? TABLE_AT_FIRST : key_bytes(keys.lines) < SMALL_TABLE ? 4 * keys.lines
        : keys.lines * 11 / 8;
    keys.most = keys.lines * LINE * 25 / 32;
    use_bytes(key_bytes(keys.lines) - (old ? key_bytes(old - TAIL) : 0));
    if (key_bytes(keys.lines) > keys.room)
        finish("memory");
    for (uint64_t *line = keys.at + LINE * old; line > keys.at;) {
        uint64_t moved[LINE];
        line -= LINE;
        memcpy(moved, line, sizeof moved);
        memset(line, 0, sizeof moved);
        for (unsigned n = 0; n < LINE && moved[n]; n++)
            if (line_of(moved[n]) > line) {
                move_to_its_line(moved[n]);
            } else {
                if (later_count == later_room) {
                    later_room = later_room ? 2 * later_room : 1024;
                    later = realloc(later, later_room * sizeof *later);
                    if (!later)
                        finish("memory");
                }
                later[later_count++] = moved[n];
            }
    }
    while (later_count)
        move_to_its_line(later[--later_count]);
}

/* ---------------------------------------------------------------------------------------- both */

/* Whether every thread can add what it has pending. */
static inline bool is_room(void)
{
    bool room = NOW(keys.count) + (uint64_t)threads * PENDING <= keys.most;

#if NUMBERS
    for (unsigned k = 0; k < TABLES; k++)
        room &= numbers_left(&numberings[k]);
#endif
    return room;
}

static void grow(void)
{
    while (NOW(keys.count) + (uint64_t)threads * PENDING > keys.most)
        more_lines();
#if NUMBERS
    for (unsigned k = 0; k < TABLES; k++)
        while (!numbers_left(&numberings[k]))
            widen(&numberings[k]);
#endif
}

/* Comes inside, where there is room for what is pending. */
static inline void go_in_with_pending(void)
{
    for (go_in(); !is_room(); go_in()) {
        go_out();
        pthread_mutex_lock(&growing);
        __atomic_store_n(&closed, true, __ATOMIC_SEQ_CST);
        while (__atomic_load_n(&inside, __ATOMIC_SEQ_CST))
            sched_yield();
        grow();
        __atomic_store_n(&closed, false, __ATOMIC_SEQ_CST);
        pthread_mutex_unlock(&growing);
    }
}

static void make_tables(void)
{
    uint64_t room = most_bytes < 1UL << 42 ? most_bytes : 1UL << 42;

    while (!(keys.at = addresses(room)))
        if ((room /= 2) < HUGE)
            finish("memory");
    keys.room = room;
    more_lines();
#if NUMBERS
    for (unsigned k = 0; k < TABLES; k++)
        widen(&numberings[k]);
#endif
}
