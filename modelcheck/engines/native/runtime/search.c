/* The search: level by level, in as many threads as pay.
 *
 * Standard input and output are text.  In: `initial WORD...` for each initial state, and for --paths
 * the ends of paths: `final WORD...`, `failing WORD...`.  Out: `progress` lines, then what was found.
 */

#pragma GCC push_options
#ifdef __OPTIMIZE__
#pragma GCC optimize("O1")   /* where most time is spent */
#endif
#include "found.c"
#include "keys.c"
#include "levels.c"
#include "exchange.c"
#include "step.c"
#include "stuck.c"
#pragma GCC pop_options
#pragma GCC push_options
#pragma GCC optimize("O0")   /* where hardly any is, but the compiler's */
#include "back.c"
#pragma GCC pop_options

#ifndef PAYS                   /* tests have less */
#define PAYS 50000             /* states of a level: from so many on other threads help */
#endif
#define MOST_THREADS 256

static bool wants_deadlock = true;
static bool asks_all;                  /* who is stuck is asked of every state */
static unsigned jobs = 1;              /* threads, at most */

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec * 1e-9;
}

/* A limit is met.  What was found on this level, before it, is found. */
static void stop(const char *limit)
{
    pthread_mutex_lock(&rare);
    finish(violating.count || faulting.count ? "violated" : limit);
}

static void look_at_the_clock(void)
{
    static double shown;
    double t = now();

    if (interrupted)
        stop("interrupted");
    if (t - began >= most_seconds)
        stop("seconds");
    if (t - shown > 0.1) {
        shown = t;
        printf("progress %lu %u %lu %lu\n", NOW(states), level, waiting(), NOW(transitions));
        fflush(stdout);
    }
}

/* The next chunk of this level. */
static struct chunk *next_chunk(void)
{
    pthread_mutex_lock(&rare);
    struct chunk *chunk = this_level.first;
    if (chunk)
        this_level.first = chunk->next;
    pthread_mutex_unlock(&rare);
    return chunk;
}

static void expand_chunk(const struct chunk *chunk, bool decides, bool looks)
{
    for (unsigned done = 0; done < chunk->count; done += BATCH) {
        unsigned count = chunk->count - done < BATCH ? chunk->count - done : BATCH;
        if (NOW(states) > most_states)
            stop("states");
        if (looks && done % (16 * BATCH) == 0)
            look_at_the_clock();
        sources = &chunk->states[done];
        expand(count);
        flush();
        ADD(queue, -(uint64_t)count);
        for (unsigned n = 0; n < count && decides; n++) {
            uint64_t to_leave = needed[n] & ~left[n];
            if (leads_on[n] && !asks_all)
                to_leave = 0;
            if (to_leave)
                to_leave = still_to_leave(&sources[n].state, to_leave);
            if (to_leave)
                append(&stuck, &sources[n].state, to_leave, level);
        }
    }
}

/* What a thread does, and what it leaves behind for when it helps again. */
static struct helper {
    pthread_t id;
    struct level found;
    struct memory *remembered;
    bool keeps;
} helpers[MOST_THREADS];

static void be_ready(void)
{
    static _Thread_local struct successor room[PENDING];
    static _Thread_local uint64_t places[BATCH];

    pending = room;
    left = places;
}

static void *help(void *helper)
{
    struct helper *me = helper;

    be_ready();
    remembered = me->remembered;
    for (struct chunk *chunk; (chunk = next_chunk());) {
        expand_chunk(chunk, wants_deadlock && !me->keeps, me == helpers);
        if (me->keeps)
            continue;
        pthread_mutex_lock(&rare);
        chunk->next = spare;
        spare = chunk;
        pthread_mutex_unlock(&rare);
    }
    me->found = next_level;
    me->remembered = remembered;
    next_level = (struct level){0};
    return NULL;
}

/* Expands a level; whether there is another. */
static bool expand_level(bool keep)
{
    queue = this_level.count;
    ahead = 0;
    threads = keep || this_level.count < PAYS ? 1 : jobs;
    if (threads > most_threads)    /* before there are any: one of them may be the one that tells */
        most_threads = threads;
    for (unsigned n = 0; n < threads; n++) {
        helpers[n].keeps = keep;
        if (n && pthread_create(&helpers[n].id, NULL, help, &helpers[n]))
            threads = n;
    }
    help(&helpers[0]);
    for (unsigned n = 0; n < threads; n++) {
        if (n)
            pthread_join(helpers[n].id, NULL);
        join(&next_level, &helpers[n].found);
    }
    threads = 1;
    return next_level.count && !violating.count && !faulting.count;
}

static void begin_with(const struct state *s)
{
    struct successor one = {.state = *s};

    stand_for_all(&one.state);
    look_up(&one, 1, NULL, 0);
}

/* Forgets every state. */
static void forget(void)
{
    memset(keys.at, 0, key_bytes(keys.lines));
    memset(lately, 0, sizeof lately);
    keys.count = states = transitions = level = depth = stuck.count = 0;
}

/* Whoever is stuck in a state is so in all that follow.  So at first it is only asked of those of
 * which no new state follows; if somebody may be stuck there, all is searched again, and asked of
 * every state. */
static void search(const struct list *begins)
{
    for (;;) {
        for (uint64_t n = 0; n < begins->count; n++)
            begin_with(&begins->entries[n].state);
        do {
            this_level = next_level;
            next_level = (struct level){0};
        } while (expand_level(false) && ++level);
        if (violating.count || faulting.count) {
            stuck.count = 0;
            finish("violated");
        }
        if (!stuck.count || asks_all)
            break;
        asks_all = true;
        forget();
    }
    decide_stuck();
    finish("complete");
}

/* Searches up to the level before the ends, keeping every level; then goes back from the ends. */
static void find_paths(uint32_t last, const struct list *begins, struct list *ends,
                       struct list *failing)
{
    for (uint64_t n = 0; n < begins->count; n++)
        begin_with(&begins->entries[n].state);
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

/* Ends when who asked does, however that is. */
static void end_with(pid_t parent)
{
#ifdef __linux__
    prctl(PR_SET_PDEATHSIG, SIGKILL);
#endif
    if (getppid() != parent)
        _exit(1);
}

static void on_signal(int number)
{
    (void)number;
    interrupted = 1;
}

int main(int argc, char **argv)
{
    pthread_mutexattr_t recursive;
    static struct list begins, ends, failing;
    long last = -1;
    char what[16];

    began = now();
    pthread_mutexattr_init(&recursive);
    pthread_mutexattr_settype(&recursive, PTHREAD_MUTEX_RECURSIVE);
    pthread_mutex_init(&rare, &recursive);
    for (int n = 1; n + 1 < argc; n += 2) {
        if (!strcmp(argv[n], "--bytes"))
            most_bytes = strtoull(argv[n + 1], NULL, 10);
        else if (!strcmp(argv[n], "--states"))
            most_states = strtoull(argv[n + 1], NULL, 10);
        else if (!strcmp(argv[n], "--seconds"))
            most_seconds = strtod(argv[n + 1], NULL);
        else if (!strcmp(argv[n], "--deadlock"))
            wants_deadlock = strtol(argv[n + 1], NULL, 10);
        else if (!strcmp(argv[n], "--threads"))
            jobs = strtoul(argv[n + 1], NULL, 10);
        else if (!strcmp(argv[n], "--parent"))
            end_with(strtol(argv[n + 1], NULL, 10));
        else if (!strcmp(argv[n], "--paths"))
            last = strtol(argv[n + 1], NULL, 10);
    }
    signal(SIGINT, on_signal);
    signal(SIGTERM, on_signal);
    for (unsigned n = 0; n < SOMETIMES; n++)
        reached[n] = -1;
    if (jobs > MOST_THREADS)
        jobs = MOST_THREADS;
    be_ready();
    make_tables();
    make_pieces();
    while (scanf("%15s", what) == 1) {
        struct state s;
        for (unsigned k = 0; k < WORDS; k++)
            if (scanf("%lx", &s.w[k]) != 1)
                internal("a state is cut short, word", k);
        append(!strcmp(what, "initial") ? &begins : !strcmp(what, "final") ? &ends : &failing,
               &s, 0, 0);
    }
    if (last >= 0)
        find_paths(last, &begins, &ends, &failing);
    search(&begins);
}
