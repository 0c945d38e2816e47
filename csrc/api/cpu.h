/* The processors and instruction sets that this process may use. */
#ifndef SC_API_CPU_H
#define SC_API_CPU_H

#include <stdbool.h>

/* Instruction sets with kernels of their own.  Each includes those before it. */
typedef enum {
    SC_ISA_AUTO = 0,   /* the best that the CPU has */
    SC_ISA_BASE = 1,   /* x86-64 */
    SC_ISA_AVX2 = 2,   /* with FMA */
    SC_ISA_AVX512 = 3, /* F, BW, VL, DQ */
    SC_ISA_AVX512_BF16 = 4,
    SC_ISA_AMX = 5, /* tiles, bfloat16 */
} sc_isa;

/* Return the name of an instruction set, such as "avx512_bf16". */
const char *sc_isa_name(sc_isa isa);

/* Return the best instruction set that CPU, kernel and process support.  The first call
 * requests permission for AMX tiles from the kernel. */
sc_isa sc_cpu_isa(void);

/* Return whether networks can run in bfloat16 on this CPU. */
bool sc_cpu_has_bf16(void);

/* Return whether networks can run in integers of eight bits with an instruction set (not
 * SC_ISA_AUTO), which this CPU has: with AMX's tiles, AVX512_VNNI, or AVX-VNNI. */
bool sc_isa_has_int8(sc_isa isa);

/* Return the number of processors that this process may use, at least 1: its affinity
 * mask, capped by the CPU quota of its cgroup (v1 or v2, rounded up) and by
 * OMP_NUM_THREADS. */
int sc_cpu_usable(void);

/* Fill 'version' with major, minor and patch of the oneDNN library that is loaded. */
void sc_onednn_version(int version[3]);

#endif
