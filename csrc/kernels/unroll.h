/* Inlining and unrolling, which keep arrays of vectors in registers. */
#ifndef SC_KERNELS_UNROLL_H
#define SC_KERNELS_UNROLL_H

/* Inlined wherever it is called, so that arguments which are literals there (numbers of
 * pixels and blocks) become constants, and arrays of vectors become registers. */
#define INLINE static inline __attribute__((always_inline))

/* Before a loop of at most 8 rounds over such an array. */
#define UNROLL _Pragma("GCC unroll 8")

#endif
