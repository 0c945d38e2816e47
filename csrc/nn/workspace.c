/* Memory for the maps of plans, lent to one call after the other. */
#include "workspace.h"

#include "../base/memory.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

/* Guards the list.  Only ever tried, never waited for: the child of a fork() may find it locked
 * by a thread that does not exist there.  It then allocates and frees, as without a list. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static sc_workspace *unused;
static int n_unused;

static void destroy(sc_workspace *space)
{
    if (space == NULL) return;
    sc_unmap_pages(space->data, space->nbytes);
    sc_free(space);
}

static sc_workspace *create(size_t nbytes)
{
    sc_workspace *space = sc_calloc(sizeof *space);
    if (space == NULL) return NULL;
    space->nbytes = nbytes;
    space->data = sc_map_pages(nbytes);
    if (space->data != NULL) return space;
    sc_free(space);
    return NULL;
}

/* Whether 'a' serves better than 'b': large enough, then small; else small, to make room. */
static bool better(const sc_workspace *a, const sc_workspace *b, size_t nbytes)
{
    const bool fits = a->nbytes >= nbytes;
    return fits != (b->nbytes >= nbytes) ? fits : a->nbytes < b->nbytes;
}

/* Take the best one off the list, which is locked; NULL from an empty one. */
static sc_workspace *unlink_best(size_t nbytes)
{
    sc_workspace **best = &unused;
    for (sc_workspace **at = &unused; *at != NULL; at = &(*at)->next) {
        if (better(*at, *best, nbytes)) best = at;
    }
    sc_workspace *found = *best;
    if (found == NULL) return NULL;
    *best = found->next;
    n_unused--;
    return found;
}

sc_workspace *sc_workspace_take(size_t nbytes)
{
    sc_workspace *found = NULL;
    if (pthread_mutex_trylock(&lock) == 0) {
        found = unlink_best(nbytes);
        pthread_mutex_unlock(&lock);
    }
    if (found != NULL && found->nbytes >= nbytes) return found;
    destroy(found);
    return create(nbytes);
}

void sc_workspace_give(sc_workspace *space, int max_unused)
{
    if (space == NULL) return;
    if (pthread_mutex_trylock(&lock) == 0) {
        if (n_unused < max_unused) {
            space->next = unused;
            unused = space;
            n_unused++;
            space = NULL;
        }
        pthread_mutex_unlock(&lock);
    }
    destroy(space);
}

void sc_workspace_trim(void)
{
    sc_workspace *list = NULL;
    if (pthread_mutex_trylock(&lock) != 0) return;
    list = unused;
    unused = NULL;
    n_unused = 0;
    pthread_mutex_unlock(&lock);
    while (list != NULL) {
        sc_workspace *next = list->next;
        destroy(list);
        list = next;
    }
}

uint64_t sc_workspace_layout(void)
{
    static atomic_uint_fast64_t last;
    return atomic_fetch_add(&last, 1) + 1;
}

void sc_workspace_adopt(sc_workspace *space, uint64_t layout, bool all_f32)
{
    const bool harmless = space->layout == 0 || space->layout == layout ||
                          (space->all_f32 && all_f32);
    if (!harmless) memset(space->data, 0, space->nbytes);
    space->layout = layout;
    space->all_f32 = all_f32;
}
