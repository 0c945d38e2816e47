/* Counter-based random numbers: number i of stream r depends on seed, r and i alone,
 * so that any number of threads draws the same.  The output function is SplitMix64's
 * (Steele, Lea and Flood, OOPSLA 2014).
 */
#ifndef SC_STATS_RANDOM_H
#define SC_STATS_RANDOM_H

#include "../spinalcord.h"

#define SC_RANDOM_STEP 0x9e3779b97f4a7c15u

static inline uint64_t sc_random_mix(uint64_t x)
{
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

/* The state from which a stream starts.  Mixed twice, so that the streams of
 * neighbouring replicates do not overlap. */
static inline uint64_t sc_random_start(uint64_t seed, int64_t replicate)
{
    const uint64_t key = sc_random_mix(seed + SC_RANDOM_STEP);
    return sc_random_mix(key + SC_RANDOM_STEP * (uint64_t)replicate);
}

/* The next number from 0 to size - 1: the high half of a 64 x 64 bit product, whose
 * bias is below size / 2^64. */
static inline int64_t sc_random_below(uint64_t *state, int64_t size)
{
    const uint64_t bits = sc_random_mix(*state += SC_RANDOM_STEP);
    return (int64_t)(((unsigned __int128)bits * (uint64_t)size) >> 64);
}

#endif
