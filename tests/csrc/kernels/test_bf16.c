/* bfloat16: rounding to nearest, ties to even, against arithmetic in double. */
#include "kernels/bf16.h"

#include "check.h"
#include "random.h"

static float from_bits(uint32_t bits)
{
    float v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

static uint32_t to_bits(float v)
{
    uint32_t bits;
    memcpy(&bits, &v, sizeof bits);
    return bits;
}

/* The nearer of the two neighbours, or the even one; beyond the largest finite value
 * the next power of two stands for infinity. */
static uint16_t rounded(float v)
{
    const uint32_t bits = to_bits(v) & 0x7fffffffu;
    const uint16_t sign = (uint16_t)(to_bits(v) >> 31 << 15),
                   low = (uint16_t)(bits >> 16);
    const double below = (double)sc_from_bf16(low);
    const double above = low == 0x7f7f ? 0x1p128
                                       : (double)sc_from_bf16((uint16_t)(low + 1));
    const double d = fabs((double)v) - below, u = above - fabs((double)v);
    const bool up = d > u || (d == u && (low & 1u));
    return (uint16_t)(sign | (low + up));
}

static void test_all_values_come_back(void)
{
    for (uint32_t i = 0; i <= 0xffff; i++) {
        const uint16_t value = (uint16_t)i;
        const float v = sc_from_bf16(value);
        CHECK_EQ(to_bits(v), i << 16);
        if (isnan(v))
            CHECK_EQ(sc_to_bf16(v), value | 0x40);
        else
            CHECK_EQ(sc_to_bf16(v), value);
    }
}

static void test_rounding(void)
{
    static const uint32_t LOWER[] = {0, 1, 0x7fff, 0x8000, 0x8001, 0xffff};
    /* Every upper half that is finite, subnormals among them, of both signs. */
    for (uint32_t i = 0; i <= 0xffff; i++) {
        if ((i & 0x7f80u) == 0x7f80u) continue;
        for (int j = 0; j < 6; j++) {
            const float v = from_bits(i << 16 | LOWER[j]);
            CHECK_EQ(sc_to_bf16(v), rounded(v));
        }
    }
    generator g = {1};
    for (int i = 0; i < 100000; i++) {
        const float v = from_bits((uint32_t)next_bits(&g));
        if (isfinite(v)) CHECK_EQ(sc_to_bf16(v), rounded(v));
    }
    CHECK_EQ(sc_to_bf16(1.00390625f), 0x3f80);   /* a tie, down to even */
    CHECK_EQ(sc_to_bf16(1.01171875f), 0x3f82);   /* a tie, up to even */
    CHECK_EQ(sc_to_bf16(3.4028235e38f), 0x7f80); /* FLT_MAX overflows */
    CHECK_EQ(sc_to_bf16(-0.0f), 0x8000);
}

static void test_not_finite(void)
{
    CHECK_EQ(sc_to_bf16(INFINITY), 0x7f80);
    CHECK_EQ(sc_to_bf16(-INFINITY), 0xff80);
    /* Payloads that rounding alone would carry into infinity or into zero. */
    static const uint32_t NANS[] = {0x7f800001, 0x7fffffff, 0xff800001, 0xffffffff,
                                    0x7fc00000, 0x7f80ffff, 0x7fff8000};
    for (int i = 0; i < 7; i++) {
        const float back = sc_from_bf16(sc_to_bf16(from_bits(NANS[i])));
        CHECK(isnan(back));
        CHECK_EQ(to_bits(back) >> 31, NANS[i] >> 31);
    }
}

int main(void)
{
    test_all_values_come_back();
    test_rounding();
    test_not_finite();
    return check_end();
}
