/* What of the machine this process may use. */
#define _GNU_SOURCE /* sched_setaffinity */
#include "spinalcord.h"

#include "check.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>

static void test_isa(void)
{
    const sc_isa isa = sc_cpu_isa();
    CHECK(isa >= SC_ISA_BASE && isa <= SC_ISA_AMX);
    CHECK_EQ(sc_cpu_isa(), isa); /* asking twice for the tiles is harmless */
    CHECK_EQ(sc_cpu_has_bf16(), isa >= SC_ISA_AVX512_BF16);
    __builtin_cpu_init();
    if (isa >= SC_ISA_AVX2) CHECK(__builtin_cpu_supports("avx2"));
    if (isa >= SC_ISA_AVX512) CHECK(__builtin_cpu_supports("avx512f"));
    if (!__builtin_cpu_supports("avx2")) CHECK_EQ(isa, SC_ISA_BASE);
}

static void test_names(void)
{
    for (int i = SC_ISA_AUTO; i <= SC_ISA_AMX; i++) {
        for (int j = SC_ISA_AUTO; j < i; j++) {
            CHECK(strcmp(sc_isa_name((sc_isa)i), sc_isa_name((sc_isa)j)) != 0);
        }
    }
    CHECK(strcmp(sc_isa_name(SC_ISA_AUTO), "auto") == 0);
}

static int usable_with(const char *omp_num_threads)
{
    setenv("OMP_NUM_THREADS", omp_num_threads, 1);
    const int n = sc_cpu_usable();
    unsetenv("OMP_NUM_THREADS");
    return n;
}

static void test_wish(void)
{
    unsetenv("OMP_NUM_THREADS");
    const int all = sc_cpu_usable();
    CHECK(all >= 1);
    CHECK_EQ(usable_with("1"), 1);
    CHECK_EQ(usable_with("1,4"), 1);
    CHECK_EQ(usable_with("2"), all < 2 ? all : 2);
    /* More than there are, and nonsense, change nothing. */
    CHECK_EQ(usable_with("100000"), all);
    CHECK_EQ(usable_with("0"), all);
    CHECK_EQ(usable_with("-3"), all);
    CHECK_EQ(usable_with("many"), all);
    CHECK_EQ(usable_with(""), all);
}

static void test_affinity(void)
{
    cpu_set_t before, one;
    if (sched_getaffinity(0, sizeof before, &before) != 0) {
        fprintf(stderr, "skipped: affinity, which this system does not tell\n");
        return;
    }
    CHECK(sc_cpu_usable() <= CPU_COUNT(&before));
    CPU_ZERO(&one);
    for (int i = 0; i < CPU_SETSIZE && CPU_COUNT(&one) == 0; i++) {
        if (CPU_ISSET(i, &before)) CPU_SET(i, &one);
    }
    CHECK_EQ(sched_setaffinity(0, sizeof one, &one), 0);
    CHECK_EQ(sc_cpu_usable(), 1);
    CHECK_EQ(sched_setaffinity(0, sizeof before, &before), 0);
}

int main(void)
{
    test_isa();
    test_names();
    test_wish();
    test_affinity();
    return check_end();
}
