/* Of states that differ in nothing but an exchange of elements and processes, one for all. */

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
        struct piece *last = piece_count ? &pieces[piece_count - 1] : NULL;
        if (last && parts[n].word == last->word
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
    if (best && !NOW(exchanged[best]))
        SET(exchanged[best], 1);
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
