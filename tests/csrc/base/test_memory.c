/* Aligned blocks, and products of extents that cannot wrap. */
#include "base/memory.h"

#include "check.h"

static void test_alloc(void)
{
    const size_t sizes[] = {0, 1, 63, 64, 65, 4096, ((size_t)2 << 20) + 1};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        unsigned char *block = sc_calloc(sizes[i]);
        CHECK(block != NULL);
        CHECK_EQ((uintptr_t)block % SC_ALIGN, 0);
        if (sizes[i] >= ((size_t)2 << 20)) CHECK_EQ((uintptr_t)block % (2 << 20), 0);
        if (sizes[i] > 0) CHECK_EQ(block[0] + block[sizes[i] - 1], 0);
        sc_free(block);
    }
    sc_free(NULL);
    CHECK(sc_alloc(SIZE_MAX) == NULL);
    CHECK(sc_calloc(SIZE_MAX - 8) == NULL);
}

static void test_products(void)
{
    size_t out = 0;
    CHECK(sc_mul(3, 5, &out));
    CHECK_EQ(out, 15);
    CHECK(!sc_mul(SIZE_MAX, 2, &out));
    CHECK(sc_add(3, 5, &out));
    CHECK_EQ(out, 8);
    CHECK(!sc_add(SIZE_MAX, 1, &out));
    CHECK(sc_product((const int64_t[]){2, 3, 4}, 3, sizeof(float), &out));
    CHECK_EQ(out, 96);
    CHECK(sc_product(NULL, 0, 8, &out));
    CHECK_EQ(out, 8);
    CHECK(sc_product((const int64_t[]){7, 0}, 2, 8, &out));
    CHECK_EQ(out, 0);
    CHECK(!sc_product((const int64_t[]){2, -1}, 2, 8, &out));
    CHECK(!sc_product((const int64_t[]){INT64_MAX, 4}, 2, 1, &out));
}

static void test_rounding(void)
{
    CHECK_EQ(sc_round_up(0, 16), 0);
    CHECK_EQ(sc_round_up(1, 16), 16);
    CHECK_EQ(sc_round_up(16, 16), 16);
    CHECK_EQ(sc_min(-2, 3), -2);
    CHECK_EQ(sc_max(-2, 3), 3);
}

int main(void)
{
    test_alloc();
    test_products();
    test_rounding();
    return check_end();
}
