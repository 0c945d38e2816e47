/* Peaks: as many products as were said, and none where there are no kernels. */
#include "spinalcord.h"

#include "kernels/peak.h"

#include "check.h"

int main(void)
{
    const sc_isa isa = sc_cpu_isa();
    if (isa >= SC_ISA_AVX2) CHECK_EQ(sc_peak_f32_avx2(7), 7.0 * 12 * 8);
    if (isa >= SC_ISA_AVX512) CHECK_EQ(sc_peak_f32_avx512(7), 7.0 * 12 * 16);
    if (isa >= SC_ISA_AVX512_BF16) CHECK_EQ(sc_peak_bf16_avx512(7), 7.0 * 12 * 32);
    if (sc_isa_has_int8(SC_ISA_AVX2)) CHECK_EQ(sc_peak_u8_avx2(7), 7.0 * 12 * 32);
    if (sc_isa_has_int8(SC_ISA_AVX512)) CHECK_EQ(sc_peak_u8_avx512(7), 7.0 * 12 * 64);
    if (isa >= SC_ISA_AMX) CHECK_EQ(sc_peak_bf16_amx(7), 7.0 * 4 * 16 * 16 * 32);
    if (sc_isa_has_int8(SC_ISA_AMX))
        CHECK_EQ(sc_peak_u8_amx(7), 7.0 * 4 * 16 * 16 * 64);
    CHECK_EQ(sc_cpu_peak(SC_PRECISION_F32, 0.0) > 0, isa >= SC_ISA_AVX2);
    CHECK_EQ(sc_cpu_peak(SC_PRECISION_BF16, 0.0) > 0, sc_cpu_has_bf16());
    CHECK_EQ(sc_cpu_peak(SC_PRECISION_INT8, 0.0) > 0, sc_isa_has_int8(isa));
    CHECK_EQ(sc_cpu_peak((sc_precision)9, 0.0), 0.0);
    return check_end();
}
