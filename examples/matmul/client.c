/* Tunes the matrix product: starts hmserve as a child and speaks the classic protocol with it.

   usage: ./client [COMMAND]      COMMAND defaults to $HMSERVE, then to
                                  "hmserve --config matmul.json"

   A client for another program needs another `struct shape`, set_field() and evaluate(). */
#define _POSIX_C_SOURCE 200809L
#include "matmul.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LINE = 1000, COLUMNS = 16 };

struct daemon {
    pid_t pid;
    FILE *in, *out; /* what we write to it, what we read from it */
};

struct progress {
    int count, failed;
    struct shape first, best;
    double best_time; /* negative until something worked */
};

static void die(const char *what)
{
    fprintf(stderr, "client: %s: %s\n", what, strerror(errno));
    exit(EXIT_FAILURE);
}

/* ---- the daemon and its pipes ---- */

static struct daemon start(const char *command)
{
    struct daemon hmserve;
    int to[2], from[2];

    if (pipe(to) != 0 || pipe(from) != 0)
        die("pipe");
    hmserve.pid = fork();
    if (hmserve.pid < 0)
        die("fork");
    if (hmserve.pid == 0) {
        dup2(to[0], STDIN_FILENO);
        dup2(from[1], STDOUT_FILENO);
        close(to[0]);
        close(to[1]);
        close(from[0]);
        close(from[1]);
        execl("/bin/sh", "sh", "-c", command, (char *)NULL);
        _exit(127);
    }
    close(to[0]);
    close(from[1]);
    hmserve.in = fdopen(to[1], "w");
    hmserve.out = fdopen(from[0], "r");
    if (!hmserve.in || !hmserve.out)
        die("fdopen");
    return hmserve;
}

/* Returns the exit status as a shell would: 128 + the signal if there was one. */
static int stop(struct daemon *hmserve)
{
    int status;

    fclose(hmserve->in);
    fclose(hmserve->out);
    while (waitpid(hmserve->pid, &status, 0) < 0)
        if (errno != EINTR)
            die("waitpid");
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Reads a line into `line`, without its newline. Returns 0 at the end of the stream, in the
   middle of a line, and if the line is too long. */
static int read_line(FILE *stream, char line[LINE])
{
    if (!fgets(line, LINE, stream))
        return 0;
    char *end = strchr(line, '\n');
    if (!end)
        return 0;
    *end = '\0';
    return 1;
}

/* Cuts `line` at its commas, in place. Returns the number of fields. */
static int split(char *line, char *fields[COLUMNS])
{
    int n = 0;

    while (n < COLUMNS) {
        fields[n++] = line;
        line = strchr(line, ',');
        if (!line)
            return n;
        *line++ = '\0';
    }
    return n;
}

/* ---- the program to be tuned ---- */

static void set_field(struct shape *shape, const char *name, const char *value)
{
    if (strcmp(name, "tile_i") == 0)
        shape->tile_i = atoi(value);
    else if (strcmp(name, "tile_j") == 0)
        shape->tile_j = atoi(value);
    else if (strcmp(name, "tile_k") == 0)
        shape->tile_k = atoi(value);
    else if (strcmp(name, "order") == 0)
        snprintf(shape->order, sizeof shape->order, "%s", value);
    else if (strcmp(name, "unroll") == 0)
        shape->unroll = atoi(value);
}

static void print_shape(const struct shape *shape)
{
    printf("tiles %3d x %3d x %3d  order %s  unroll %d", shape->tile_i, shape->tile_j,
           shape->tile_k, shape->order, shape->unroll);
}

static double evaluate(const struct shape *shape, struct progress *progress)
{
    double time = matmul_milliseconds(shape);

    if (progress->count++ == 0)
        progress->first = *shape;
    if (time < 0)
        progress->failed++;
    else if (progress->best_time < 0 || time < progress->best_time) {
        progress->best = *shape;
        progress->best_time = time;
        printf("%4d  %8.3f ms  ", progress->count, time);
        print_shape(shape);
        printf("\n");
        fflush(stdout);
    }
    return time;
}

/* ---- the conversation ---- */

/* Answers one request of `count` configurations. Returns 0 if hmserve fell silent. */
static int answer(struct daemon *hmserve, int count, struct progress *progress)
{
    char header[LINE], row[LINE], cut[LINE], *names[COLUMNS], *values[COLUMNS];

    if (!read_line(hmserve->out, header))
        return 0;
    fprintf(hmserve->in, "%s,Milliseconds,Valid\n", header);
    int n = split(header, names);
    while (count-- > 0) {
        struct shape shape = {0};
        if (!read_line(hmserve->out, row))
            return 0;
        strcpy(cut, row);
        if (split(cut, values) != n)
            return 0;
        for (int i = 0; i < n; i++)
            set_field(&shape, names[i], values[i]);
        double time = evaluate(&shape, progress);
        if (time < 0)
            fprintf(hmserve->in, "%s,,false\n", row);
        else
            fprintf(hmserve->in, "%s,%.6f,true\n", row, time);
    }
    return fflush(hmserve->in) == 0;
}

/* Returns 1 if the run reached its end. */
static int converse(struct daemon *hmserve, struct progress *progress)
{
    char line[LINE];
    int count;

    while (read_line(hmserve->out, line)) {
        if (strcmp(line, "End of HyperMapper") == 0)
            return 1;
        /* Anything else is for the reader: the best point, if the scenario asks for it. */
        if (sscanf(line, "Request %d", &count) == 1 && !answer(hmserve, count, progress))
            return 0;
    }
    return 0;
}

static double shorter(double a, double b)
{
    return a < b ? a : b;
}

static void report(const struct progress *progress)
{
    printf("%d evaluations, %d of them failed\n", progress->count, progress->failed);
    if (progress->best_time < 0)
        return;
    /* Both once more, in turns: the machine was not equally busy all the time. */
    double before = matmul_milliseconds(&progress->first), after = progress->best_time;
    for (int turn = 0; turn < 4; turn++) {
        after = shorter(after, matmul_milliseconds(&progress->best));
        before = shorter(before, matmul_milliseconds(&progress->first));
    }
    printf("default  %8.3f ms  ", before);
    print_shape(&progress->first);
    printf("\ntuned    %8.3f ms  ", after);
    print_shape(&progress->best);
    printf("\n");
    if (before > 0)
        printf("%.1f times as fast\n", before / after);
}

int main(int argc, char **argv)
{
    struct progress progress = {.best_time = -1};
    const char *command = argc > 1 ? argv[1] : getenv("HMSERVE");

    if (!command)
        command = "hmserve --config matmul.json";
    /* A daemon that is gone shows as a failed write, not as our own death. */
    signal(SIGPIPE, SIG_IGN);
    struct daemon hmserve = start(command);
    int ended = converse(&hmserve, &progress);
    int status = stop(&hmserve);
    if (!ended || status != 0) {
        fprintf(stderr, "client: `%s` ended %s, exit status %d\n", command,
                ended ? "after its last line" : "before the run was over", status);
        return EXIT_FAILURE;
    }
    report(&progress);
    return EXIT_SUCCESS;
}
