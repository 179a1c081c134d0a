/* Messages: one line on standard error each. */
#include "cli/cli.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Long enough for every sentence of the library with its file, node and module. */
#define LINE_SIZE 4096

const char *cli_color(FILE *to, cli_style style)
{
    static const char *const sequences[] = {
        [CLI_PLAIN] = "\033[0m",
        [CLI_TITLE] = "\033[1m",
        [CLI_GOOD] = "\033[32m",
        [CLI_WRONG] = "\033[1;31m",
    };
    const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");
    if (no_color != NULL && no_color[0] != '\0') return "";
    if (term == NULL || strcmp(term, "dumb") == 0 || !isatty(fileno(to))) return "";
    return sequences[style];
}

/* Line breaks become blanks, other control characters '?'. */
static void print_line(char *line)
{
    for (char *s = line; *s != '\0'; s++) {
        if (*s == '\n' || *s == '\t') *s = ' ';
        if ((unsigned char)*s < 0x20) *s = '?';
    }
    fprintf(stderr, "%stdag: error:%s %s\n", cli_color(stderr, CLI_WRONG),
            cli_color(stderr, CLI_PLAIN), line);
}

int cli_fail(int status, const char *format, ...)
{
    char line[LINE_SIZE];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    print_line(line);
    return status;
}

static void append(char *line, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static void append(char *line, const char *format, ...)
{
    size_t n = strlen(line);
    va_list args;
    va_start(args, format);
    vsnprintf(line + n, LINE_SIZE - n, format, args);
    va_end(args);
}

int cli_fail_library(const cli *c, const char *file)
{
    const tdag_error *e = tdag_ctx_get_error(c->ctx);
    char line[LINE_SIZE] = "";
    if (file != NULL && strstr(e->message, file) == NULL) append(line, "%s: ", file);
    append(line, "%s",
           e->message[0] == '\0' ? tdag_status_text(e->status) : e->message);
    const char *separator = " (";
    if (e->node[0] != '\0') {
        append(line, "%snode %s", separator, e->node);
        separator = ", ";
    }
    if (e->scope[0] != '\0') {
        append(line, "%smodule %s", separator, e->scope);
        separator = ", ";
    }
    if (e->offset != UINT64_MAX) {
        append(line, "%sbyte %llu", separator, (unsigned long long)e->offset);
        separator = ", ";
    }
    if (separator[0] == ',') append(line, ")");
    print_line(line);
    return CLI_BAD;
}

double cli_clock(void)
{
    struct timespec now;
    if (clock_gettime(CLOCK_MONOTONIC, &now) != 0) return 0;
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

void cli_progress(const cli *c, const char *what, const char *file)
{
    double seconds = cli_clock() - c->started;
    if ((c->given & CLI_QUIET) || seconds < 1 || !isatty(STDERR_FILENO)) return;
    fprintf(stderr, "tdag: %d s: %s %s\n", (int)(seconds + 0.5), what, file);
}

int cli_flush(void)
{
    if (fflush(stdout) == 0 && !ferror(stdout)) return CLI_DONE;
    return cli_fail(CLI_BAD, "standard output could not be written");
}
