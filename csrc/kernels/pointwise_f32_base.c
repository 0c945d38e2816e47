/* pointwise.h in float32 for any x86-64. */
#define TABLE sc_pointwise_f32_base
#define TABLE_NAME "own:f32_base"
#include "pointwise_f32_impl.h"
