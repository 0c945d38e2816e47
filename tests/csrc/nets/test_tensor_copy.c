/* Copied tensors are the same when what they were copied from is gone. */
#include "nets/tensor_copy.h"

#include "base/memory.h"

#include "check.h"

#include <string.h>

int main(void)
{
    float values[6] = {1, -2, 3, 4.5f, 0, 7};
    uint16_t halves[2] = {0x3f80, 0xc000};
    char name[] = "first.weight";
    const sc_tensor tensors[] = {
        {.name = name, .type = SC_TENSOR_F32, .ndim = 2, .shape = {2, 3}, values},
        {.name = "second", .type = SC_TENSOR_BF16, .ndim = 1, .shape = {2}, halves},
        {.name = "empty", .type = SC_TENSOR_F16, .ndim = 1, .shape = {0}, halves},
    };
    sc_tensor_copy *copy = NULL;
    CHECK_EQ(sc_tensor_copy_create(tensors, 3, &copy, NULL), SC_OK);
    memset(values, 0x7f, sizeof values);
    memset(halves, 0x7f, sizeof halves);
    name[0] = 'x';
    CHECK_EQ(sc_tensor_copy_count(copy), 3);
    const sc_tensor *t = sc_tensor_copy_tensors(copy);
    CHECK(strcmp(t[0].name, "first.weight") == 0 && strcmp(t[1].name, "second") == 0);
    CHECK(strcmp(t[2].name, "empty") == 0);
    CHECK(t[0].type == SC_TENSOR_F32 && t[1].type == SC_TENSOR_BF16);
    CHECK(t[0].ndim == 2 && t[0].shape[0] == 2 && t[0].shape[1] == 3);
    const float want[6] = {1, -2, 3, 4.5f, 0, 7};
    const uint16_t want_halves[2] = {0x3f80, 0xc000};
    CHECK(memcmp(t[0].data, want, sizeof want) == 0);
    CHECK(memcmp(t[1].data, want_halves, sizeof want_halves) == 0);
    sc_tensor_copy_destroy(copy);
    sc_tensor_copy_destroy(NULL);
    return check_end();
}
