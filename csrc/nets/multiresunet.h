/* MultiResUNet's weights, which multiresunet_weights.c makes and multiresunet.c uses. */
#ifndef SC_NETS_MULTIRESUNET_H
#define SC_NETS_MULTIRESUNET_H

#include "model.h"

enum { MULTIRES_N_LEVELS = 5, MULTIRES_N_SKIPS = 4, MULTIRES_N_UNITS = 10 };

/* ResUnits of the skip path of each level, and the width U of each level. */
extern const int SC_MULTIRES_UNITS[MULTIRES_N_SKIPS];
extern const int64_t SC_MULTIRES_WIDTH[MULTIRES_N_LEVELS];

/* A MultiResBlock: three 3 x 3 in a row, whose maps are concatenated, and a shortcut. */
typedef struct {
    int64_t a, b, c, out; /* channels of each, and of all three */
    sc_conv_weights *conv_a, *conv_b, *conv_c, *shortcut;
    float *concat_scale; /* its shift is in the shortcut's bias */
    float *out_scale, *out_shift;
    sc_levels levels; /* of what it puts out; no scale: no bytes */
} sc_multires_block;

/* A ResUnit of a skip path: a 3 x 3 and a 1 x 1. */
typedef struct {
    sc_conv_weights *conv, *shortcut;
    float *out_scale, *out_shift;
    sc_levels levels; /* as of a block */
} sc_multires_unit;

typedef struct {
    int in_channels, outputs;
    bool bytes; /* in all maps but the first block's own and the last one's result */
    sc_levels up_levels[MULTIRES_N_SKIPS];
    sc_multires_block encoder[MULTIRES_N_LEVELS], decoder[MULTIRES_N_SKIPS];
    sc_multires_unit units[MULTIRES_N_UNITS]; /* path.0.0, path.0.1, ... path.3.0 */
    sc_conv_weights *up[MULTIRES_N_SKIPS][4]; /* one for each pixel of 2 x 2 */
    sc_conv_weights *head;
} sc_multiresunet_weights;

/* Channels of a block of the given width. */
void sc_multires_channels(int64_t width, sc_multires_block *block);

/* Fill 'net', which is zeroed, from the tensors of 'source'.  After a failure, too, it is
 * for sc_multires_release, which frees what lies in it. */
sc_status sc_multires_take(sc_multiresunet_weights *net, const sc_net_config *config,
                           const sc_engine *engine, sc_source *source, sc_error *err);
void sc_multires_release(sc_multiresunet_weights *net);

#endif
