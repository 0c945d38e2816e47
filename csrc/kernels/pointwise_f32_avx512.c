/* pointwise.h for float32, compiled for avx512. */
#define ITEM float
#define LOAD(p) (*(p))
#define STORE(p, v) (*(p) = (v))
#define KEY float
#define TO_KEY(v) (v)
#define FROM_KEY(k) (k)
#define TABLE sc_pointwise_f32_avx512
#define TABLE_NAME "own:f32_avx512"
#include "pointwise_impl.h"
