/* Preloaded: one call on the files of a folder fails, on request.
 *
 *     gcc -shared -fPIC -O1 -o io_faults.so io_faults.c -ldl
 *     IO_FAULTS_UNDER=/folder LD_PRELOAD=./io_faults.so python ...
 *
 * io_faults_arm(kind, n, error) lets the n-th call of a kind from now on (0 is the next) fail
 * with 'error', or, for the two SHORT kinds, do half of what was asked; io_faults_seen(kind)
 * counts calls since then.  One thread at a time.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

enum { OPEN, WRITE, SHORT_WRITE, FSYNC, RENAME, MKDIR, READ, SHORT_READ, KINDS };

static int armed_kind = -1, armed_n, armed_error, seen[KINDS];

void io_faults_arm(int kind, int n, int error);
int io_faults_seen(int kind);

void io_faults_arm(int kind, int n, int error)
{
    armed_kind = kind;
    armed_n = n;
    armed_error = error;
    memset(seen, 0, sizeof seen);
}

int io_faults_seen(int kind) { return seen[kind]; }

static int due(int kind) { return seen[kind]++ == armed_n && armed_kind == kind; }

static int is_ours(const char *path)
{
    const char *under = getenv("IO_FAULTS_UNDER");
    return under != NULL && path != NULL && strncmp(path, under, strlen(under)) == 0;
}

static int ours(int fd)
{
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    const ssize_t n = readlink(link, path, sizeof path - 1);
    if (n < 0) return 0;
    path[n] = '\0';
    return is_ours(path);
}

#define REAL(type, name, ...) ((type (*)(__VA_ARGS__))dlsym(RTLD_NEXT, #name))

static int fail(void)
{
    errno = armed_error;
    return -1;
}

#define OPENS(name)                                                                    \
    int name(const char *path, int flags, ...)                                         \
    {                                                                                  \
        va_list args;                                                                  \
        va_start(args, flags);                                                         \
        const mode_t mode = va_arg(args, mode_t);                                      \
        va_end(args);                                                                  \
        if ((flags & O_ACCMODE) != O_RDONLY && is_ours(path) && due(OPEN))             \
            return fail();                                                             \
        return REAL(int, name, const char *, int, ...)(path, flags, mode);             \
    }
OPENS(open)
OPENS(open64)

ssize_t write(int fd, const void *data, size_t n)
{
    if (ours(fd)) {
        if (due(WRITE)) return fail();
        if (n > 1 && due(SHORT_WRITE)) n /= 2;
    }
    return REAL(ssize_t, write, int, const void *, size_t)(fd, data, n);
}

ssize_t read(int fd, void *data, size_t n)
{
    if (ours(fd)) {
        if (due(READ)) return fail();
        if (n > 1 && due(SHORT_READ)) n /= 2;
    }
    return REAL(ssize_t, read, int, void *, size_t)(fd, data, n);
}

int fsync(int fd)
{
    struct stat status;
    /* Of a folder it may fail: many network file systems do not have it. */
    if (ours(fd) && fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && due(FSYNC))
        return fail();
    return REAL(int, fsync, int)(fd);
}

int rename(const char *from, const char *to)
{
    if (is_ours(to) && due(RENAME)) return fail();
    return REAL(int, rename, const char *, const char *)(from, to);
}

int mkdir(const char *path, mode_t mode)
{
    if (is_ours(path) && due(MKDIR)) return fail();
    return REAL(int, mkdir, const char *, mode_t)(path, mode);
}
