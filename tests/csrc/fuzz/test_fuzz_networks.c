/* Any tensors and settings for a network, and any images for those that open. */
#include "fuzz.h"

#include "../nets/networks.h"

static tensors *usual[2];
static sc_net *nets[2];

static void once(void)
{
    for (int i = 0; i < 2 && usual[i] == NULL; i++) {
        usual[i] = tensors_usual(i == 0 ? SC_MULTIRESUNET : SC_DENSENET121);
        nets[i] = tensors_net(usual[i]);
    }
}

static void change_tensor(fuzz_input *in, tensors *t, int64_t n)
{
    sc_tensor *one = &t->tensors[(fuzz_byte(in) * 256 + fuzz_byte(in)) % n];
    const sc_tensor *other = &t->tensors[fuzz_byte(in) % n];
    switch (fuzz_byte(in) % 7) {
    case 0: one->ndim = fuzz_byte(in) % 6; break;
    case 1: one->shape[fuzz_byte(in) % 4] = fuzz_extent(in); break;
    case 2: one->shape[fuzz_byte(in) % 4] = (int64_t)fuzz_double(in); break;
    case 3: one->type = (sc_tensor_type)(fuzz_byte(in) % 4); break;
    case 4: one->name = other->name; break;
    case 5: one->name = "x.num_batches_tracked"; break;
    default: one->name = ""; break;
    }
}

/* Opens only what differs from a network that would open: that takes long. */
static void open_changed(fuzz_input *in)
{
    sc_error err = {0};
    const int kind = fuzz_byte(in) % 2;
    tensors *t = usual[kind];
    static sc_tensor before[TENSORS_MAX];
    memcpy(before, t->tensors, sizeof before);
    sc_net_config c = t->config;
    int64_t n = t->n;
    for (int i = fuzz_byte(in) % 4; i > 0; i--) change_tensor(in, t, n);
    switch (fuzz_byte(in) % 12) {
    case 0: n = fuzz_extent(in); break;
    case 1: n -= fuzz_byte(in) % 3; break;
    case 2: c.in_channels = (int)fuzz_extent(in) - 1; break;
    case 3: c.outputs = (int)fuzz_extent(in) - 1; break;
    case 4: c.norm_eps = (float)fuzz_double(in); break;
    case 5: c.final_norm = false; break;
    case 6: c.precision = (sc_precision)(fuzz_byte(in) % 4); break;
    case 7: c.threads = (int)fuzz_extent(in) - 1; break;
    case 8: c.isa = (sc_isa)(fuzz_byte(in) % 8); break;
    case 9: c.kind = (sc_net_kind)(fuzz_byte(in) % 4); break;
    default: break;
    }
    sc_net *net = NULL;
    if (n >= 0) fuzz_check(sc_net_create(&c, t->tensors, n, &net, &err), &err);
    sc_net_destroy(net);
    memcpy(t->tensors, before, sizeof before);
}

/* Images of any size; the results have exactly the room that sc_net_shape asks for. */
static float *room(const sc_net *net, sc_output output, sc_layer layer, int64_t n,
                   int64_t h, int64_t w)
{
    sc_shape shape;
    if (sc_net_shape(net, output, layer, h, w, &shape, NULL) != SC_OK) return NULL;
    int64_t size = n;
    for (int i = 0; i < shape.n_axes; i++) size *= shape.extents[i];
    return malloc(size > 0 ? (size_t)size * sizeof(float) : 1);
}

static int64_t side(fuzz_input *in)
{
    static const int64_t SIDES[] = {0, -16, 1, 31, 40, 8192, INT64_MAX, INT64_MIN};
    const uint8_t byte = fuzz_byte(in);
    return byte >= 248 ? SIDES[byte - 248] : byte & 1 ? 16 + byte / 4 : 16 << byte % 3;
}

static void run(fuzz_input *in)
{
    sc_error err = {0};
    sc_net *net = nets[fuzz_byte(in) % 2];
    const int64_t channels = net == nets[0] ? 1 : 3;
    const int64_t n = fuzz_byte(in) % 4, h = side(in), w = side(in);
    const sc_layer layer = (sc_layer)(fuzz_byte(in) % 8);
    const bool small = h > 0 && w > 0 && h <= 128 && w <= 128;
    float *images = fuzz_floats(in, small ? n * channels * h * w : 1);
    sc_call call = {
        .pass = (sc_pass)(fuzz_byte(in) % 3), .n = n, .h = h, .w = w, .images = images};
    const uint8_t what = fuzz_byte(in);
    double direction[2] = {fuzz_double(in), fuzz_double(in)};
    const float both[2] = {(float)direction[0], (float)direction[1]};
    call.forward.probabilities = room(net, SC_OUTPUT_PROBABILITIES, layer, n, h, w);
    if (what & 1) call.forward.features = room(net, SC_OUTPUT_FEATURES, layer, n, h, w);
    if (what & 2) call.forward.cam = room(net, SC_OUTPUT_CAM, layer, n, h, w);
    call.forward.cam_index = what >> 2 & 1;
    if (what & 64) call.forward.cams = room(net, SC_OUTPUT_CAMS, layer, n, h, w);
    call.backward =
        (sc_backward){.layer = layer,
                      .probability = what & 8,
                      .direction = both,
                      .activations = room(net, SC_OUTPUT_LAYER, layer, n, h, w),
                      .gradients = room(net, SC_OUTPUT_LAYER, layer, n, h, w)};
    if (small || h > 4096 || w > 4096 || h < 1 || w < 1) {
        fuzz_check(sc_net_run(net, &call, &err), &err);
    }
    free(call.backward.gradients);
    free(call.backward.activations);
    free(call.forward.cams);
    free(call.forward.cam);
    free(call.forward.features);
    free(call.forward.probabilities);
    free(images);
}

static void fuzz_one(fuzz_input *in)
{
    once();
    if (fuzz_byte(in) % 4 == 0)
        run(in);
    else
        open_changed(in);
}

#ifndef FUZZER
int main(void)
{
    const int failed = fuzz_main("tests/fuzz/networks", check_few(150, 40));
    for (int i = 0; i < 2; i++) {
        sc_net_destroy(nets[i]);
        if (usual[i] != NULL) tensors_destroy(usual[i]);
    }
    return failed;
}
#endif
