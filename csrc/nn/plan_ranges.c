/* The least and the largest value that the maps of a network in float32 take: what its
 * version in integers divides into 256 levels. */
#include "plan_internal.h"

static void widen(float *range, float value)
{
    if (value < range[0]) range[0] = value;
    if (value > range[1]) range[1] = value;
}

static const float *pixel(const sc_plan *plan, sc_view view, int64_t y, int64_t x)
{
    return (const float *)plan_at(plan, view, y, x);
}

/* Behind the batch normalisation and the ReLU; of 2 x 2 pixels the mean. */
void plan_range_read(const sc_plan *plan, const plan_step *step, float *range)
{
    const plan_conv *conv = &step->conv;
    if (step->kind != STEP_CONV || !conv->normed) return;
    const int64_t side = conv->mean2 ? 2 : 1;
    for (int64_t i = 0; i < step->h * step->w; i++) {
        const int64_t y = i / step->w * side, x = i % step->w * side;
        for (int64_t c = 0; c < conv->wei[0]->kc; c++) {
            float sum = 0.0f;
            for (int64_t p = 0; p < side * side; p++) {
                const float *at = pixel(plan, conv->src[0], y + p / side, x + p % side);
                const float v = at[c] * conv->norm_scale[c] + conv->norm_shift[c];
                sum += v > 0.0f ? v : 0.0f;
            }
            widen(range, sum / (float)(side * side));
        }
    }
}

void plan_range_written(const sc_plan *plan, const plan_step *step, float *range)
{
    if (step->dst < 0) return;
    const bool is_conv = step->kind == STEP_CONV;
    const sc_view dst = is_conv ? step->conv.dst : (sc_view){step->dst, 0};
    const int64_t stride = is_conv ? step->conv.dst_stride : 1;
    const int64_t y0 = is_conv ? step->conv.dst_y : 0;
    const int64_t x0 = is_conv ? step->conv.dst_x : 0;
    for (int64_t i = 0; i < step->h * step->w; i++) {
        const float *at =
            pixel(plan, dst, y0 + i / step->w * stride, x0 + i % step->w * stride);
        for (int64_t c = 0; c < step->c; c++) widen(range + 2, at[c]);
    }
}
