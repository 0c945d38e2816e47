/* Aligned memory, in huge pages where it is large. */
#define _GNU_SOURCE /* madvise */
#include "memory.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { HUGE_PAGE = 2 << 20 };

/* Pieces of sc_alloc_kept, and the largest blocks in them.  Under the address sanitizer each
 * block is one of its own, so that it sees where it ends. */
enum { PIECE_NBYTES = 8 * HUGE_PAGE };
#ifdef __SANITIZE_ADDRESS__
enum { MAX_IN_PIECE = 0 };
#else
enum { MAX_IN_PIECE = PIECE_NBYTES / 4 };
#endif

typedef struct {
    atomic_int n_users; /* blocks, and 'newest' */
    size_t end;         /* of its blocks so far */
} piece;

/* Guards 'newest' and its end.  Only ever tried, never waited for: the child of a fork() may
 * find it locked by a thread that does not exist there. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static piece *newest;

/* A block and, just before it, the address that free() wants.  'zeroed' leaves it to
 * calloc, which knows that fresh pages are zero: gigabytes of workspace then cost
 * nothing until the threads that use them touch them. */
static void *allocate(size_t nbytes, bool zeroed)
{
    const size_t align = nbytes >= HUGE_PAGE ? HUGE_PAGE : SC_ALIGN;
    if (nbytes > SIZE_MAX - 2 * align - sizeof(void *)) return NULL;
    nbytes = (nbytes + align - 1) / align * align;
    const size_t total = nbytes + align + sizeof(void *);
    char *raw = zeroed ? calloc(1, total) : malloc(total);
    if (raw == NULL) return NULL;
    const uintptr_t first = (uintptr_t)raw + sizeof(void *);
    char *block = raw + sizeof(void *) + (align - first % align) % align;
    memcpy(block - sizeof(void *), &raw, sizeof raw);
    /* A plan walks tens of megabytes an image: with 4 KiB pages the TLB misses cost
     * more than a tenth of the run.  Only advice; failure changes nothing. */
    if (align == HUGE_PAGE) (void)madvise(block, nbytes, MADV_HUGEPAGE);
    return block;
}

void *sc_alloc(size_t nbytes) { return allocate(nbytes, false); }

void *sc_calloc(size_t nbytes) { return allocate(nbytes, true); }

/* ---- Blocks of one piece -------------------------------------------------------- */

static void leave(piece *from)
{
    if (atomic_fetch_sub(&from->n_users, 1) == 1) sc_free(from);
}

/* The piece for a block, with room for it; NULL without memory.  The lock is held. */
static piece *piece_for(size_t nbytes)
{
    if (newest != NULL && newest->end + nbytes <= PIECE_NBYTES) return newest;
    piece *made = sc_alloc(PIECE_NBYTES);
    if (made == NULL) return NULL;
    if (newest != NULL) leave(newest);
    atomic_init(&made->n_users, 1);
    made->end = SC_ALIGN;
    newest = made;
    return made;
}

/* A block and, just before it, the address of its piece, marked by being odd. */
void *sc_alloc_kept(size_t nbytes)
{
    if (nbytes > MAX_IN_PIECE) return sc_alloc(nbytes);
    const size_t total = (nbytes + SC_ALIGN - 1) / SC_ALIGN * SC_ALIGN + SC_ALIGN;
    if (pthread_mutex_trylock(&lock) != 0) return sc_alloc(nbytes);
    piece *in = piece_for(total);
    char *block = NULL;
    if (in != NULL) {
        block = (char *)in + in->end + SC_ALIGN;
        in->end += total;
        atomic_fetch_add(&in->n_users, 1);
    }
    pthread_mutex_unlock(&lock);
    if (block == NULL) return NULL;
    const uintptr_t mark = (uintptr_t)in | 1;
    memcpy(block - sizeof mark, &mark, sizeof mark);
    return block;
}

/* A block of a piece is no longer used; nor is the newest piece without any. */
static void free_kept(piece *from)
{
    leave(from);
    if (pthread_mutex_trylock(&lock) != 0) return;
    if (newest != NULL && atomic_load(&newest->n_users) == 1) {
        sc_free(newest);
        newest = NULL;
    }
    pthread_mutex_unlock(&lock);
}

void sc_free(void *block)
{
    if (block == NULL) return;
    uintptr_t raw;
    memcpy(&raw, (char *)block - sizeof raw, sizeof raw);
    if (raw & 1) {
        free_kept((piece *)(raw - 1));
    } else {
        free((void *)raw);
    }
}

/* ---- Pages of their own --------------------------------------------------------- */

#ifdef __SANITIZE_ADDRESS__ /* sees only where the blocks of malloc end */

void *sc_map_pages(size_t nbytes) { return sc_calloc(nbytes); }

void sc_unmap_pages(void *block, size_t nbytes)
{
    (void)nbytes;
    sc_free(block);
}

#else

static size_t page_nbytes(size_t nbytes)
{
    return nbytes >= HUGE_PAGE ? HUGE_PAGE : (size_t)sysconf(_SC_PAGESIZE);
}

static size_t whole_pages(size_t nbytes)
{
    const size_t page = page_nbytes(nbytes);
    return nbytes == 0 ? page : (nbytes + page - 1) / page * page;
}

void *sc_map_pages(size_t nbytes)
{
    if (nbytes > SIZE_MAX - 2 * HUGE_PAGE) return NULL;
    const size_t page = page_nbytes(nbytes), total = whole_pages(nbytes);
    /* The system aligns to small pages: one more, of which both ends are given back. */
    const size_t spare = page == HUGE_PAGE ? HUGE_PAGE : 0;
    char *raw = mmap(NULL, total + spare, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (raw == MAP_FAILED) return NULL;
    if (spare == 0) return raw;
    const size_t before = (page - (uintptr_t)raw % page) % page;
    if (before > 0) (void)munmap(raw, before);
    if (before < spare) (void)munmap(raw + before + total, spare - before);
    (void)madvise(raw + before, total, MADV_HUGEPAGE);
    return raw + before;
}

void sc_unmap_pages(void *block, size_t nbytes)
{
    if (block != NULL) (void)munmap(block, whole_pages(nbytes));
}

#endif

bool sc_mul(size_t a, size_t b, size_t *out)
{
    return !__builtin_mul_overflow(a, b, out);
}

bool sc_add(size_t a, size_t b, size_t *out)
{
    return !__builtin_add_overflow(a, b, out);
}

bool sc_product(const int64_t *extents, int n, size_t item_nbytes, size_t *out_nbytes)
{
    size_t total = item_nbytes;
    for (int i = 0; i < n; i++) {
        if (extents[i] < 0 || !sc_mul(total, (size_t)extents[i], &total)) return false;
    }
    *out_nbytes = total;
    return true;
}
