/* What a fuzzer needs: inputs taken from bytes, and a driver for where there is no libFuzzer.
 *
 * A program of this folder defines fuzz_one().  Linked with libFuzzer (FUZZER defined, see
 * tests/fuzz/run) it is fuzzed by coverage.  As one of the C tests it runs the seeds of
 * tests/fuzz, then FUZZ_RUNS (3000 if not set) inputs that are changed from them at random;
 * FUZZ_SEED makes others.  Both stop at the first fault that the sanitizers find.
 */
#ifndef SC_TESTS_FUZZ_H
#define SC_TESTS_FUZZ_H

#include "spinalcord.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "random.h"

typedef struct {
    const uint8_t *at, *end;
} fuzz_input;

/* Each takes what the next bytes say; 0 past the end. */
static inline void fuzz_bytes(fuzz_input *in, void *out, size_t n)
{
    const size_t left = (size_t)(in->end - in->at), taken = n < left ? n : left;
    memset(out, 0, n);
    if (taken > 0) memcpy(out, in->at, taken);
    in->at += taken;
}

static inline uint8_t fuzz_byte(fuzz_input *in)
{
    uint8_t out;
    fuzz_bytes(in, &out, 1);
    return out;
}

/* Mostly small; now and then 0, below 0, or beyond every bound. */
static inline int64_t fuzz_extent(fuzz_input *in)
{
    const uint8_t byte = fuzz_byte(in);
    if (byte == 255) return -1;
    return byte < 240 ? 1 + byte % 12 : byte % 3 == 0 ? 0 : 1 + byte % 40;
}

static inline double fuzz_double(fuzz_input *in)
{
    static const double ODD[] = {0,     -0.0, 1,     -1,    0.5,    3.3, 1e-300,
                                 1e300, NAN,  1e-30, 1e30,  -1e300, 2,   1e-3,
                                 40000, 1e9,  1e18,  -1e18, 1e-9,   16};
    const uint8_t byte = fuzz_byte(in);
    if (byte < 20) return ODD[byte];
    if (byte == 20) return INFINITY;
    if (byte < 200) return (double)(byte - 20) / 45.0;
    double out;
    fuzz_bytes(in, &out, sizeof out);
    return out;
}

/* Memory of exactly 'n' items, so that one step beyond is seen; from the input, repeated. */
static inline void *fuzz_items(fuzz_input *in, int64_t n, size_t item_nbytes)
{
    const size_t nbytes = n > 0 ? (size_t)n * item_nbytes : 0;
    uint8_t *out = malloc(nbytes);
    uint8_t pattern[64];
    fuzz_bytes(in, pattern, sizeof pattern);
    for (size_t i = 0; i < nbytes; i++) out[i] = (uint8_t)(pattern[i % 61] + i / 61);
    return out;
}

/* The same of floats; NaN, infinity and huge values are rare. */
static inline float *fuzz_floats(fuzz_input *in, int64_t n)
{
    float *out = malloc(n > 0 ? (size_t)n * sizeof *out : 0);
    uint8_t pattern[32];
    fuzz_bytes(in, pattern, sizeof pattern);
    const float odd = (float)fuzz_double(in);
    for (int64_t i = 0; i < n; i++) {
        const uint8_t byte = pattern[i % 31];
        out[i] = byte == 255 ? odd : (float)byte * (1.0f + (float)(i / 31));
    }
    return out;
}

static inline double *fuzz_doubles(fuzz_input *in, int64_t n)
{
    double *out = malloc(n > 0 ? (size_t)n * sizeof *out : 0);
    for (int64_t i = 0; i < n; i++) out[i] = fuzz_double(in);
    return out;
}

static inline int64_t fuzz_product(int64_t a, int64_t b, int64_t c)
{
    return a < 1 || b < 1 || c < 1 ? 0 : a * b * c;
}

/* A call's outcome: a known status, and with a failure a sentence. */
static inline void fuzz_check(sc_status status, const sc_error *err)
{
    const bool good = status == SC_OK ||
                      (err->code == status && err->text[0] != '\0' &&
                       memchr(err->text, '\0', sizeof err->text) != NULL);
    if (!good) abort();
}

/* The program's own: one input. */
static void fuzz_one(fuzz_input *in);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_input in = {data, data + size};
    fuzz_one(&in);
    return 0;
}

#ifndef FUZZER

enum { FUZZ_MAX = 512, FUZZ_SEEDS = 64 };

typedef struct {
    size_t size;
    uint8_t bytes[FUZZ_MAX];
} fuzz_seed;

static inline int fuzz_read_seeds(const char *folder, fuzz_seed *seeds)
{
    DIR *dir = opendir(folder);
    if (dir == NULL) return 0;
    int n = 0;
    for (struct dirent *entry; n < FUZZ_SEEDS && (entry = readdir(dir)) != NULL;) {
        char path[600];
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        FILE *file = entry->d_name[0] == '.' ? NULL : fopen(path, "rb");
        if (file == NULL) continue;
        seeds[n].size = fread(seeds[n].bytes, 1, FUZZ_MAX, file);
        n += seeds[n].size > 0;
        fclose(file);
    }
    closedir(dir);
    return n;
}

/* A few bytes set, copied or cut. */
static inline void fuzz_mutate(fuzz_seed *s, generator *g)
{
    for (int64_t i = next_int(g, 1, 8); i > 0; i--) {
        const int64_t at = next_int(g, 0, FUZZ_MAX - 1);
        const int64_t from = next_int(g, 0, FUZZ_MAX - 17);
        switch (next_int(g, 0, 3)) {
        case 0:
            s->bytes[at % (int64_t)(s->size + 1) % FUZZ_MAX] = (uint8_t)next_bits(g);
            break;
        case 1: s->bytes[at] = (uint8_t)next_int(g, 0, 21); break;
        case 2: memmove(s->bytes + at % (FUZZ_MAX - 16), s->bytes + from, 16); break;
        default: s->size = (size_t)next_int(g, 1, FUZZ_MAX);
        }
    }
}

static inline long fuzz_number(const char *name, long usual)
{
    const char *text = getenv(name);
    return text == NULL ? usual : strtol(text, NULL, 10);
}

static inline int fuzz_main(const char *folder, long usual)
{
    static fuzz_seed seeds[FUZZ_SEEDS];
    const int n_seeds = fuzz_read_seeds(folder, seeds);
    const long runs = fuzz_number("FUZZ_RUNS", usual);
    generator g = {(uint64_t)fuzz_number("FUZZ_SEED", 1)};
    CHECK(n_seeds > 0);
    for (int i = 0; i < n_seeds; i++) {
        LLVMFuzzerTestOneInput(seeds[i].bytes, seeds[i].size);
    }
    for (long i = 0; i < runs && n_seeds > 0; i++) {
        fuzz_seed one = seeds[next_int(&g, 0, n_seeds - 1)];
        fuzz_mutate(&one, &g);
        LLVMFuzzerTestOneInput(one.bytes, one.size);
    }
    printf("%s: %d seeds, %ld inputs changed from them\n", folder, n_seeds, runs);
    return check_end();
}

#endif
#endif
