/* pointwise.h for bytes; the including file defines TABLE and TABLE_NAME. */
#include <stdint.h>

#define ITEM uint8_t
#define LOAD(p) ((float)*(p))
#define STORE(p, v) (*(p) = to_byte(v))
#define KEY uint8_t
#define TO_KEY(v) (v)
#define FROM_KEY(k) (k)
#include "pointwise_impl.h"
