/* Errors hold their code and one sentence, cut to fit. */
#include "base/status.h"

#include <string.h>

#include "check.h"

static sc_status first_of(sc_status first, int *n_calls, sc_error *err)
{
    sc_status status = SC_OK;
    SC_TRY(first == SC_OK ? SC_OK : sc_fail(err, first, "first"));
    *n_calls += 1;
done:
    return status;
}

int main(void)
{
    sc_error err = {.detail = 7};
    CHECK_EQ(sc_fail(&err, SC_BAD_SHAPE, "h is %d, expected %s", 3, "at least 32"),
             SC_BAD_SHAPE);
    CHECK_EQ(err.code, SC_BAD_SHAPE);
    CHECK_EQ(err.detail, 0);
    CHECK(strcmp(err.text, "h is 3, expected at least 32") == 0);
    CHECK_EQ(sc_fail(NULL, SC_NOMEM, "nobody listens"), SC_NOMEM);

    char longer[2 * sizeof err.text];
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    (void)sc_fail(&err, SC_INTERNAL, "%s", longer);
    CHECK_EQ(strlen(err.text), sizeof err.text - 1);

    int n_calls = 0;
    CHECK_EQ(first_of(SC_OK, &n_calls, &err), SC_OK);
    CHECK_EQ(first_of(SC_BAD_VALUE, &n_calls, &err), SC_BAD_VALUE);
    CHECK_EQ(n_calls, 1);
    return check_end();
}
