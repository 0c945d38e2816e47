/* pointwise.h for float32; the including file defines TABLE and TABLE_NAME. */
#define ITEM float
#define LOAD(p) (*(p))
#define STORE(p, v) (*(p) = (v))
#define KEY float
#define TO_KEY(v) (v)
#define FROM_KEY(k) (k)
#include "pointwise_impl.h"
