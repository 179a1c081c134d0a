/* The tdag command as often as wanted for one start of libtorch, which costs half a
 * second of CPU time: for tests that run it hundreds of times.
 *
 * A request is lines on standard input: the number of the command's words, a file for
 * its output, one for its errors (the same: together), then the words. The command runs
 * in a child of its own, which has libtorch already. The answer is a line with its exit
 * status, negative for a signal. What is loaded first is the shim that TDAG_TORCH_SHIM
 * names. */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_WORDS 64

int tdag_main(int argc, char **argv); /* main() of src/cli/main.c */

static char *next_line(void)
{
    char *line = NULL;
    size_t room = 0;
    if (getline(&line, &room, stdin) < 0) {
        free(line);
        return NULL;
    }
    line[strcspn(line, "\n")] = '\0';
    return line;
}

static int create(const char *path)
{
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (file < 0) _exit(126);
    return file;
}

static int command(char **lines, int n_words)
{
    char *argv[MAX_WORDS + 2] = {(char[]){"tdag"}};
    memcpy(argv + 1, lines + 2, (size_t)n_words * sizeof *argv);
    int out = create(lines[0]);
    dup2(out, STDOUT_FILENO);
    dup2(strcmp(lines[0], lines[1]) == 0 ? out : create(lines[1]), STDERR_FILENO);
    int in = open("/dev/null", O_RDONLY);
    dup2(in, STDIN_FILENO);
    return tdag_main(n_words + 1, argv);
}

static int run(char **lines, int n_words)
{
    int status = 0;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) exit(command(lines, n_words));
    if (child < 0 || waitpid(child, &status, 0) != child) return 127;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

int main(void)
{
    const char *shim = getenv("TDAG_TORCH_SHIM");
    if (shim != NULL) dlopen(shim, RTLD_NOW | RTLD_LOCAL);
    for (char *count = next_line(); count != NULL; count = next_line()) {
        char *lines[MAX_WORDS + 2] = {NULL};
        int n_words = atoi(count);
        free(count);
        if (n_words < 1 || n_words > MAX_WORDS) return 2;
        for (int i = 0; i < n_words + 2; i++)
            if ((lines[i] = next_line()) == NULL) return 2;
        printf("%d\n", run(lines, n_words));
        fflush(stdout);
        for (int i = 0; i < n_words + 2; i++)
            free(lines[i]);
    }
    return 0;
}
