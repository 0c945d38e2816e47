/* Which kernels a network runs on: chosen once, when it is created. */
#ifndef SC_NN_ENGINE_H
#define SC_NN_ENGINE_H

#include "../kernels/conv.h"
#include "../kernels/pointwise.h"
#include "../kernels/winograd.h"

typedef struct {
    sc_isa isa;
    bool bf16;              /* activations and weights; else float32 */
    size_t item_nbytes;     /* of an activation */
    int64_t pitch_multiple; /* channels of a pixel are padded to it: one cache line */
    sc_conv_fn conv;        /* NULL: convolutions are oneDNN's (conv_onednn.h) */
    const char *conv_name;
    sc_conv_fn conv_u8; /* of layers in integers; NULL: there are none, or oneDNN's */
    const char *conv_u8_name;
    int64_t u8_values;                /* that one of its instructions sums */
    const sc_pointwise *pointwise_u8; /* of maps of bytes; NULL: there are none */
    const sc_winograd *winograd;      /* for large 3 x 3 convolutions; may be NULL */
    void (*thread_begin)(void);       /* round each job, on its thread; may be NULL */
    void (*thread_end)(void);
    const sc_pointwise *pointwise;
    double macs_a_cycle; /* multiply-adds of one thread, roughly: to weigh partitions */
} sc_engine;

/* Return whether convolutions are oneDNN's: the only place that decides it. */
static inline bool sc_engine_is_onednn(const sc_engine *engine)
{
    return engine->conv == NULL;
}

/* The engine for 'isa' (SC_ISA_AUTO: the best here).  SC_UNSUPPORTED where the CPU
 * lacks the instruction set, or the set lacks the precision. */
sc_status sc_engine_choose(sc_isa isa, sc_precision precision, sc_engine *out,
                           sc_error *err);

/* The same with convolutions by oneDNN, on CPUs that have kernels of our own too. */
sc_status sc_engine_choose_onednn(sc_isa isa, sc_precision precision, sc_engine *out,
                                  sc_error *err);

#endif
