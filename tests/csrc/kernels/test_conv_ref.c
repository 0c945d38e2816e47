/* The naive convolution, which the kernels are compared with, against plain loops over
 * planes; and the packing of weights. */
#include "kernels/conv_ref.h"

#include "kernels/bf16.h"
#include "kernels/conv_pack.h"

#include "check.h"
#include "random.h"

/* 3 x 3 and ReLU, + 1 x 1, + scaled map, ReLU, Norm, on planes. */
static void test_reference(void)
{
    enum { OC = 18, IC = 3, H = 4, W = 5 };
    float src[IC][H + 2][W + 2], wei[OC][3][3][IC], one[OC][IC],
        src_last[H + 2][W + 2][IC];
    float packed[2 * 9 * IC * 16], packed_one[2 * IC * 16], dst[H][W][OC],
        add[H][W][OC];
    float channels[5][32] = {{0}};
    generator g = {7};
    for (int i = 0; i < IC * (H + 2) * (W + 2); i++)
        (&src[0][0][0])[i] = (float)next_int(&g, -3, 3);
    for (int i = 0; i < OC * 9 * IC; i++)
        (&wei[0][0][0][0])[i] = (float)next_int(&g, -3, 3);
    for (int i = 0; i < OC * IC; i++) (&one[0][0])[i] = (float)next_int(&g, -3, 3);
    for (int i = 0; i < H * W * OC; i++)
        (&add[0][0][0])[i] = (float)next_int(&g, -3, 3);
    for (int i = 0; i < 5 * 32; i++) (&channels[0][0])[i] = (float)next_int(&g, -9, 9);
    for (int c = 0; c < IC; c++) {
        for (int i = 0; i < (H + 2) * (W + 2); i++)
            (&src_last[0][0][0])[i * IC + c] = (&src[c][0][0])[i];
    }
    sc_conv_pack_f32(&wei[0][0][0][0], OC, 3, 3 * IC, packed);
    sc_conv_pack_f32(&one[0][0], OC, 1, IC, packed_one);
    const sc_conv conv = {
        .n_phases = 2,
        .phase = {{src_last,
                   (W + 2) * IC,
                   IC,
                   3,
                   {0, (W + 2) * IC, 2 * (W + 2) * IC},
                   3 * IC,
                   packed,
                   9 * IC * 16},
                  {src_last[1][1], (W + 2) * IC, IC, 1, {0}, IC, packed_one, IC * 16}},
        .mid_bias = channels[0],
        .bias = channels[1],
        .relu = true,
        .post_scale = channels[2],
        .post_shift = channels[3],
        .add_scale = channels[4],
        .add = add,
        .add_row = W * OC,
        .add_step = OC,
        .dst = dst,
        .dst_row = W * OC,
        .dst_step = OC,
        .channels = OC,
        .n_blocks = 2,
        .rows = H,
        .columns = W};
    sc_conv_ref_f32(&conv, 0, H, 0, 2);
    int n_nonzero = 0;
    for (int c = 0; c < OC; c++) {
        for (int i = 0; i < H * W; i++) {
            const int y = i / W, x = i % W;
            float sum = channels[4][c] * add[y][x][c] + channels[0][c],
                  shortcut = channels[1][c];
            for (int k = 0; k < IC; k++) {
                for (int t = 0; t < 9; t++) {
                    sum += wei[c][t / 3][t % 3][k] * src[k][y + t / 3][x + t % 3];
                }
                shortcut += one[c][k] * src[k][y + 1][x + 1];
            }
            const float out = fmaxf(fmaxf(sum, 0.0f) + shortcut, 0.0f);
            CHECK_EQ(dst[y][x][c], out * channels[2][c] + channels[3][c]);
            n_nonzero += out != 0.0f;
        }
    }
    CHECK(n_nonzero > H * W * OC / 4);
}

static void test_packing(void)
{
    enum { OC = 19, TAPS = 2, KC = 5 };
    float wei[OC * TAPS * KC];
    for (int i = 0; i < OC * TAPS * KC; i++) wei[i] = (float)(i + 1);
    CHECK_EQ(sc_conv_packed_f32(OC, TAPS, KC), 2 * TAPS * KC * 16);
    CHECK_EQ(sc_conv_packed_bf16(OC, TAPS, KC), 2 * TAPS * 32 * 16);
    float f32[2 * TAPS * KC * 16];
    uint16_t bf16[2 * TAPS * 32 * 16];
    sc_conv_pack_f32(wei, OC, TAPS, KC, f32);
    sc_conv_pack_bf16(wei, OC, TAPS, KC, bf16);
    for (int c = 0; c < 32; c++) {
        for (int t = 0; t < TAPS; t++) {
            for (int k = 0; k < 32; k++) {
                const bool real = c < OC && k < KC;
                const float want = real ? wei[(c * TAPS + t) * KC + k] : 0.0f;
                const int pair = ((c / 16 * TAPS + t) * 16 + k / 2) * 16 + c % 16;
                CHECK_EQ(sc_from_bf16(bf16[pair * 2 + k % 2]), want);
                if (k < KC)
                    CHECK_EQ(f32[((c / 16 * TAPS + t) * KC + k) * 16 + c % 16], want);
            }
        }
    }
}

int main(void)
{
    test_packing();
    test_reference();
    return check_end();
}
