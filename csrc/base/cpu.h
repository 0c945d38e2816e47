/* What this process may use of the machine: instruction sets and processors. */
#ifndef SC_BASE_CPU_H
#define SC_BASE_CPU_H

#include "../spinalcord.h"

/* The best instruction set that this CPU, its kernel and this process have. */
sc_isa sc_cpu_isa(void);

/* True where the CPU computes bfloat16 products (avx512_bf16 or amx_bf16). */
bool sc_cpu_has_bf16(void);

/* Processors that this process may use: its affinity mask, capped by the cgroup's
 * CPU quota (v1 or v2, rounded up) and by OMP_NUM_THREADS where that is set.  >= 1. */
int sc_cpu_usable(void);

#endif
