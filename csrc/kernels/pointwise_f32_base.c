/* pointwise.h for float32, compiled for base. */
#define ITEM float
#define LOAD(p) (*(p))
#define STORE(p, v) (*(p) = (v))
#define KEY float
#define TO_KEY(v) (v)
#define FROM_KEY(k) (k)
#define TABLE sc_pointwise_f32_base
#define TABLE_NAME "own:f32_base"
#include "pointwise_impl.h"
