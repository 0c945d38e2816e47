/* Cases in the order of their scores: what placements and bootstrap share. */
#ifndef SC_STATS_RANKS_H
#define SC_STATS_RANKS_H

#include "../spinalcord.h"

/* Counts of pairs then fit into 64 bits with room to spare. */
#define SC_CASES_MAX ((int64_t)1 << 29)

typedef struct {
    double score;
    int64_t index;
} sc_ranked;

/* 'out' = the n scores ascending, equal ones by their index; SC_NOT_FINITE for NaN. */
sc_status sc_rank(const double *scores, int64_t n, sc_ranked *out, sc_error *err);

/* SC_BAD_SHAPE unless 1 <= n <= SC_CASES_MAX, SC_BAD_VALUE unless both classes occur. */
sc_status sc_check_classes(const uint8_t *positive, int64_t n, int64_t *n_positive,
                           sc_error *err);

#endif
