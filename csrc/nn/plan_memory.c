/* Where a plan's buffers lie: those whose lives do not overlap share memory. */
#include "plan_internal.h"

#include "../base/status.h"

static bool overlap(const plan_buffer *a, const plan_buffer *b)
{
    /* One type's values are no numbers of another's: kernels read past what they use. */
    const bool in_time = a->item_nbytes != b->item_nbytes ||
                         (a->first <= b->last && b->first <= a->last);
    return in_time && a->offset < b->offset + b->nbytes &&
           b->offset < a->offset + a->nbytes;
}

sc_status plan_place_buffers(sc_plan *plan, sc_error *err)
{
    size_t end = 0;
    for (int round = 0; round < plan->n_buffers; round++) {
        int next = -1;
        for (int i = 0; i < plan->n_buffers; i++) {
            if (plan->buffers[i].offset != SIZE_MAX) continue;
            if (next < 0 || plan->buffers[i].nbytes > plan->buffers[next].nbytes)
                next = i;
        }
        plan_buffer *b = &plan->buffers[next];
        b->offset = 0;
        for (int i = 0; i < plan->n_buffers; i++) {
            const plan_buffer *other = &plan->buffers[i];
            if (i == next || other->offset == SIZE_MAX || !overlap(b, other)) continue;
            b->offset = other->offset + other->nbytes;
            i = -1; /* look again at all of them from the new place */
        }
        if (b->offset > SIZE_MAX / 2 - b->nbytes) {
            return sc_fail(err, SC_BAD_SHAPE, "the maps do not fit into memory");
        }
        if (b->offset + b->nbytes > end) end = b->offset + b->nbytes;
    }
    plan->workspace_nbytes = end;
    return SC_OK;
}
