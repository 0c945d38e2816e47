/* Faults on purpose: each allocation of the core, and each thread that it starts, fails
 * once in turn.
 *
 * tests/csrc/run links the programs of this folder with --wrap, so that the core's calls of
 * malloc, calloc, free, mmap, munmap and pthread_create come here first.  Those of oneDNN and
 * libgomp do not.  What is held is counted, so that a leak is seen without sanitizers, too.
 */
#ifndef SC_TESTS_FAULTS_H
#define SC_TESTS_FAULTS_H

#include "spinalcord.h"

#include "check.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

void *__real_malloc(size_t nbytes);
void *__real_calloc(size_t n, size_t nbytes);
void __real_free(void *data);
int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attr,
                          void *(*start)(void *), void *arg);
void *__real_mmap(void *at, size_t nbytes, int access, int flags, int file,
                  off_t offset);
int __real_munmap(void *data, size_t nbytes);
void *__wrap_malloc(size_t nbytes);
void *__wrap_calloc(size_t n, size_t nbytes);
void __wrap_free(void *data);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr,
                          void *(*start)(void *), void *arg);
void *__wrap_mmap(void *at, size_t nbytes, int access, int flags, int file,
                  off_t offset);
int __wrap_munmap(void *data, size_t nbytes);

/* Requests until the one that fails; below 0 none does. */
static atomic_llong faults_left = -1;
static atomic_llong faults_held; /* allocations not freed, and bytes not unmapped */
static long long faults_done;    /* of the whole program */

static bool faults_due(void)
{
    return atomic_load(&faults_left) >= 0 && atomic_fetch_sub(&faults_left, 1) == 0;
}

void *__wrap_malloc(size_t nbytes)
{
    void *data = faults_due() ? NULL : __real_malloc(nbytes);
    if (data != NULL) atomic_fetch_add(&faults_held, 1);
    return data;
}

void *__wrap_calloc(size_t n, size_t nbytes)
{
    void *data = faults_due() ? NULL : __real_calloc(n, nbytes);
    if (data != NULL) atomic_fetch_add(&faults_held, 1);
    return data;
}

void __wrap_free(void *data)
{
    if (data != NULL) atomic_fetch_sub(&faults_held, 1);
    __real_free(data);
}

void *__wrap_mmap(void *at, size_t nbytes, int access, int flags, int file,
                  off_t offset)
{
    if (faults_due()) {
        errno = ENOMEM;
        return MAP_FAILED;
    }
    void *data = __real_mmap(at, nbytes, access, flags, file, offset);
    if (data != MAP_FAILED) atomic_fetch_add(&faults_held, (long long)nbytes);
    return data;
}

int __wrap_munmap(void *data, size_t nbytes)
{
    atomic_fetch_sub(&faults_held, (long long)nbytes);
    return __real_munmap(data, nbytes);
}

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr,
                          void *(*start)(void *), void *arg)
{
    return faults_due() ? EAGAIN : __real_pthread_create(thread, attr, start, arg);
}

/* One call of the core; it must give back what it allocates beyond its results. */
typedef sc_status (*faults_call)(void *arg, sc_error *err);

/* Let request 'n' of a call fail; whether it came to that.  The call must then say so. */
static bool faults_at(long long n, faults_call call, void *arg)
{
    sc_error err = {0};
    atomic_store(&faults_left, n);
    const sc_status status = call(arg, &err);
    const bool came = atomic_exchange(&faults_left, -1) < 0;
    CHECK(status == (came ? SC_NOMEM : SC_OK));
    if (came) {
        CHECK_EQ(err.code, SC_NOMEM);
        CHECK(strlen(err.text) > 5);
        faults_done++;
    }
    return came;
}

/* Let each request of a call fail once, and call it without a fault after each: 'results'
 * must be the same bits as before.  Returns how many requests it has. */
static inline long long faults_each(const char *name, faults_call call, void *arg,
                                    void *results, size_t nbytes)
{
    char *want = malloc(nbytes);
    CHECK_EQ(call(arg, NULL), SC_OK);
    memcpy(want, results, nbytes);
    const long long held = atomic_load(&faults_held);
    long long n = 0;
    while (faults_at(n, call, arg)) {
        memset(results, 0x7f, nbytes);
        CHECK_EQ(call(arg, NULL), SC_OK);
        CHECK(memcmp(results, want, nbytes) == 0);
        CHECK_EQ(atomic_load(&faults_held), held);
        n++;
    }
    free(want);
    printf("%s: %lld requests, each failed once\n", name, n);
    return n;
}

#endif
