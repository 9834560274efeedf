/* What tcc lacks of the C of the native engine, for a search in one thread. */
#define _Thread_local
#define __ATOMIC_RELAXED 0
#define __ATOMIC_ACQUIRE 0
#define __ATOMIC_RELEASE 0
#define __ATOMIC_SEQ_CST 0
#define __atomic_thread_fence(order) ((void)0)
#define __atomic_load_n(at, order) (*(at))
#define __atomic_store_n(at, value, order) (*(at) = (value))
#define __atomic_add_fetch(at, more, order) (*(at) += (more))
#define __atomic_sub_fetch(at, less, order) (*(at) -= (less))
#define __atomic_compare_exchange_n(at, expected, value, weak, order, otherwise) \
    (*(at) == *(expected) ? (*(at) = (value), 1) : (*(expected) = *(at), 0))
#define __builtin_prefetch(...) ((void)0)
#define __builtin_ctz(x) trailing_zeros(x)
#define __builtin_ctzl(x) trailing_zeros(x)
#define HIGH_HALF(a, b) high_half(a, b)

static inline int trailing_zeros(unsigned long x)
{
    int n = 0;
    for (; !(x & 1); x >>= 1)
        n++;
    return n;
}

static inline unsigned long high_half(unsigned long a, unsigned long b)
{
    unsigned long a1 = a >> 32, a0 = a & 0xffffffffUL, b1 = b >> 32, b0 = b & 0xffffffffUL;
    unsigned long middle = (a0 * b0 >> 32) + (a0 * b1 & 0xffffffffUL) + (a1 * b0 & 0xffffffffUL);
    return a1 * b1 + (a0 * b1 >> 32) + (a1 * b0 >> 32) + (middle >> 32);
}
