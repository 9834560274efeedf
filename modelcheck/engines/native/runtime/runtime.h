/* What the functions of a Program use.  The text that includes this has defined
 *
 *   WORDS       64-bit words of a state          PROCESSES   processes
 *   ACTIONS     actions of all templates         LOCATIONS   of a template, at most, END included
 *   PROPERTIES  properties                       SOMETIMES   those of them that are `sometimes`
 *   PLACES      bits for each process: the waits and loops that it has still to leave
 *   ASSUMES     whether an `assume` may cut a run short
 *   SHARED      for each word, the bits of shared memory, ghosts left out
 *   EXCHANGES   of states that differ in nothing but one of so many exchanges, one stands for all
 *   NUMBERED    for each word, whether it is known by a number; else it has 32 bits, and is its own
 *   FINGERPRINTS  whether a state of more than one word is known by a hash of it alone
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What is taken often is compiled with care, all else with haste: see FLAGS in build.py. */
#define INLINE static inline __attribute__((always_inline))

#define NUMBERS (WORDS > 1 && !FINGERPRINTS)

/* What several threads read and write without a lock. */
#define NOW(x) __atomic_load_n(&(x), __ATOMIC_RELAXED)
#define SET(x, to) __atomic_store_n(&(x), to, __ATOMIC_RELAXED)
#define ADD(x, more) __atomic_add_fetch(&(x), more, __ATOMIC_RELAXED)

#define LONGEST 10000   /* locations in one step */
#define CHOICES 64      /* choices in one step */
#define WAYS 20000      /* ways that one step can fork */
#ifndef BATCH           /* tests have less */
#define BATCH 256       /* states that are taken on together */
#define PENDING 512     /* successors that wait to be looked up together */
#endif

struct state {
    uint64_t w[WORDS];
};

/* A state that was met, and the numbers of its words (where words are numbered). */
struct source {
    struct state state;
#if NUMBERS
    uint32_t index[WORDS];
#endif
};

/* Where a process stands in a state, which one it is, its bits of that word, and for each word the
 * bits of the memory that decides what it does. */
struct cpu {
    unsigned word, shift;
    long me, own;
    unsigned first_place;
    uint64_t bits, steering[WORDS];
};

/* Takes the sources `which[0..count-1]`, whose process `cpu` stands at one location, a step on. */
typedef void action_function(const struct cpu *cpu, const uint16_t *which, unsigned count);

struct location {
    action_function *action;   /* 0: nobody stands here */
    uint64_t needs;            /* the places to leave, or the process is stuck */
    bool waits;                /* the step is possible only on a condition */
};

struct table {
    const struct location *locations;
    unsigned end;              /* the location of those that have ended */
};

/* A process is one number.  Which location each number belongs to: a table, or, where there are too
 * many, the first number of each location; and the bits of a number. */
struct template {
    const uint16_t *location;
    const uint64_t *first;
    unsigned locations;
    uint64_t mask;
};

/* The last location whose first number is not above this one. */
INLINE unsigned searched(const uint64_t *first, unsigned locations, uint64_t number)
{
    unsigned low = 0;

    while (locations > 1) {
        unsigned half = locations / 2;
        low += first[low + half] <= number ? half : 0;
        locations -= half;
    }
    return low;
}

/* The cells of owned memory that a process has read and written, or is about to, a bit each. */
struct touches {
    uint64_t reads, writes;
};

/* A part of a state, and what each of its codes becomes in each exchange. */
struct part {
    uint8_t word, shift, bits;
    uint32_t codes;
    const uint32_t *becomes;   /* by exchange, then by code */
};

struct sometimes {
    int (*holds)(const struct state *);
    int number;
};

struct successor {
    struct state state;
    uint32_t from;             /* the source */
};

/* The choices of one run of a step: those given first, then the first option each time. */
struct script {
    long taken[CHOICES], counts[CHOICES];
    unsigned given, made, ways;
};

/* Of each thread: the states at work; what is pending of their successors; the places that each one
 * leaves; and what a change must be of, to be progress. */
static _Thread_local const struct source *sources;
static _Thread_local struct successor *pending;
static _Thread_local unsigned pending_count;
static _Thread_local uint64_t *left;
static const uint64_t shared[WORDS] = SHARED;
static _Thread_local const uint64_t *counts = shared;
static uint8_t taken[ACTIONS];

static void flush(void);
static void faulted(unsigned source);
static void forks(unsigned source);
static void left_its_sort(int line);

INLINE uint64_t control(const struct state *s, const struct cpu *cpu)
{
    return s->w[cpu->word] >> cpu->shift;
}

static inline void put_control(struct state *s, const struct cpu *cpu, uint64_t mask, uint64_t value)
{
    s->w[cpu->word] = (s->w[cpu->word] & ~(mask << cpu->shift)) | value << cpu->shift;
}

static inline void take(unsigned action)
{
    if (!NOW(taken[action]))
        SET(taken[action], 1);
}

/* A step is there: it leads to `s`. */
INLINE void step(unsigned action, unsigned source, const struct state *s)
{
    take(action);
    pending[pending_count].state = *s;
    pending[pending_count].from = source;
    if (++pending_count == PENDING)
        flush();
}

INLINE bool changed(const struct state *from, const struct state *to)
{
    uint64_t other = 0;

    for (unsigned k = 0; k < WORDS; k++)
        other |= (from->w[k] ^ to->w[k]) & counts[k];
    return other != 0;
}

/* The step from `source` leaves these places of the process (or changes memory: all of them). */
static inline void leave(unsigned source, const struct cpu *cpu, uint64_t places)
{
    left[source] |= places << cpu->first_place;
}

/* An `assume` ends this run: it might have gone on, and nobody is stuck here. */
static inline void cut(unsigned source)
{
    left[source] = ~0UL;
}

/* A bit for each transit location that the step went through, in so many words. */
static inline void note_passed(const uint64_t *passed, unsigned words, const uint16_t *transit)
{
    for (unsigned k = 0; k < words; k++)
        for (uint64_t bits = passed[k]; bits; bits &= bits - 1)
            take(transit[64 * k + __builtin_ctzl(bits)]);
}

/* The option to take of so many; -1 at one choice too many. */
static inline long choose(struct script *script, long options)
{
    unsigned at = script->made;

    if (at == CHOICES)
        return -1;
    if (at >= script->given)
        script->taken[at] = 0;
    script->counts[at] = options;
    script->made++;
    return script->taken[at];
}

/* Whether there is another run; then its choices are set, in lexicographic order. */
static inline bool following(struct script *script, unsigned source)
{
    unsigned at = script->made;

    while (at-- > 0)
        if (script->taken[at] + 1 < script->counts[at]) {
            script->taken[at]++;
            script->given = at + 1;
            script->made = 0;
            if (++script->ways == WAYS)
                forks(source);
            return true;
        }
    return false;
}

/* Division as Python's: rounded down. */
static inline long floor_div(long a, long b)
{
    long q = a / b;

    return a % b != 0 && (a % b < 0) != (b < 0) ? q - 1 : q;
}

static inline long floor_mod(long a, long b)
{
    long r = a % b;

    return r != 0 && (r < 0) != (b < 0) ? r + b : r;
}
