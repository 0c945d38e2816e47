/* Batch normalisation for training (api/training.h): chunks of rows over threads.
 *
 * A chunk's sums are float32 and short; the chunks' sums are double and added in one order,
 * whichever thread computed them.  That makes the bits independent of the threads. */
#include "batch_norm.h"

#include "../base/memory.h"
#include "../base/status.h"
#include "../base/threads.h"

#include <math.h>
#include <string.h>

enum {
    LANES = 16,
    CHUNK_BLOCKS = 256, /* blocks that float32 sums, before double takes over */
};

typedef enum { SUMS, APPLY, BACK_SUMS, BACK } pass;

typedef struct {
    const sc_batch_norm *norm;
    int64_t rows, chunk_rows, n_chunks; /* of a block, of a chunk; chunks */
    sc_norm_run run;                    /* of a whole chunk */
    pass what;
    const uint16_t *x, *other, *dy;
    uint16_t *sum, *out;
    float *tables;   /* 5 of 'length': scale, shift, and three of the pass */
    float *sums;     /* 2 of 'length' for each thread */
    double *partial; /* 2 of c for each chunk, then the total */
} job;

static float *table(const job *b, int k) { return b->tables + k * b->run.length; }

/* One value for each channel, laid out for a block. */
static void lay_out(const job *b, int k, const float *values)
{
    const int64_t c = b->norm->c;
    for (int64_t r = 0; r < b->rows; r++) {
        memcpy(table(b, k) + r * c, values, (size_t)c * sizeof *values);
    }
}

static void fold(const float *sums, int64_t length, int64_t c, double *out)
{
    for (int64_t i = 0; i < c; i++) {
        double total = 0.0;
        for (int64_t j = i; j < length; j += c) total += (double)sums[j];
        out[i] = total;
    }
}

static void run_chunk(const job *b, int64_t chunk, float *sums)
{
    const int64_t c = b->norm->c, first = chunk * b->chunk_rows;
    const int64_t at = first * c, length = b->run.length;
    sc_norm_run run = b->run;
    run.items = sc_min(b->chunk_rows, b->norm->n - first) * c;
    const uint16_t *x = b->x + at;
    if (b->what == SUMS || b->what == BACK_SUMS) {
        memset(sums, 0, 2 * (size_t)length * sizeof *sums);
        if (b->what == SUMS) {
            sc_norm_sums_avx512bf16(&run, x, b->other == NULL ? NULL : b->other + at,
                                    b->sum == NULL ? NULL : b->sum + at, sums,
                                    sums + length);
        } else {
            sc_norm_back_sums_avx512bf16(&run, x, b->dy + at, table(b, 2), sums,
                                         sums + length);
        }
        fold(sums, length, c, b->partial + 2 * chunk * c);
        fold(sums + length, length, c, b->partial + (2 * chunk + 1) * c);
    } else if (b->what == APPLY) {
        sc_norm_apply_avx512bf16(&run, x, b->out + at);
    } else {
        sc_norm_back_avx512bf16(&run, x, b->dy + at, table(b, 2), table(b, 3),
                                table(b, 4), b->out + at);
    }
}

static void work(void *arg, int thread, int n_threads)
{
    const job *b = arg;
    float *sums = b->sums + 2 * thread * b->run.length;
    for (int64_t k = thread; k < b->n_chunks; k += n_threads) run_chunk(b, k, sums);
}

/* One pass over all chunks; the sums of channel i are then in partial[2 * c * n_chunks
 * + i] and, of the second kind, c further. */
static void run_pass(job *b, pass what, sc_pool *pool)
{
    b->what = what;
    if (pool == NULL) {
        work(b, 0, 1);
    } else {
        sc_pool_run(pool, work, b, NULL, NULL, NULL);
    }
    if (what != SUMS && what != BACK_SUMS) return;
    const int64_t both = 2 * b->norm->c;
    double *total = b->partial + both * b->n_chunks;
    memset(total, 0, (size_t)both * sizeof *total);
    for (int64_t k = 0; k < b->n_chunks; k++) {
        for (int64_t i = 0; i < both; i++) total[i] += b->partial[k * both + i];
    }
}

bool sc_batch_norm_supported(void)
{
    return sc_cpu_has_bf16() && sc_cpu_isa() >= SC_ISA_AVX512;
}

static sc_status check(const sc_batch_norm *norm, int threads, sc_error *err)
{
    size_t nbytes;
    if (norm->n < 1 || norm->c < 1 || norm->c > SC_SIDE_MAX ||
        !sc_product((int64_t[]){norm->n, norm->c}, 2, sizeof(uint16_t), &nbytes) ||
        nbytes > PTRDIFF_MAX) {
        return sc_fail(err, SC_BAD_SHAPE,
                       "%lld rows of %lld channels; expected at least 1 of each, and "
                       "at most %d channels",
                       (long long)norm->n, (long long)norm->c, SC_SIDE_MAX);
    }
    if (threads < 1) {
        return sc_fail(err, SC_BAD_VALUE, "%d threads; expected at least 1", threads);
    }
    if (sc_batch_norm_supported()) return SC_OK;
    return sc_fail(err, SC_UNSUPPORTED,
                   "batch normalisation in bf16 needs a CPU with AVX512_BF16");
}

static void close_job(job *b, sc_pool *pool)
{
    sc_pool_destroy(pool);
    sc_free(b->tables);
    sc_free(b->sums);
    sc_free(b->partial);
}

/* Memory and threads for the passes; what is there at a failure close_job releases. */
static sc_status open_job(job *b, int threads, sc_pool **pool, sc_error *err)
{
    const int64_t c = b->norm->c;
    b->rows = LANES / sc_min(LANES, c & -c);
    b->chunk_rows = b->rows * CHUNK_BLOCKS;
    b->n_chunks = (b->norm->n + b->chunk_rows - 1) / b->chunk_rows;
    b->run = (sc_norm_run){.length = b->rows * c, .relu = b->norm->relu};
    const int used = (int)sc_min(threads, b->n_chunks);
    size_t nbytes[3];
    const bool fits =
        sc_product((int64_t[]){5, b->run.length}, 2, sizeof(float), &nbytes[0]) &&
        sc_product((int64_t[]){2, used, b->run.length}, 3, sizeof(float), &nbytes[1]) &&
        sc_product((int64_t[]){2, b->n_chunks + 1, c}, 3, sizeof(double), &nbytes[2]);
    if (fits) {
        b->tables = sc_calloc(nbytes[0]);
        b->sums = sc_alloc(nbytes[1]);
        b->partial = sc_alloc(nbytes[2]);
    }
    if (b->tables == NULL || b->sums == NULL || b->partial == NULL) {
        return sc_fail(err, SC_NOMEM, "no memory for the sums of %lld channels",
                       (long long)c);
    }
    b->run.scale = table(b, 0);
    b->run.shift = table(b, 1);
    return used > 1 ? sc_pool_create(used, pool, err) : SC_OK;
}

/* The normalisation as one multiply-add, laid out; 'values' has room for c. */
static void lay_out_scale(const job *b, const float *mean, const float *variance,
                          float *values)
{
    const sc_batch_norm *norm = b->norm;
    for (int64_t i = 0; i < norm->c; i++) {
        const float gain = norm->weight == NULL ? 1.0f : norm->weight[i];
        values[i] = gain / sqrtf(variance[i] + norm->eps);
    }
    lay_out(b, 0, values);
    for (int64_t i = 0; i < norm->c; i++) {
        values[i] = norm->bias[i] - mean[i] * table(b, 0)[i];
    }
    lay_out(b, 1, values);
}

sc_status sc_batch_norm_forward(const sc_batch_norm *norm, const uint16_t *x,
                                const uint16_t *other, uint16_t *sum, uint16_t *y,
                                float *mean, float *variance, int threads,
                                sc_error *err)
{
    sc_status status = check(norm, threads, err);
    if (status != SC_OK) return status;
    sc_pool *pool = NULL;
    job b = {.norm = norm, .x = x, .other = other, .sum = sum, .out = y};
    SC_TRY(open_job(&b, threads, &pool, err));
    run_pass(&b, SUMS, pool);
    const int64_t c = norm->c;
    const double *total = b.partial + 2 * c * b.n_chunks, n = (double)norm->n;
    for (int64_t i = 0; i < c; i++) {
        const double centre = total[i] / n;
        const double spread = total[c + i] / n - centre * centre;
        mean[i] = (float)centre;
        /* Rounding may leave less than nothing; NaN stays. */
        variance[i] = spread < 0.0 ? 0.0f : (float)spread;
    }
    lay_out_scale(&b, mean, variance, table(&b, 2));
    if (other != NULL) b.x = sum;
    run_pass(&b, APPLY, pool);
done:
    close_job(&b, pool);
    return status;
}

sc_status sc_batch_norm_backward(const sc_batch_norm *norm, const uint16_t *x,
                                 bool summed, const uint16_t *dy, const float *mean,
                                 const float *variance, uint16_t *dx, float *dweight,
                                 float *dbias, int threads, sc_error *err)
{
    sc_status status = check(norm, threads, err);
    if (status != SC_OK) return status;
    sc_pool *pool = NULL;
    job b = {.norm = norm, .x = x, .dy = dy, .out = dx};
    SC_TRY(open_job(&b, threads, &pool, err));
    b.run.summed = summed;
    lay_out_scale(&b, mean, variance, table(&b, 2));
    lay_out(&b, 2, mean);
    run_pass(&b, BACK_SUMS, pool);
    const int64_t c = norm->c;
    const double *total = b.partial + 2 * c * b.n_chunks, n = (double)norm->n;
    /* dx = scale * (g - mean(g) - xhat * mean(g * xhat)), xhat = (x - mean) * inverse. */
    float *by_x = dweight, *rest = dbias;
    for (int64_t i = 0; i < c; i++) {
        const double scale = (double)b.run.scale[i];
        const double inverse = 1.0 / sqrt((double)variance[i] + (double)norm->eps);
        const double slope = -scale * inverse * inverse * total[c + i] / n;
        by_x[i] = (float)slope;
        rest[i] = (float)(-scale * total[i] / n - slope * (double)mean[i]);
    }
    lay_out(&b, 3, by_x);
    lay_out(&b, 4, rest);
    memcpy(table(&b, 2), b.run.scale, (size_t)b.run.length * sizeof(float));
    run_pass(&b, BACK, pool);
    for (int64_t i = 0; i < c; i++) {
        const double inverse = 1.0 / sqrt((double)variance[i] + (double)norm->eps);
        dweight[i] = (float)(total[c + i] * inverse);
        dbias[i] = (float)total[i];
    }
done:
    close_job(&b, pool);
    return status;
}
