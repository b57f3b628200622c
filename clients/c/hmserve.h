/* A client of hmserve in one file: C99 and POSIX, no other library.

   In one source file, before any other include:

       #define HMSERVE_IMPLEMENTATION
       #include "hmserve.h"

   and in others only the include. The loop, in either dialect:

       hmserve *h = hmserve_open("app.json", "Seconds,Valid", NULL);
       while (hmserve_ask(h, 1) > 0)
           while ((trial = hmserve_next(h)) != NULL) {
               double answer[2] = {measure(hmserve_integer(trial, "tile")), 1};
               hmserve_tell(h, trial, answer);
           }
       if (hmserve_failed(h)) fprintf(stderr, "%s\n", hmserve_error(h));
       hmserve_close(h);

   After an error every call returns HMSERVE_ERROR and does nothing, so that it is enough to look once. */
#ifndef HMSERVE_H
#define HMSERVE_H
#ifdef __cplusplus
extern "C" {
#endif

typedef struct hmserve hmserve;
typedef struct hmserve_trial hmserve_trial;

enum { HMSERVE_WAIT = 0, HMSERVE_END = -1, HMSERVE_ERROR = -2, HMSERVE_REFUSED = 1 };

typedef struct {
    const char *program;          /* NULL: the environment variable HMSERVE, or "hmserve" */
    const char *const *arguments; /* more of them, such as "--resume"; ends with NULL */
    int ask_tell;                 /* not 0: results come one by one, in any order */
} hmserve_options;

/* Starts hmserve. `outputs` names the columns you answer, with commas: objectives, measured
   constraints, feasibility. Never NULL: what went wrong is told by hmserve_error. Ends the
   program where there is no memory. */
hmserve *hmserve_open(const char *scenario, const char *outputs, const hmserve_options *options);

/* Asks for trials: for all of the next request (classic, when all of the last one are told), or
   for at most `count` (ask-tell). Returns how many came, HMSERVE_WAIT if there is none until
   one is told (ask-tell), HMSERVE_END when the run is over, HMSERVE_ERROR. */
int hmserve_ask(hmserve *h, int count);

/* Returns the next trial of what hmserve_ask or hmserve_best has brought, NULL after the last. It is
   valid until it is told or dropped, or hmserve_close. */
hmserve_trial *hmserve_next(hmserve *h);

/* Tells the value of each output (feasibility: 0 or 1); NULL, or NaN as an objective, says that
   the evaluation failed. Returns 0, HMSERVE_REFUSED if hmserve does not take it (ask-tell; the
   run goes on, hmserve_error has the reason), HMSERVE_ERROR. The trial is no longer valid. */
int hmserve_tell(hmserve *h, hmserve_trial *trial, const double *values);

/* Gives back a trial that was never evaluated (ask-tell). Returns as hmserve_tell. */
int hmserve_drop(hmserve *h, hmserve_trial *trial);

/* Brings the best trials, with their outputs, for hmserve_next. Returns their number, or HMSERVE_ERROR.
   Classic: at the end, and if the scenario has "print_best": true. */
int hmserve_best(hmserve *h);

/* Whether something went wrong, and what; also why a row was refused. */
int hmserve_failed(const hmserve *h);
const char *hmserve_error(const hmserve *h);

/* Ends the conversation. Returns the exit status of hmserve, 128 + the signal if there was one. */
int hmserve_close(hmserve *h);

/* Values by name. Inactive parameters and unknown names are NULL, NaN, 0. */
const char *hmserve_text(const hmserve_trial *trial, const char *name);
double hmserve_real(const hmserve_trial *trial, const char *name);
long hmserve_integer(const hmserve_trial *trial, const char *name);
int hmserve_permutation(const hmserve_trial *trial, const char *name, int *order, int size);

/* Values by place, from 0: returns 0 where there is none. */
int hmserve_value(const hmserve_trial *trial, int place, const char **name, const char **text);

#ifdef __cplusplus
}
#endif
#endif

#ifdef HMSERVE_IMPLEMENTATION
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <math.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

struct hmserve_trial {
    hmserve_trial *next, *older; /* in what came last; among all that are in memory */
    int count;
    char *header, *row, **names, **values;
};

struct hmserve {
    pid_t pid; /* 0 when it is over */
    int to, status, ask_tell, open, begun, ended;
    FILE *from, *messages;
    char *outputs, *line, error[1000];
    size_t room;
    hmserve_trial *all, *first, **last, *best;
};

static void *hmserve_memory(void *old, size_t size)
{
    void *memory = realloc(old, size);

    if (!memory) {
        perror("hmserve.h");
        exit(EXIT_FAILURE);
    }
    return memory;
}

static int hmserve_fail(hmserve *h, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(h->error, sizeof h->error, format, arguments);
    va_end(arguments);
    return h->ended = HMSERVE_ERROR;
}

static int hmserve_leave(hmserve *h)
{
    int status = 0;

    if (h->pid > 0) {
        close(h->to);
        fclose(h->from);
        while (waitpid(h->pid, &status, 0) < 0 && errno == EINTR)
            continue;
        h->pid = 0;
        h->status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }
    return h->status;
}

static int hmserve_dead(hmserve *h)
{
    char text[800];
    int status = hmserve_leave(h);

    rewind(h->messages);
    text[fread(text, 1, sizeof text - 1, h->messages)] = '\0';
    return hmserve_fail(h, "hmserve ended with exit status %d: %s", status, text);
}

static int hmserve_garbage(hmserve *h, const char *expected)
{
    kill(h->pid, SIGTERM);
    hmserve_leave(h);
    return hmserve_fail(h, "expected %s from hmserve, came '%.200s'", expected, h->line);
}

/* Reads a line into h->line, without its newline. */
static int hmserve_read(hmserve *h)
{
    size_t length = 0;

    while (h->pid > 0 && fgets(h->line + length, (int)(h->room - length), h->from)) {
        length += strlen(h->line + length);
        if (length > 0 && h->line[length - 1] == '\n') {
            h->line[length - 1] = '\0';
            return 0;
        }
        h->line = (char *)hmserve_memory(h->line, h->room *= 2);
    }
    return hmserve_dead(h);
}

/* A hmserve that is gone shows as an error here, not as our own death by SIGPIPE. */
static int hmserve_write(hmserve *h, const char *text)
{
    struct sigaction ignore, before;
    size_t left = strlen(text);

    memset(&ignore, 0, sizeof ignore);
    ignore.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &ignore, &before);
    while (h->pid > 0 && left > 0) {
        ssize_t done = write(h->to, text, left);
        if (done < 0 && errno != EINTR)
            break;
        left -= done > 0 ? (size_t)done : 0;
        text += done > 0 ? done : 0;
    }
    sigaction(SIGPIPE, &before, NULL);
    return left == 0 ? 0 : hmserve_dead(h);
}

/* Cuts `text` at its commas, in place, but not at those of a permutation; returns the number of fields. */
static int hmserve_cut(char *text, char **fields)
{
    int count = 1, depth = 0;

    for (fields[0] = text; *text; text++) {
        depth += (*text == '(') - (*text == ')' && depth > 0);
        if (*text == ',' && depth == 0) {
            *text = '\0';
            fields[count++] = text + 1;
        }
    }
    return count;
}

static void hmserve_forget(hmserve *h, hmserve_trial *trial)
{
    hmserve_trial **each;

    for (each = &h->all; *each && *each != trial; each = &(*each)->older)
        continue;
    if (*each)
        *each = trial->older;
    free(trial);
}

/* Makes a trial of a header and h->line; it is one piece of memory. */
static int hmserve_add(hmserve *h, const char *header)
{
    size_t names = strlen(header) + 1, row = strlen(h->line) + 1, most = (names > row ? names : row);
    hmserve_trial *trial = (hmserve_trial *)hmserve_memory(
        NULL, sizeof *trial + 2 * most * sizeof(char *) + 2 * names + 2 * row);

    trial->names = (char **)(trial + 1);
    trial->values = trial->names + most;
    trial->header = strcpy((char *)(trial->values + most), header);
    trial->row = strcpy(trial->header + names, h->line);
    trial->count = hmserve_cut(strcpy(trial->row + row, header), trial->names);
    trial->next = NULL;
    trial->older = h->all;
    h->all = *h->last = trial;
    h->last = &trial->next;
    if (hmserve_cut(strcpy(trial->row + row + names, h->line), trial->values) != trial->count)
        return hmserve_garbage(h, "as many values as names");
    return 0;
}

/* Reads a header and rows for hmserve_next; returns how many. */
static int hmserve_rows(hmserve *h, int count)
{
    h->first = NULL;
    h->last = &h->first;
    if (hmserve_read(h))
        return HMSERVE_ERROR;
    char *header = strcpy((char *)hmserve_memory(NULL, strlen(h->line) + 1), h->line);
    int row = 0;
    while (row < count && !hmserve_read(h) && !hmserve_add(h, header))
        row++;
    free(header);
    return row == count ? count : HMSERVE_ERROR;
}

static void hmserve_child(const int to[2], const int from[2], int messages, const char **arguments)
{
    dup2(to[0], STDIN_FILENO);
    dup2(from[1], STDOUT_FILENO);
    dup2(messages, STDERR_FILENO);
    signal(SIGPIPE, SIG_DFL);
    execvp(arguments[0], (char *const *)arguments);
    dprintf(STDERR_FILENO, "cannot start %s: %s", arguments[0], strerror(errno));
    _exit(127);
}

static int hmserve_start(hmserve *h, const char **arguments)
{
    int ends[4]; /* it reads, we write, we read, it writes */

    h->messages = tmpfile();
    if (!h->messages || pipe(ends) || pipe(ends + 2))
        return hmserve_fail(h, "cannot make a pipe: %s", strerror(errno));
    for (int k = 0; k < 4; k++)
        fcntl(ends[k], F_SETFD, FD_CLOEXEC);
    h->pid = fork();
    if (h->pid == 0)
        hmserve_child(ends, ends + 2, fileno(h->messages), arguments);
    close(ends[0]);
    close(ends[3]);
    h->to = ends[1];
    h->from = fdopen(ends[2], "r");
    return h->pid > 0 && h->from ? 0 : hmserve_fail(h, "cannot start a process: %s", strerror(errno));
}

hmserve *hmserve_open(const char *scenario, const char *outputs, const hmserve_options *options)
{
    static const hmserve_options defaults;
    const char *arguments[40] = {NULL, "--config", scenario};
    hmserve *h = (hmserve *)hmserve_memory(NULL, sizeof *h);
    int n = 3;

    memset(h, 0, sizeof *h);
    options = options ? options : &defaults;
    h->outputs = strcpy((char *)hmserve_memory(NULL, strlen(outputs) + 1), outputs);
    h->line = (char *)hmserve_memory(NULL, h->room = 1000);
    h->ask_tell = options->ask_tell;
    arguments[0] = options->program ? options->program : getenv("HMSERVE");
    if (!arguments[0] || !*arguments[0])
        arguments[0] = "hmserve";
    for (int k = 0; options->arguments && options->arguments[k] && n < 36; k++)
        arguments[n++] = options->arguments[k];
    if (h->ask_tell) {
        arguments[n++] = "--protocol";
        arguments[n++] = "ask-tell";
    }
    hmserve_start(h, arguments);
    return h;
}

/* Reads a block before the end. Returns 0 if h->line begins none. */
static int hmserve_aside(hmserve *h)
{
    if (strcmp(h->line, "Best point found:") == 0) {
        int count = hmserve_rows(h, 1);
        h->best = h->first;
        return count;
    }
    if (strcmp(h->line, "Minimum of the posterior mean:") == 0)
        return hmserve_read(h) || hmserve_read(h) ? HMSERVE_ERROR : 1;
    return !h->line[0] || strcmp(h->line, "Multiple objectives, there is no single best point.") == 0;
}

int hmserve_ask(hmserve *h, int count)
{
    char message[40];
    int end = 0, aside = 1;

    if (h->ended)
        return h->ended;
    if (!h->ask_tell && h->open)
        return hmserve_fail(h, "%d trials of the last request have no result yet", h->open);
    snprintf(message, sizeof message, "Ask %d\n", count);
    if (h->ask_tell && hmserve_write(h, message))
        return HMSERVE_ERROR;
    for (h->begun = 0; aside > 0; aside = h->ask_tell ? 0 : hmserve_aside(h)) {
        h->first = NULL;
        if (hmserve_read(h))
            return HMSERVE_ERROR;
        if (sscanf(h->line, "Request %d%n", &count, &end) == 1 && !h->line[end])
            return h->open = hmserve_rows(h, count);
        if (strcmp(h->line, "End of HyperMapper") == 0) {
            h->ended = HMSERVE_END;
            return h->ask_tell || hmserve_leave(h) == 0 ? HMSERVE_END : hmserve_dead(h);
        }
        if (h->ask_tell && strncmp(h->line, "Wait ", 5) == 0)
            return HMSERVE_WAIT;
    }
    return aside ? HMSERVE_ERROR : hmserve_garbage(h, "a request");
}

hmserve_trial *hmserve_next(hmserve *h)
{
    hmserve_trial *trial = h->first;

    h->first = trial ? trial->next : NULL;
    return trial;
}

/* Sends a message and reads Ok, and why a row was not taken. */
static int hmserve_confirm(hmserve *h, const char *message)
{
    int refused, at = 0;

    if (hmserve_write(h, message) || hmserve_read(h))
        return HMSERVE_ERROR;
    if (strncmp(h->line, "Error ", 6) == 0)
        return hmserve_fail(h, "hmserve refused the message: %.800s", h->line + 8);
    if (sscanf(h->line, "Ok %*d %d", &refused) != 1)
        return hmserve_garbage(h, "Ok");
    for (int row = 0; row < refused; row++) {
        if (hmserve_read(h))
            return HMSERVE_ERROR;
        sscanf(h->line, "Error %*d %n", &at);
        snprintf(h->error, sizeof h->error, "%s", h->line + at);
    }
    return refused ? HMSERVE_REFUSED : 0;
}

/* Writes a comma and a value, with a point whatever the locale; returns the length. */
static int hmserve_number(char *text, double value)
{
    int length = isnan(value) ? sprintf(text, ",nan") : sprintf(text, ",%.17g", value);
    char *point = strchr(text + 1, localeconv()->decimal_point[0]);

    if (point)
        *point = '.';
    return length;
}

int hmserve_tell(hmserve *h, hmserve_trial *trial, const double *values)
{
    size_t size = strlen(trial->header) + strlen(trial->row) + 41 * strlen(h->outputs) + 100;
    char *message = (char *)hmserve_memory(NULL, size), *at = message;

    at += sprintf(at, "%s", h->ask_tell ? "Tell 1\n" : "");
    if (h->ask_tell || !h->begun)
        at += sprintf(at, "%s,%s\n", trial->header, h->outputs);
    at += sprintf(at, "%s", trial->row);
    for (const char *c = h->outputs; c; c = strchr(c + 1, ','))
        at += values ? hmserve_number(at, *values++) : sprintf(at, ",");
    sprintf(at, "\n");
    h->begun = 1;
    h->open--;
    hmserve_forget(h, trial);
    int status = h->ended == HMSERVE_ERROR ? HMSERVE_ERROR
                 : h->ask_tell             ? hmserve_confirm(h, message)
                                           : hmserve_write(h, message);
    free(message);
    return status;
}

int hmserve_drop(hmserve *h, hmserve_trial *trial)
{
    char message[100];

    snprintf(message, sizeof message, "Drop 1\ntrial\n%ld\n", hmserve_integer(trial, "trial"));
    hmserve_forget(h, trial);
    return h->ended == HMSERVE_ERROR ? HMSERVE_ERROR : hmserve_confirm(h, message);
}

int hmserve_best(hmserve *h)
{
    int count;

    if (h->ended == HMSERVE_ERROR)
        return HMSERVE_ERROR;
    h->first = h->best;
    if (!h->ask_tell)
        return h->best ? 1 : 0;
    if (hmserve_write(h, "Best\n") || hmserve_read(h))
        return HMSERVE_ERROR;
    return sscanf(h->line, "Best %d", &count) == 1 ? hmserve_rows(h, count) : hmserve_garbage(h, "Best");
}

int hmserve_failed(const hmserve *h)
{
    return h->ended == HMSERVE_ERROR;
}

const char *hmserve_error(const hmserve *h)
{
    return h->error;
}

int hmserve_close(hmserve *h)
{
    int status = hmserve_leave(h);

    while (h->all)
        hmserve_forget(h, h->all);
    if (h->messages)
        fclose(h->messages);
    free(h->outputs);
    free(h->line);
    free(h);
    return status;
}

int hmserve_value(const hmserve_trial *trial, int place, const char **name, const char **text)
{
    if (place < 0 || place >= trial->count)
        return 0;
    *name = trial->names[place];
    *text = trial->values[place];
    return 1;
}

const char *hmserve_text(const hmserve_trial *trial, const char *name)
{
    for (int k = 0; k < trial->count; k++)
        if (strcmp(trial->names[k], name) == 0)
            return trial->values[k][0] ? trial->values[k] : NULL;
    return NULL;
}

double hmserve_real(const hmserve_trial *trial, const char *name)
{
    const char *text = hmserve_text(trial, name);
    char copy[64];

    if (!text)
        return NAN;
    snprintf(copy, sizeof copy, "%s", text);
    char *point = strchr(copy, '.');
    if (point)
        *point = localeconv()->decimal_point[0];
    return strtod(copy, NULL);
}

long hmserve_integer(const hmserve_trial *trial, const char *name)
{
    const char *text = hmserve_text(trial, name);

    return text ? strtol(text, NULL, 10) : 0;
}

int hmserve_permutation(const hmserve_trial *trial, const char *name, int *order, int size)
{
    const char *text = hmserve_text(trial, name);
    int count = 0, length = 0;

    while (text && count < size && sscanf(text, "%*[(, ]%d%n", order + count, &length) == 1) {
        text += length;
        count++;
    }
    return count;
}
#endif
