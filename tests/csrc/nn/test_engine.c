/* Which kernels a network gets: by instruction set and precision. */
#include "nn/engine.h"

#include "kernels/conv_ref.h"

#include "check.h"

#include <string.h>

static const sc_isa ISAS[] = {SC_ISA_BASE, SC_ISA_AVX2, SC_ISA_AVX512,
                              SC_ISA_AVX512_BF16, SC_ISA_AMX};

static void check_choice(sc_isa isa, sc_precision precision)
{
    sc_engine engine;
    sc_error err = {0};
    const bool int8 = precision == SC_PRECISION_INT8;
    const bool bf16 = precision == SC_PRECISION_BF16 ||
                      (int8 && isa >= SC_ISA_AVX512_BF16);
    const sc_status status = sc_engine_choose(isa, precision, &engine, &err);
    if (isa > sc_cpu_isa() || (bf16 && isa < SC_ISA_AVX512_BF16) ||
        (int8 && !sc_isa_has_int8(isa))) {
        CHECK_EQ(status, SC_UNSUPPORTED);
        CHECK(strstr(err.text, sc_isa_name(isa)) != NULL);
        return;
    }
    CHECK_EQ(status, SC_OK);
    CHECK_EQ(engine.isa, isa);
    CHECK_EQ(engine.bf16, bf16);
    CHECK_EQ(engine.conv_u8 != NULL, int8);
    CHECK_EQ(engine.conv_u8_name != NULL, int8);
    CHECK(!int8 || (engine.conv_u8 == sc_conv_u8_amx) == (isa == SC_ISA_AMX));
    CHECK(!int8 || (engine.conv_u8 == sc_conv_u8_avx2) == (isa == SC_ISA_AVX2));
    CHECK(!int8 || engine.u8_values == (isa == SC_ISA_AMX ? 64 : 4));
    CHECK_EQ(engine.pointwise_u8 != NULL, int8);
    CHECK_EQ((int)engine.item_nbytes, bf16 ? 2 : 4);
    CHECK_EQ((int64_t)engine.item_nbytes * engine.pitch_multiple, 64);
    CHECK_EQ(engine.conv == NULL, isa < SC_ISA_AVX2);
    CHECK_EQ(engine.thread_begin != NULL, engine.conv == sc_conv_bf16_amx);
    CHECK_EQ(engine.thread_end != NULL, engine.conv == sc_conv_bf16_amx);
    CHECK_EQ(engine.winograd != NULL,
             engine.conv != NULL && engine.conv != sc_conv_bf16_amx);
    CHECK(engine.conv != sc_conv_ref_f32 && engine.conv != sc_conv_ref_bf16);
    CHECK(engine.pointwise != NULL && engine.conv_name != NULL);
    CHECK(engine.macs_a_cycle > 0);
}

static void test_every_choice(void)
{
    for (size_t i = 0; i < sizeof ISAS / sizeof *ISAS; i++) {
        check_choice(ISAS[i], SC_PRECISION_F32);
        check_choice(ISAS[i], SC_PRECISION_BF16);
        check_choice(ISAS[i], SC_PRECISION_INT8);
    }
}

static void test_auto_is_the_best(void)
{
    sc_engine engine;
    CHECK_EQ(sc_engine_choose(SC_ISA_AUTO, SC_PRECISION_F32, &engine, NULL), SC_OK);
    CHECK_EQ(engine.isa, sc_cpu_isa());
    const sc_status status =
        sc_engine_choose(SC_ISA_AUTO, SC_PRECISION_BF16, &engine, NULL);
    CHECK(status == (sc_cpu_has_bf16() ? SC_OK : SC_UNSUPPORTED));
}

static void test_onednn_on_request(void)
{
    sc_engine engine, own;
    CHECK_EQ(sc_engine_choose_onednn(SC_ISA_AUTO, SC_PRECISION_F32, &engine, NULL),
             SC_OK);
    CHECK_EQ(sc_engine_choose(SC_ISA_AUTO, SC_PRECISION_F32, &own, NULL), SC_OK);
    CHECK(sc_engine_is_onednn(&engine));
    CHECK(engine.winograd == NULL);
    CHECK_EQ(engine.isa, own.isa);
    CHECK_EQ(engine.pointwise == own.pointwise, true);
    const sc_status status =
        sc_engine_choose_onednn(SC_ISA_AUTO, SC_PRECISION_INT8, &engine, NULL);
    CHECK(status == (sc_isa_has_int8(own.isa) ? SC_OK : SC_UNSUPPORTED));
    CHECK(status != SC_OK || (engine.conv_u8 == NULL && engine.pointwise_u8 != NULL));
    CHECK_EQ(sc_engine_choose_onednn((sc_isa)99, SC_PRECISION_F32, &engine, NULL),
             SC_BAD_VALUE);
}

static void test_nonsense(void)
{
    sc_engine engine;
    sc_error err;
    CHECK_EQ(sc_engine_choose(SC_ISA_AUTO, (sc_precision)4, &engine, &err),
             SC_BAD_VALUE);
    CHECK(strstr(err.text, "4") != NULL);
    CHECK_EQ(sc_engine_choose((sc_isa)99, SC_PRECISION_F32, &engine, &err),
             SC_BAD_VALUE);
    CHECK(strstr(err.text, "99") != NULL);
}

int main(void)
{
    test_every_choice();
    test_auto_is_the_best();
    test_onednn_on_request();
    test_nonsense();
    return check_end();
}
