/* Instruction sets by CPUID and what the kernel allows; processors by affinity and cgroup. */
#define _GNU_SOURCE /* sched_getaffinity, CPU_COUNT */
#include "../spinalcord.h"

#include <cpuid.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { ARCH_REQ_XCOMP_PERM = 0x1023, XFEATURE_XTILEDATA = 18 };

/* AMX needs three consents: the CPU's, the kernel's (XCR0), and one that the process
 * has to ask for, because tile data makes every signal frame 8 KiB larger. */
static bool has_amx(void)
{
    unsigned a, b, c, d;
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return false;
    const bool tile = d & (1u << 24), bf16 = d & (1u << 22);
    if (!tile || !bf16) return false;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & (1u << 27))) return false;
    unsigned low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    if ((low & 0x60000u) != 0x60000u) return false;
    return syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA) == 0;
}

/* A bit of what CPUID 7.1 says in eax. */
static bool has_later(unsigned bit)
{
    unsigned a, b, c, d;
    return __get_cpuid_count(7, 1, &a, &b, &c, &d) && (a & (1u << bit));
}

static bool has_avx512_bf16(void) { return has_later(5); }

static bool has_avx_vnni(void) { return has_later(4); }

static bool has_avx512(void)
{
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
}

sc_isa sc_cpu_isa(void)
{
    __builtin_cpu_init();
    if (has_avx512()) {
        if (!has_avx512_bf16()) return SC_ISA_AVX512;
        return has_amx() ? SC_ISA_AMX : SC_ISA_AVX512_BF16;
    }
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
        return SC_ISA_AVX2;
    }
    return SC_ISA_BASE;
}

bool sc_isa_has_int8(sc_isa isa)
{
    unsigned a, b, c, d;
    if (isa < SC_ISA_AVX2 || isa > sc_cpu_isa()) return false;
    if (isa == SC_ISA_AVX2) return has_avx_vnni();
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return false;
    const bool tiles = d & (1u << 25), vnni = c & (1u << 11);
    return isa == SC_ISA_AMX ? tiles : vnni;
}

bool sc_cpu_has_bf16(void) { return sc_cpu_isa() >= SC_ISA_AVX512_BF16; }

const char *sc_isa_name(sc_isa isa)
{
    switch (isa) {
    case SC_ISA_BASE: return "sse2";
    case SC_ISA_AVX2: return "avx2";
    case SC_ISA_AVX512: return "avx512";
    case SC_ISA_AVX512_BF16: return "avx512_bf16";
    case SC_ISA_AMX: return "amx";
    default: return "auto";
    }
}

/* The first 'size' - 1 bytes of a small file as text; false where it cannot be read. */
static bool read_text(const char *path, char *text, size_t size)
{
    FILE *file = fopen(path, "re");
    if (file == NULL) return false;
    const size_t n = fread(text, 1, size - 1, file);
    text[n] = '\0';
    fclose(file);
    return n > 0;
}

static int quota_cpus(double quota, double period, int limit)
{
    if (quota <= 0 || period <= 0) return limit;
    const double cpus = quota / period;
    if (cpus >= limit) return limit;
    const int whole = (int)cpus;
    return whole + (cpus > whole) > 0 ? whole + (cpus > whole) : 1;
}

/* Inside a container the process's own group is mounted at the root; outside, its
 * path is in /proc/self/cgroup and every ancestor's quota binds as well. */
static int cgroup_v2_limit(int limit)
{
    char text[4096], path[4300];
    if (!read_text("/proc/self/cgroup", text, sizeof text)) text[0] = '\0';
    char *own = strstr(text, "0::/");
    char *group = own == NULL ? text : own + 3;
    char *end = strchr(group, '\n');
    if (end != NULL) *end = '\0';
    for (;;) {
        snprintf(path, sizeof path, "/sys/fs/cgroup%s/cpu.max", own ? group : "");
        char line[64];
        double quota, period;
        if (read_text(path, line, sizeof line) &&
            sscanf(line, "%lf %lf", &quota, &period) == 2) {
            limit = quota_cpus(quota, period, limit);
        }
        char *slash = own == NULL ? NULL : strrchr(group, '/');
        if (slash == NULL) return limit;
        *slash = '\0';
    }
}

static int cgroup_v1_limit(int limit)
{
    char quota[64], period[64];
    if (!read_text("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", quota, sizeof quota) ||
        !read_text("/sys/fs/cgroup/cpu/cpu.cfs_period_us", period, sizeof period)) {
        return limit;
    }
    return quota_cpus(atof(quota), atof(period), limit);
}

int sc_cpu_usable(void)
{
    cpu_set_t set;
    int cpus = 1;
    if (sched_getaffinity(0, sizeof set, &set) == 0) {
        cpus = CPU_COUNT(&set);
    } else {
        const long online = sysconf(_SC_NPROCESSORS_ONLN); /* more than 1024 CPUs */
        if (online > 0) cpus = (int)online;
    }
    cpus = cgroup_v1_limit(cgroup_v2_limit(cpus));
    const char *wish = getenv("OMP_NUM_THREADS"); /* may be a list: "4,2" */
    const long asked = wish == NULL ? 0 : strtol(wish, NULL, 10);
    if (asked > 0 && asked < cpus) cpus = (int)asked;
    return cpus > 0 ? cpus : 1;
}
