/* The states of a level, in chunks, in the order in which they were met. */

#ifndef CHUNK                  /* tests have less */
#define CHUNK 4096             /* states that are allocated together */
#endif

struct chunk {
    struct chunk *next;
    unsigned count;
    struct source states[CHUNK];
};

struct level {
    struct chunk *first, *last;
    uint64_t count;
};

static struct level this_level, *levels;
static _Thread_local struct level next_level;   /* of each thread: the part that it found */
static uint64_t ahead;                          /* states of the next level */
static struct chunk *spare;

/* How many states are still to be expanded. */
static uint64_t waiting(void)
{
    return NOW(queue) + NOW(ahead);
}

/* Puts one level behind another. */
static void join(struct level *to, const struct level *more)
{
    if (!more->first)
        return;
    if (to->last)
        to->last->next = more->first;
    else
        to->first = more->first;
    to->last = more->last;
    to->count += more->count;
}

static struct source *room_in(struct level *to)
{
    if (!to->last || to->last->count == CHUNK) {
        pthread_mutex_lock(&rare);
        struct chunk *chunk = spare;
        if (chunk)
            spare = chunk->next;
        else
            chunk = allocate(sizeof *chunk);
        pthread_mutex_unlock(&rare);
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
