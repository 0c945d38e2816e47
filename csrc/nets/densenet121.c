/* DenseNet121 (Huang et al. 2017, "Densely Connected Convolutional Networks") with a
 * small head: norm5, ReLU, mean, 1024 -> 128 ReLU -> 2, softmax.
 *
 * A dense block is one buffer: each layer reads the channels so far and writes its 32
 * behind them, so nothing is ever concatenated.  norm2 is folded into conv1 and norm0
 * into conv0; norm1 stands before a ReLU and is applied while conv1's input is packed.
 * The transition's mean over 2 x 2 commutes with its 1 x 1 convolution, and before it
 * costs a quarter of the products.
 */
#include "densenet121.h"

#include "../base/memory.h"
#include "../base/status.h"

#include <inttypes.h>

static void destroy(void *model)
{
    sc_densenet *net = model;
    if (net == NULL) return;
    sc_dense_release(net);
    sc_dense_back_destroy(net->back);
    sc_free(net);
}

static sc_status create(const sc_net_config *config, const sc_engine *engine,
                        sc_source *source, void **model, sc_error *err)
{
    *model = NULL;
    sc_densenet *net = sc_calloc(sizeof *net);
    if (net == NULL) return sc_fail(err, SC_NOMEM, "no memory for DenseNet121");
    const sc_status status = sc_dense_take(net, config, engine, source, err);
    if (status == SC_OK) {
        *model = net;
    } else {
        destroy(net);
    }
    return status;
}

static sc_status check_size(int64_t h, int64_t w, sc_error *err)
{
    if (h >= 32 && w >= 32 && h <= 4096 && w <= 4096) return SC_OK;
    return sc_fail(
        err, SC_BAD_SHAPE,
        "DenseNet121 takes images from 32 to 4096 pixels a side; got %" PRId64
        " x %" PRId64,
        h, w);
}

static sc_status shape(const sc_net_config *config, sc_output output, sc_layer layer,
                       int64_t h, int64_t w, sc_shape *out, sc_error *err)
{
    (void)err;
    sc_dense_maps maps;
    sc_dense_sizes(h, w, &maps);
    if (output == SC_OUTPUT_PROBABILITIES) {
        *out = (sc_shape){1, {config->outputs}};
        return SC_OK;
    }
    if (output == SC_OUTPUT_LAYER && layer == SC_LAYER_INPUT) {
        *out = (sc_shape){3, {config->in_channels, h, w}};
        return SC_OK;
    }
    const bool last = output != SC_OUTPUT_LAYER || layer == SC_LAYER_LAST;
    const int b = last ? DENSE_N_BLOCKS - 1 : (int)layer - 1;
    const int64_t n = output == SC_OUTPUT_CAMS ? config->outputs : SC_DENSE_OUT[b];
    *out = output == SC_OUTPUT_CAM ? (sc_shape){2, {maps.h[b], maps.w[b]}}
                                   : (sc_shape){3, {n, maps.h[b], maps.w[b]}};
    return SC_OK;
}

static void build(const void *model, sc_plan *plan, int64_t h, int64_t w)
{
    const sc_densenet *net = model;
    sc_dense_maps maps;
    sc_dense_forward(net, plan, h, w, &maps);
    sc_plan_custom(plan, "head", "head", (sc_view){maps.block[DENSE_N_BLOCKS - 1], 0},
                   sc_head_run, net->head, 2.0 * (1024 * 128 + 128 * 2));
}

const sc_architecture sc_densenet121 = {create, destroy,       check_size,       build,
                                        shape,  sc_dense_need, sc_dense_backward};
