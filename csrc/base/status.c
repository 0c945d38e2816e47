/* Filling in an error. */
#include "status.h"

#include <stdarg.h>
#include <stdio.h>

sc_status(sc_fail)(sc_error *err, sc_status code, const char *format, ...)
{
    if (err == NULL) return code;
    err->code = code;
    err->detail = 0;
    va_list args;
    va_start(args, format);
    vsnprintf(err->text, sizeof err->text, format, args);
    va_end(args);
    return code;
}
