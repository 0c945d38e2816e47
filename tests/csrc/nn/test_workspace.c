/* Memory that calls lend one another: which block is taken, and what is left in it. */
#include "nn/workspace.h"

#include "base/memory.h"

#include "check.h"

#include <string.h>

enum { SMALL = 1000, LARGE = 5 << 20, MAX_UNUSED = 2 };

static bool all(const sc_workspace *space, unsigned char value)
{
    const unsigned char *data = space->data;
    for (size_t i = 0; i < space->nbytes; i++) {
        if (data[i] != value) return false;
    }
    return true;
}

static void test_the_smallest_that_is_large_enough(void)
{
    sc_workspace *small = sc_workspace_take(SMALL), *large = sc_workspace_take(LARGE);
    CHECK(all(small, 0) && all(large, 0));
    CHECK_EQ((size_t)large->data % (2 << 20), 0);
    sc_workspace_give(small, MAX_UNUSED);
    sc_workspace_give(large, MAX_UNUSED);
    CHECK(sc_workspace_take(SMALL - 1) == small);
    CHECK(sc_workspace_take(SMALL) == large); /* the only one that is left */
    sc_workspace_give(large, MAX_UNUSED);
    sc_workspace_give(small, MAX_UNUSED);
    CHECK(sc_workspace_take(SMALL + 1) == large);
    sc_workspace_give(large, MAX_UNUSED);
    sc_workspace_trim();
}

/* None is large enough: the smallest makes room, the other stays. */
static void test_one_makes_room(void)
{
    sc_workspace *small = sc_workspace_take(SMALL), *large = sc_workspace_take(LARGE);
    sc_workspace_give(large, MAX_UNUSED);
    sc_workspace_give(small, MAX_UNUSED);
    sc_workspace *larger = sc_workspace_take(2 * LARGE);
    CHECK_EQ(larger->nbytes, 2 * LARGE);
    CHECK(sc_workspace_take(SMALL) == large);
    sc_workspace_give(larger, MAX_UNUSED);
    sc_workspace_give(large, MAX_UNUSED);
    sc_workspace_trim();
    sc_workspace_trim(); /* of nothing */
}

static void test_so_many_are_kept(void)
{
    sc_workspace *spaces[MAX_UNUSED + 1];
    for (int i = 0; i <= MAX_UNUSED; i++) spaces[i] = sc_workspace_take(SMALL);
    for (int i = 0; i <= MAX_UNUSED; i++) sc_workspace_give(spaces[i], MAX_UNUSED);
    sc_workspace_give(NULL, MAX_UNUSED);
    sc_workspace *one = sc_workspace_take(SMALL), *two = sc_workspace_take(SMALL);
    CHECK(one == spaces[1] && two == spaces[0]); /* the last was freed */
    sc_workspace_give(one, 0);
    sc_workspace_give(two, 0);
}

static void test_only_floats_may_be_left(void)
{
    const uint64_t mine = sc_workspace_layout(), other = sc_workspace_layout();
    CHECK(mine != 0 && other != 0 && mine != other);
    sc_workspace *space = sc_workspace_take(SMALL);
    sc_workspace_adopt(space, mine, true); /* of new memory, which is not cleared */
    memset(space->data, 7, space->nbytes);
    sc_workspace_adopt(space, mine, true);
    CHECK(all(space, 7));
    sc_workspace_adopt(space, other, true);
    CHECK(all(space, 7));
    sc_workspace_adopt(space, mine, false);
    CHECK(all(space, 0));
    memset(space->data, 7, space->nbytes);
    sc_workspace_adopt(space, mine, false);
    CHECK(all(space, 7));
    sc_workspace_adopt(space, other, true);
    CHECK(all(space, 0));
    sc_workspace_give(space, 0);
}

int main(void)
{
    test_the_smallest_that_is_large_enough();
    test_one_makes_room();
    test_so_many_are_kept();
    test_only_floats_may_be_left();
    return check_end();
}
