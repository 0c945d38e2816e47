/* The tables of kernels, by instruction set and precision. */
#include "engine.h"

#include "../base/status.h"

static const char *const NEEDS_BF16 = "precision bf16 needs a CPU with avx512_bf16 (or "
                                      "amx_bf16); this one has %s; use f32";

static const char *const NEEDS_INT8 = "precision int8 needs a CPU with avx_vnni, "
                                      "avx512_vnni or amx_int8; this one has %s "
                                      "without them; use f32 or bf16";

static sc_status check(sc_isa isa, sc_precision precision, sc_error *err)
{
    const sc_isa best = sc_cpu_isa();
    if (precision < SC_PRECISION_F32 || precision > SC_PRECISION_INT8) {
        return sc_fail(err, SC_BAD_VALUE,
                       "precision %d is unknown; expected f32, bf16 or int8",
                       (int)precision);
    }
    if (isa < SC_ISA_BASE || isa > SC_ISA_AMX) {
        return sc_fail(err, SC_BAD_VALUE, "instruction set %d is unknown", (int)isa);
    }
    if (isa > best) {
        return sc_fail(err, SC_UNSUPPORTED,
                       "instruction set %s was requested; this CPU has %s",
                       sc_isa_name(isa), sc_isa_name(best));
    }
    if (precision == SC_PRECISION_BF16 && isa < SC_ISA_AVX512_BF16) {
        return sc_fail(err, SC_UNSUPPORTED, NEEDS_BF16, sc_isa_name(isa));
    }
    if (precision == SC_PRECISION_INT8 && !sc_isa_has_int8(isa)) {
        return sc_fail(err, SC_UNSUPPORTED, NEEDS_INT8, sc_isa_name(isa));
    }
    return SC_OK;
}

static void choose_bf16(sc_engine *engine)
{
    engine->item_nbytes = 2;
    engine->pitch_multiple = 32;
    engine->pointwise = &sc_pointwise_bf16_avx512;
    if (engine->isa == SC_ISA_AMX) {
        engine->conv = sc_conv_bf16_amx;
        engine->conv_name = "own:bf16_amx";
        engine->thread_begin = sc_amx_begin;
        engine->thread_end = sc_amx_end;
        engine->macs_a_cycle = 300;
        return;
    }
    engine->conv = sc_conv_bf16_avx512;
    engine->conv_name = "own:bf16_avx512";
    engine->winograd = &sc_winograd_bf16_avx512;
    engine->macs_a_cycle = 56;
}

static void choose_f32(sc_engine *engine)
{
    engine->item_nbytes = 4;
    engine->pitch_multiple = 16;
    if (engine->isa >= SC_ISA_AVX512) {
        engine->conv = sc_conv_f32_avx512;
        engine->conv_name = "own:f32_avx512";
        engine->winograd = &sc_winograd_f32_avx512;
        engine->pointwise = &sc_pointwise_f32_avx512;
        engine->macs_a_cycle = 28;
        return;
    }
    if (engine->isa == SC_ISA_AVX2) {
        engine->conv = sc_conv_f32_avx2;
        engine->conv_name = "own:f32_avx2";
        engine->winograd = &sc_winograd_f32_avx2;
        engine->pointwise = &sc_pointwise_f32_avx2;
        engine->macs_a_cycle = 14;
        return;
    }
    engine->conv_name = "onednn";
    engine->pointwise = &sc_pointwise_f32_base;
    engine->macs_a_cycle = 7;
}

/* Beside what computes the other layers. */
static void choose_int8(sc_engine *engine)
{
    engine->u8_values = 4;
    engine->pointwise_u8 = &sc_pointwise_u8_avx512;
    engine->conv_u8 = sc_conv_u8_avx512;
    engine->conv_u8_name = "own:u8_avx512";
    if (engine->isa == SC_ISA_AMX) {
        engine->u8_values = 64;
        engine->conv_u8 = sc_conv_u8_amx;
        engine->conv_u8_name = "own:u8_amx";
    }
    if (engine->isa == SC_ISA_AVX2) {
        engine->pointwise_u8 = &sc_pointwise_u8_avx2;
        engine->conv_u8 = sc_conv_u8_avx2;
        engine->conv_u8_name = "own:u8_avx2";
    }
}

sc_status sc_engine_choose(sc_isa isa, sc_precision precision, sc_engine *out,
                           sc_error *err)
{
    if (isa == SC_ISA_AUTO) isa = sc_cpu_isa();
    const sc_status status = check(isa, precision, err);
    if (status != SC_OK) return status;
    const bool int8 = precision == SC_PRECISION_INT8;
    const bool bf16 = precision == SC_PRECISION_BF16 ||
                      (int8 && isa >= SC_ISA_AVX512_BF16);
    *out = (sc_engine){.isa = isa, .bf16 = bf16};
    if (int8) choose_int8(out);
    if (out->bf16) {
        choose_bf16(out);
    } else {
        choose_f32(out);
    }
    return SC_OK;
}

sc_status sc_engine_choose_onednn(sc_isa isa, sc_precision precision, sc_engine *out,
                                  sc_error *err)
{
    const sc_status status = sc_engine_choose(isa, precision, out, err);
    if (status != SC_OK) return status;
    out->conv = out->conv_u8 = NULL;
    out->conv_name = "onednn";
    out->u8_values = 4; /* whole kernel rows are nothing to it */
    out->winograd = NULL;
    out->thread_begin = out->thread_end = NULL; /* it sets tiles up itself */
    return SC_OK;
}
