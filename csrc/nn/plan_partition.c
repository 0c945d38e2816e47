/* How a convolution is divided among threads: into rows x blocks of channels.
 *
 * Threads that share rows read the same input and each its own weights; threads that
 * share blocks, the other way round.  All cuts are tried against a model of the busiest
 * thread's cycles.  Any cut gives the same bits: a sum is never divided.
 */
#include "plan_internal.h"

/* Cycles of the busiest thread when the step is cut into row_parts x block_parts: its
 * products, and its share of the weights once from beyond L2 at about 10 bytes a cycle. */
static double cost(const sc_plan *plan, const plan_step *step, int row_parts,
                   int block_parts)
{
    const int64_t blocks = sc_conv_blocks(step->c);
    const int64_t rows = (step->h + row_parts - 1) / row_parts;
    const int64_t share = (blocks + block_parts - 1) / block_parts;
    double cycles = 0.0;
    for (int i = 0; i < 2; i++) {
        const sc_conv_weights *w = step->conv.wei[i];
        if (w == NULL) continue;
        const double reduction = (double)(w->n_taps * w->kc);
        const double macs = (double)(rows * step->w * share * SC_LANES) * reduction;
        const double bytes = reduction * (double)(share * SC_LANES) *
                             (double)plan->engine.item_nbytes;
        /* One block alone uses each loaded pixel once only. */
        cycles += macs / plan->engine.macs_a_cycle * (share == 1 ? 1.2 : 1.0) +
                  bytes / 10.0;
        if (step->conv.normed) {
            cycles += (double)(rows * step->w) * reduction /
                      (step->conv.mean2 ? 2.0 : 8.0);
        }
    }
    return cycles;
}

/* Blocks that fill whole cache lines of the output, or 0 where it begins within one:
 * threads that write to the same line wait for each other at every pixel. */
static int64_t block_unit(const sc_plan *plan, const plan_step *step)
{
    const int64_t item = (int64_t)plan->buffers[step->dst].item_nbytes;
    if (step->conv.dst.channel * item % SC_ALIGN != 0) return 0;
    return sc_max(1, SC_ALIGN / (SC_LANES * item));
}

void plan_partition(const sc_plan *plan, plan_step *step)
{
    /* Each thread transforms its own input; oneDNN takes all blocks at once. */
    if (step->conv.winograd || sc_engine_is_onednn(&plan->engine)) return;
    const int64_t unit = block_unit(plan, step);
    if (unit == 0) return;
    step->block_unit = unit;
    double best = cost(plan, step, plan->n_threads, 1);
    for (int parts = 2; parts <= plan->n_threads; parts++) {
        if (sc_conv_blocks(step->c) < parts * unit) break;
        const int rows = plan->n_threads / parts;
        const double cycles = cost(plan, step, rows, parts);
        /* Each part reads the whole input: it must win by more than the model errs. */
        if (cycles >= 0.9 * best) continue;
        best = cycles;
        step->row_parts = rows;
        step->block_parts = parts;
    }
}

plan_share plan_share_of(const plan_step *step, int thread)
{
    const int part = thread / step->block_parts, side = thread % step->block_parts;
    if (part >= step->row_parts) return (plan_share){0, 0, 0, 0};
    const int64_t blocks = sc_conv_blocks(step->c);
    return (plan_share){
        part_begin(step->h, part, step->row_parts, step->row_unit),
        part_begin(step->h, part + 1, step->row_parts, step->row_unit),
        part_begin(blocks, side, step->block_parts, step->block_unit),
        part_begin(blocks, side + 1, step->block_parts, step->block_unit),
    };
}
