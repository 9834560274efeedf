/* What is found, how it is told, and memory: what several threads do one at a time. */

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif
#include <time.h>
#include <unistd.h>

#define HUGE (2UL << 20)

enum mode { SEARCH, TRYING, TRACING };

static _Thread_local enum mode mode;
static unsigned threads = 1, most_threads = 1;   /* at work now, and ever */
static pthread_mutex_t rare;           /* held for what is seldom done; recursive */
static uint64_t most_bytes = ~0UL, most_states = ~0UL, bytes, most_bytes_ever;
static double most_seconds = 1e300, began;
static volatile sig_atomic_t interrupted;
static uint32_t level, depth;
static uint64_t states, transitions, queue;
/* States from which one process went on alone while others had not ended; while one of these could
 * surely take a step. */
static uint64_t went_alone, went_ahead;
#if EXCHANGES > 1
static uint8_t exchanged[EXCHANGES];   /* whether another state stood for one, by this exchange */
#endif

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

/* Tells what was found, and ends; the other threads, if any, wait at `rare` or are cut short.  Who
 * may be stuck is so for certain only when every state is known. */
static void finish(const char *reason)
{
    pthread_mutex_lock(&rare);
    printf("threads %u\nstates %lu\ntransitions %lu\ndepth %u\nlevel %u\nqueue %lu\nbytes %lu\n",
           most_threads, NOW(states), NOW(transitions), NOW(depth), level, waiting(), most_bytes_ever);
    printf("alone %lu\nahead %lu\nexchanged ", NOW(went_alone), NOW(went_ahead));
#if EXCHANGES > 1
    for (unsigned n = 0; n < EXCHANGES; n++)
        putchar('0' + NOW(exchanged[n]));
#endif
    printf("\nstopped %s\ntaken ", reason);
    for (unsigned n = 0; n < ACTIONS; n++)
        putchar('0' + NOW(taken[n]));
    putchar('\n');
    for (unsigned n = 0; n < SOMETIMES; n++)
        if (NOW(reached[n]) >= 0)
            printf("reached %d %ld\n", sometimes[n].number, NOW(reached[n]));
    for (uint64_t n = 0; n < violating.count; n++)
        print_state("violating", &violating.entries[n]);
    for (uint64_t n = 0; n < faulting.count; n++)
        print_state("faulting", &faulting.entries[n]);
    for (uint64_t n = 0; n < stuck.count && !strcmp(reason, "complete"); n++)
        print_state("stuck", &stuck.entries[n]);
    puts("end");
    fflush(stdout);
    if (threads > 1)
        _exit(0);
    exit(0);
}

static void internal(const char *what, int line)
{
    pthread_mutex_lock(&rare);
    printf("internal %s %d\n", what, line);
    fflush(stdout);
    _exit(70);
}

static void left_its_sort(int line)
{
    internal("a value left its sort, line", line);
}

/* ------------------------------------------------------------------------------------- memory */

static void use_bytes(uint64_t more)
{
    pthread_mutex_lock(&rare);
    bytes += more;
    if (bytes > most_bytes)
        finish("memory");
    if (bytes > most_bytes_ever)
        most_bytes_ever = bytes;
    pthread_mutex_unlock(&rare);
}

/* Addresses of up to so many bytes of zeros, in huge pages where there are any; NULL if there are
 * not so many.  Nothing is touched yet. */
static void *addresses(uint64_t size)
{
    size = (size + HUGE - 1) & ~(HUGE - 1);
    char *at = mmap(NULL, size + HUGE, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (at == MAP_FAILED)
        return NULL;
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
    pthread_mutex_lock(&rare);
    if (list->count == list->room) {
        uint64_t room = list->room ? 2 * list->room : 64;
        use_bytes((room - list->room) * sizeof *list->entries);
        list->entries = realloc(list->entries, room * sizeof *list->entries);
        if (!list->entries)
            finish("memory");
        list->room = room;
    }
    list->entries[list->count++] = (struct entry){*state, bits, at};
    pthread_mutex_unlock(&rare);
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

static inline uint64_t hash_of(const struct state *s)
{
    uint64_t hash = 0;

    for (unsigned k = 0; k < WORDS; k++)
        hash = mixed(hash ^ s->w[k]) + k;
    return hash;
}
