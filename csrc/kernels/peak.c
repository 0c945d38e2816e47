/* Which products are the peak of a precision on this CPU, and how fast they are. */
#include "peak.h"

#include "../base/clock.h"
#include "../spinalcord.h"

#include <stddef.h>

static sc_peak_fn choose(sc_isa isa, sc_precision precision)
{
    if (precision == SC_PRECISION_F32) {
        if (isa >= SC_ISA_AVX512) return sc_peak_f32_avx512;
        return isa == SC_ISA_AVX2 ? sc_peak_f32_avx2 : NULL;
    }
    if (precision == SC_PRECISION_BF16) {
        if (isa == SC_ISA_AMX) return sc_peak_bf16_amx;
        return isa == SC_ISA_AVX512_BF16 ? sc_peak_bf16_avx512 : NULL;
    }
    if (precision != SC_PRECISION_INT8 || !sc_isa_has_int8(isa)) return NULL;
    if (isa == SC_ISA_AMX) return sc_peak_u8_amx;
    return isa == SC_ISA_AVX2 ? sc_peak_u8_avx2 : sc_peak_u8_avx512;
}

double sc_cpu_peak(sc_precision precision, double seconds)
{
    enum { ROUNDS = 20000 }; /* well under a millisecond */
    const sc_peak_fn run = choose(sc_cpu_isa(), precision);
    double best = 0.0;
    if (run == NULL) return 0.0;
    const double end = sc_seconds_now() + seconds;
    do {
        const double begin = sc_seconds_now(), macs = run(ROUNDS);
        const double rate = macs / (sc_seconds_now() - begin);
        if (rate > best) best = rate;
    } while (sc_seconds_now() < end);
    return best;
}
