/* The body of a function of peak.h.  The including file defines PEAK (its name), VECTOR and
 * FACTOR (the types of sums and of what is multiplied), ZERO and A (one of each), DOT (sum[i]
 * and the products), LANES (how many products) and REGISTERS (their constraint).
 */
#include "peak.h"
#include "unroll.h"

#include <immintrin.h>

/* As many sums as hide the latency of the products on two ports. */
enum { SUMS = 12 };

double PEAK(int64_t rounds)
{
    VECTOR sum[SUMS];
    const FACTOR a = A;
    _Pragma("GCC unroll 12") for (int i = 0; i < SUMS; i++) { sum[i] = ZERO; }
    for (int64_t r = 0; r < rounds; r++) {
        _Pragma("GCC unroll 12") for (int i = 0; i < SUMS; i++)
        {
            sum[i] = DOT;
            __asm__ volatile(""
                             : "+" REGISTERS(sum[i])); /* neither dropped nor merged */
        }
    }
    return (double)rounds * SUMS * LANES;
}
