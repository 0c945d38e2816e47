/* Aligned blocks, and products of extents that cannot wrap. */
#include "base/memory.h"

#include "base/threads.h"

#include "check.h"

#include <string.h>

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

static void test_map(void)
{
    const size_t sizes[] = {0, 1, 4096, 4097, (size_t)2 << 20, ((size_t)6 << 20) + 1};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        unsigned char *block = sc_map_pages(sizes[i]);
        CHECK(block != NULL);
        CHECK_EQ(
            (uintptr_t)block % (sizes[i] >= ((size_t)2 << 20) ? 2 << 20 : SC_ALIGN), 0);
        if (sizes[i] > 0) {
            CHECK_EQ(block[0] + block[sizes[i] / 2] + block[sizes[i] - 1], 0);
            memset(block, 1, sizes[i]);
        }
        sc_unmap_pages(block, sizes[i]);
    }
    sc_unmap_pages(NULL, 1);
    CHECK(sc_map_pages(SIZE_MAX) == NULL);
}

/* Blocks of many sizes beside each other: each keeps what is written into it. */
static void test_kept(void)
{
    enum { N = 400 };
    static unsigned char *blocks[N];
    static size_t sizes[N];
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < N; i++) {
            sizes[i] = i % 100 == 99 ? (size_t)5 << 20 : (size_t)(1 + i * 97 * (i % 7));
            blocks[i] = sc_alloc_kept(sizes[i]);
            CHECK(blocks[i] != NULL);
            CHECK_EQ((uintptr_t)blocks[i] % SC_ALIGN, 0);
            memset(blocks[i], i % 251, sizes[i]);
        }
        for (int i = 0; i < N; i++) {
            const int k = (i * 7 + round) % N; /* in another order */
            size_t n_good = 0;
            for (size_t j = 0; j < sizes[k]; j++) n_good += blocks[k][j] == k % 251;
            CHECK_EQ(n_good, sizes[k]);
            sc_free(blocks[k]);
        }
    }
    CHECK(sc_alloc_kept(SIZE_MAX) == NULL);
}

enum { MANY = 2000 };

static void use_kept(void *arg, int thread, int n_threads)
{
    (void)n_threads;
    atomic_int *n_bad = arg;
    for (int i = 0; i < MANY; i++) {
        int *one = sc_alloc_kept(70000), *two = sc_alloc_kept(sizeof *two);
        if (one == NULL || two == NULL) {
            atomic_fetch_add(n_bad, 1);
            continue;
        }
        *one = thread;
        *two = i;
        sc_free(one);
        if (*two != i) atomic_fetch_add(n_bad, 1);
        sc_free(two);
    }
}

static void test_kept_by_threads(void)
{
    sc_pool *pool = NULL;
    atomic_int n_bad = 0;
    atomic_bool cancel = false;
    CHECK_EQ(sc_pool_create(4, &pool, NULL), SC_OK);
    sc_pool_run(pool, use_kept, &n_bad, NULL, NULL, &cancel);
    CHECK_EQ(atomic_load(&n_bad), 0);
    sc_pool_destroy(pool);
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
    test_map();
    test_kept();
    test_kept_by_threads();
    test_products();
    test_rounding();
    return check_end();
}
