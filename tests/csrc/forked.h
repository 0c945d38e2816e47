/* Threads in a forked child, under the thread sanitizer as well.
 *
 * The sanitizer takes the list of the parent's threads along, which a child does not have, and
 * ends the child when a new one gets the identifier of one of them.  That is the address of its
 * stack, and the C library uses the stacks of lost threads again, unless they are too small.
 */
#ifndef SC_TESTS_FORKED_H
#define SC_TESTS_FORKED_H

#include <pthread.h>
#include <stddef.h>

/* Called in the child before it starts threads.  The file defines _GNU_SOURCE. */
static inline void take_new_stacks(void)
{
    pthread_attr_t attr;
    size_t nbytes;
    pthread_getattr_default_np(&attr);
    pthread_attr_getstacksize(&attr, &nbytes);
    pthread_attr_setstacksize(&attr, 2 * nbytes);
    pthread_setattr_default_np(&attr);
    pthread_attr_destroy(&attr);
}

#endif
