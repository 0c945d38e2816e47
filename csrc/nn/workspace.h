/* Memory for the maps of plans: lent to a call, then to the next one of any network.
 *
 * In a virtual machine the kernel clears new memory at 1 to 2 GB/s, so that touching the maps
 * of a plan for the first time costs as much as an image, and networks that take turns need no
 * memory each.
 */
#ifndef SC_NN_WORKSPACE_H
#define SC_NN_WORKSPACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct sc_workspace {
    struct sc_workspace *next; /* of those that nobody uses */
    size_t nbytes;
    void *data;
    uint64_t
        layout;   /* of the plans that used it last: sc_workspace_layout; 0: zeroed */
    bool all_f32; /* and whether all their maps are float32 */
} sc_workspace;

/* At least 'nbytes', as the last user left them; NULL without memory.  Of the unused ones
 * the smallest that is large enough; where all are smaller, one of them makes room. */
sc_workspace *sc_workspace_take(size_t nbytes);

/* For later calls, unless so many are unused already.  NULL is fine. */
void sc_workspace_give(sc_workspace *space, int max_unused);

/* Free those that nobody uses. */
void sc_workspace_trim(void);

/* A number for the plans of one size, whose maps lie alike; never 0. */
uint64_t sc_workspace_layout(void);

/* Make it ready for plans of 'layout'.  What other plans left is cleared, unless all maps of
 * both are float32: half of a float may be a NaN in bfloat16, and kernels read past what they
 * use (conv.h). */
void sc_workspace_adopt(sc_workspace *space, uint64_t layout, bool all_f32);

#endif
