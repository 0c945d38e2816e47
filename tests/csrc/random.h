/* Seeded numbers for the C tests: the same on every machine (SplitMix64). */
#ifndef SC_TESTS_RANDOM_H
#define SC_TESTS_RANDOM_H

#include <stdint.h>

typedef struct {
    uint64_t state;
} generator;

static inline uint64_t next_bits(generator *g)
{
    uint64_t z = (g->state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* An integer from 'low' to 'high', both included. */
static inline int64_t next_int(generator *g, int64_t low, int64_t high)
{
    return low + (int64_t)(next_bits(g) % (uint64_t)(high - low + 1));
}

static inline int next_bool(generator *g) { return (int)(next_bits(g) >> 63); }

/* In [low, high), 24 bits of it. */
static inline float next_real(generator *g, float low, float high)
{
    return low + (high - low) * (float)(next_bits(g) >> 40) * 0x1p-24f;
}

#endif
