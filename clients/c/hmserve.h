/* A client of hmserve in one file: C99 and POSIX, no other library. One source file has `#define
   HMSERVE_IMPLEMENTATION` before it includes this, and includes this before anything else. After an error every call
   does nothing and returns HMSERVE_ERROR: it is enough to look once. */
#ifndef HMSERVE_H
#define HMSERVE_H

typedef struct hmserve hmserve;
typedef struct hmserve_trial {
    int count;             /* of values, and what they are called; an inactive parameter is "" */
    char **names, **values;
    struct hmserve_trial *next;
} hmserve_trial;

enum { HMSERVE_WAIT = 0, HMSERVE_END = -1, HMSERVE_ERROR = -2, HMSERVE_REFUSED = 1, HMSERVE_STOP = 2 };

/* Starts hmserve: $HMSERVE, or "hmserve". `outputs` names the columns you answer, with commas: objectives, measured
   constraints, feasibility; and the fidelity if you tell how far an evaluation went. `ask_tell`: whether results come
   one by one. At most 90 `more` of its arguments, such as "--resume", end with NULL. */
hmserve *hmserve_open(const char *scenario, const char *outputs, int ask_tell, const char *const *more);
/* Asks for all trials of the next request (classic, when all of the last one are told), or for at most `count`
   (ask-tell). Returns how many came, HMSERVE_WAIT if there is none until one is told, HMSERVE_END, HMSERVE_ERROR.
   hmserve_next has one after the other, then NULL. A trial is valid until it is told, or hmserve_close. */
int hmserve_ask(hmserve *h, int count);
hmserve_trial *hmserve_next(hmserve *h);
/* Tells a value for each output (feasibility: 0 or 1); NULL, or NaN as an objective: the evaluation failed. Returns 0,
   HMSERVE_ERROR, or HMSERVE_REFUSED (ask-tell): hmserve did not take it, hmserve_error says why, the run goes on. */
int hmserve_tell(hmserve *h, hmserve_trial *trial, const double *values);
/* Ask-tell. drop gives back a trial that was never evaluated. report says how one stands: 0, or HMSERVE_STOP if it is
   to end, and be told with the fidelity it has reached. status: JSON, until the next call. stop: ask no more. */
int hmserve_drop(hmserve *h, const hmserve_trial *trial);
int hmserve_report(hmserve *h, const hmserve_trial *trial, double fidelity, double objective);
const char *hmserve_status(hmserve *h);
int hmserve_stop(hmserve *h);
/* Brings the best trials, with their outputs, for hmserve_next; returns how many. Classic needs "print_best": true. */
int hmserve_best(hmserve *h);
/* What went wrong last, such as why a row was refused; NULL if nothing did since the last hmserve_ask. */
const char *hmserve_error(const hmserve *h);
/* Ends the conversation, at any time. Returns the exit status of hmserve, 128 + the signal if there was one. */
int hmserve_close(hmserve *h);
/* Values by name. Inactive parameters and unknown names are NULL, NaN, 0. */
const char *hmserve_text(const hmserve_trial *trial, const char *name);
double hmserve_real(const hmserve_trial *trial, const char *name);
long hmserve_integer(const hmserve_trial *trial, const char *name);
int hmserve_permutation(const hmserve_trial *trial, const char *name, int *order, int size);
#endif
#ifdef HMSERVE_IMPLEMENTATION
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct hmserve {
    pid_t pid; /* 0 when it is over */
    int status, ask_tell, open, begun, ended, columns;
    FILE *to, *from, *messages;
    off_t shown; /* how much of its messages */
    char *line, **outputs, buffer[1 << 16], said[1 << 15], error[(1 << 15) + 100];
    size_t room;
    hmserve_trial *all, *first, *best; /* in memory; to be handed out */
};

static void *hmserve_memory(void *memory) {
    if (memory)
        return memory;
    perror("hmserve.h");
    exit(EXIT_FAILURE);
}

static int hmserve_fail(hmserve *h, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(h->error, sizeof h->error, format, arguments);
    va_end(arguments);
    return h->ended = HMSERVE_ERROR;
}

/* What hmserve wrote on standard error since the last time; of very much the end. */
static const char *hmserve_said(hmserve *h) {
    const ssize_t most = sizeof h->said - 1;
    ssize_t length = h->messages ? pread(fileno(h->messages), h->said, (size_t)most, h->shown) : 0;
    h->said[length > 0 ? length : 0] = '\0';
    h->shown += length > 0 ? length : 0;
    return length == most && fputs(h->said, stderr) >= 0 ? hmserve_said(h) : h->said;
}

static int hmserve_leave(hmserve *h) {
    if (h->pid > 0) {
        fclose(h->to);
        fclose(h->from);
        while (waitpid(h->pid, &h->status, 0) < 0 && errno == EINTR)
            continue;
        h->pid = 0;
        h->status = WIFEXITED(h->status) ? WEXITSTATUS(h->status) : 128 + WTERMSIG(h->status);
    }
    return h->status;
}

static int hmserve_dead(hmserve *h) {
    int status = hmserve_leave(h);
    return hmserve_fail(h, "hmserve ended with exit status %d: %s", status, hmserve_said(h));
}

static int hmserve_garbage(hmserve *h, const char *expected) {
    return hmserve_fail(h, "expected %s from hmserve, came '%.200s'", expected, h->line);
}

/* Sends what is written to h->to. A hmserve that is gone shows as an error, not as our own death by SIGPIPE. */
static int hmserve_send(hmserve *h) {
    struct sigaction ignore = {.sa_handler = SIG_IGN}, before;
    sigaction(SIGPIPE, &ignore, &before);
    int lost = fflush(h->to) ? hmserve_dead(h) : 0;
    sigaction(SIGPIPE, &before, NULL);
    return lost;
}

/* Reads a line into h->line, without its end. */
static int hmserve_read(hmserve *h) {
    size_t length = 0;
    for (int c = 0; c != '\n'; h->line[length++] = (char)c) {
        while (h->pid > 0 && (c = getc(h->from)) == EOF && ferror(h->from) && errno == EINTR)
            clearerr(h->from);
        if (h->pid == 0 || c == EOF)
            return hmserve_dead(h);
        if (length + 1 >= h->room)
            h->line = hmserve_memory(realloc(h->line, h->room += h->room + 200));
    }
    h->line[length] = '\0';
    h->line[strcspn(h->line, "\r\n")] = '\0';
    return 0;
}

/* Says something, and reads the first line of its answer. */
static int hmserve_say(hmserve *h, const char *format, ...) {
    va_list arguments;
    if (h->ended == HMSERVE_ERROR || (h->pid == 0 && hmserve_dead(h)))
        return HMSERVE_ERROR;
    va_start(arguments, format);
    vfprintf(h->to, format, arguments);
    va_end(arguments);
    if (hmserve_send(h) || hmserve_read(h))
        return HMSERVE_ERROR;
    return strncmp(h->line, "Error ", 6) ? 0 : hmserve_fail(h, "hmserve refused the message: %.800s", h->line);
}

/* The number in h->line, where that is as `format` says. */
static int hmserve_counted(const hmserve *h, const char *format) {
    int count;
    return sscanf(h->line, format, &count) == 1 ? count : -1;
}

static int hmserve_taken(hmserve *h) {
    int refused = hmserve_counted(h, "Ok %*d %d");
    if (refused <= 0)
        return refused ? hmserve_garbage(h, "Ok") : 0;
    if (hmserve_read(h))
        return HMSERVE_ERROR;
    snprintf(h->error, sizeof h->error, "%s", strncmp(h->line, "Error 1 ", 8) ? h->line : h->line + 8);
    return HMSERVE_REFUSED;
}

/* Cuts a copy of a line at its commas, but not at those of a permutation. */
static char **hmserve_fields(const char *line, int *count) {
    size_t size = strlen(line) + 1, length;
    char **fields = hmserve_memory(malloc(size * sizeof *fields + size));
    char *text = memcpy(fields + size, line, size);
    for (*count = 0;; *text++ = '\0') {
        fields[(*count)++] = text;
        length = *text == '(' ? 1 + strspn(text + 1, "0123456789, ") : 0;
        text += text[length] == ')' ? length : 0;
        text += strcspn(text, ",");
        if (*text == '\0')
            return fields;
    }
}

/* Reads a header and rows for hmserve_next; returns how many. */
static int hmserve_rows(hmserve *h, int count) {
    hmserve_trial **last = &h->all;
    h->first = NULL;
    char *header = hmserve_read(h) ? NULL : hmserve_memory(strdup(h->line));
    while (*last)
        last = &(*last)->next;
    for (int row = 0, fields; header && row < count && !hmserve_read(h); row++) {
        hmserve_trial *trial = *last = hmserve_memory(calloc(1, sizeof *trial));
        h->first = row == 0 ? trial : h->first;
        trial->names = hmserve_fields(header, &trial->count);
        trial->values = hmserve_fields(h->line, &fields);
        if (fields != trial->count && hmserve_garbage(h, "as many values as names"))
            break;
        last = &trial->next;
    }
    free(header);
    return h->ended == HMSERVE_ERROR ? HMSERVE_ERROR : count;
}

static void hmserve_forget(hmserve *h, hmserve_trial *trial) {
    hmserve_trial **each = &h->all;
    while (*each != trial)
        each = &(*each)->next;
    *each = trial->next;
    free(trial->names);
    free(trial->values);
    free(trial);
}

static void hmserve_start(hmserve *h, const char **words) {
    int ends[4] = {-1, -1, -1, -1}; /* it reads, we write, we read, it writes */
    h->pid = pipe(ends) == 0 && pipe(ends + 2) == 0 && (h->messages = tmpfile()) != NULL ? fork() : -1;
    if (h->pid < 0)
        hmserve_fail(h, "cannot start a process: %s", strerror(errno));
    for (int k = 0; k < 4; k++)
        fcntl(ends[k], F_SETFD, FD_CLOEXEC);
    if (h->messages)
        fcntl(fileno(h->messages), F_SETFD, FD_CLOEXEC);
    if (h->pid == 0) { /* the ends may have the numbers 0, 1, 2 */
        int in = fcntl(ends[0], F_DUPFD_CLOEXEC, 3), out = fcntl(ends[3], F_DUPFD_CLOEXEC, 3);
        dup2(fileno(h->messages), STDERR_FILENO);
        dup2(in, STDIN_FILENO);
        dup2(out, STDOUT_FILENO);
        execvp(words[0], (char *const *)words);
        dprintf(STDERR_FILENO, "cannot start %s: %s", words[0], strerror(errno));
        _exit(127);
    }
    for (int k = 0; k < 4; k++)
        if (h->pid < 0 || k == 0 || k == 3)
            close(ends[k]);
    if (h->pid < 0)
        return;
    h->to = hmserve_memory(fdopen(ends[1], "w"));
    h->from = hmserve_memory(fdopen(ends[2], "r"));
    setvbuf(h->to, h->buffer, _IOFBF, sizeof h->buffer);
}

hmserve *hmserve_open(const char *scenario, const char *outputs, int ask_tell, const char *const *more) {
    const char *variable = getenv("HMSERVE"), *program = variable && *variable ? variable : "hmserve";
    const char *words[100] = {program, "--config", scenario, "--protocol", "ask-tell"};
    int n = ask_tell ? 5 : 3;
    hmserve *h = hmserve_memory(calloc(1, sizeof *h));
    h->outputs = hmserve_fields(outputs, &h->columns);
    h->ask_tell = ask_tell;
    h->status = EXIT_FAILURE;
    for (words[n] = NULL; more && *more && n < 99; words[n] = NULL)
        words[n++] = *more++;
    hmserve_start(h, words);
    return h;
}

/* Reads a block before the end; 0: there is none. */
static int hmserve_aside(hmserve *h) {
    int best = strcmp(h->line, "Best point found:") == 0;
    if (!best && strcmp(h->line, "Minimum of the posterior mean:") != 0)
        return !h->line[0] || strcmp(h->line, "Multiple objectives, there is no single best point.") == 0;
    int count = hmserve_rows(h, 1);
    h->best = best ? h->first : h->best;
    return count;
}

int hmserve_ask(hmserve *h, int count) {
    int aside = 0;
    if (h->ended)
        return h->ended;
    if (!h->ask_tell && h->open > 0)
        return hmserve_fail(h, "%d trials of the last request have no result yet", h->open);
    h->begun = h->error[0] = 0;
    do {
        if (aside < 0 || hmserve_say(h, h->ask_tell ? "Ask %d\n" : "", count))
            return HMSERVE_ERROR;
    } while (!h->ask_tell && (aside = hmserve_aside(h)) != 0);
    if (h->ask_tell && hmserve_counted(h, "Wait %d") >= 0)
        return HMSERVE_WAIT;
    if (strcmp(h->line, "End of HyperMapper") == 0) {
        h->ended = HMSERVE_END;
        return h->ask_tell || hmserve_leave(h) == 0 ? HMSERVE_END : hmserve_dead(h);
    }
    fputs(hmserve_said(h), stderr);
    h->open = hmserve_counted(h, "Request %d");
    return h->open > 0 ? hmserve_rows(h, h->open) : hmserve_garbage(h, "a request");
}

hmserve_trial *hmserve_next(hmserve *h) {
    hmserve_trial *trial = h->first;
    h->first = trial ? trial->next : NULL;
    return trial;
}

static int hmserve_find(char **names, int place, const char *name) {
    while (--place >= 0 && strcmp(names[place], name) != 0)
        continue;
    return place;
}

/* Writes the texts of the inputs, then a comma; not of those that are outputs too. */
static void hmserve_echo(hmserve *h, const hmserve_trial *trial, char **texts) {
    for (int k = 0; k < trial->count; k++)
        if (hmserve_find(h->outputs, h->columns, trial->names[k]) < 0)
            fprintf(h->to, "%s,", texts[k]);
}

/* A number with a point, whatever the locale. */
static const char *hmserve_number(char text[40], double value) {
    snprintf(text, 40, "%.17g", value);
    char *point = strpbrk(text, localeconv()->decimal_point);
    if (point)
        *point = '.';
    return text;
}

int hmserve_tell(hmserve *h, hmserve_trial *trial, const double *values) {
    char number[40];
    if (h->ended == HMSERVE_ERROR || (h->pid == 0 && hmserve_dead(h)))
        return HMSERVE_ERROR;
    if (h->ask_tell || !h->begun++) {
        fprintf(h->to, "%s", h->ask_tell ? "Tell 1\n" : "");
        hmserve_echo(h, trial, trial->names);
        for (int k = 0; k < h->columns; k++)
            fprintf(h->to, "%s%c", h->outputs[k], k + 1 < h->columns ? ',' : '\n');
    }
    hmserve_echo(h, trial, trial->values);
    for (int k = 0; k < h->columns; k++)
        fprintf(h->to, "%s%s", k ? "," : "", values ? hmserve_number(number, values[k]) : "");
    hmserve_forget(h, trial);
    h->open--;
    if (!h->ask_tell)
        return fputc('\n', h->to) == EOF ? hmserve_dead(h) : hmserve_send(h);
    return hmserve_say(h, "\n") ? HMSERVE_ERROR : hmserve_taken(h);
}
int hmserve_drop(hmserve *h, const hmserve_trial *trial) {
    const char *number = hmserve_text(trial, "trial");
    return hmserve_say(h, "Drop 1\ntrial\n%s\n", number ? number : "") ? HMSERVE_ERROR : hmserve_taken(h);
}
int hmserve_report(hmserve *h, const hmserve_trial *trial, double fidelity, double objective) {
    char far[40], value[40];
    const char *number = hmserve_text(trial, "trial");
    if (hmserve_say(h, "Report %s,%s,%s\n", number ? number : "", hmserve_number(far, fidelity),
                    hmserve_number(value, objective)))
        return HMSERVE_ERROR;
    if (strcmp(h->line, "Stop") == 0)
        return HMSERVE_STOP;
    return strcmp(h->line, "Continue") == 0 ? 0 : hmserve_garbage(h, "Continue or Stop");
}
const char *hmserve_status(hmserve *h) {
    return hmserve_say(h, "Status\n") ? NULL : h->line + strspn(h->line, "Status ");
}
int hmserve_stop(hmserve *h) { return hmserve_say(h, "Stop\n") ? HMSERVE_ERROR : hmserve_taken(h); }
const char *hmserve_error(const hmserve *h) { return h->error[0] ? h->error : NULL; }

int hmserve_best(hmserve *h) {
    h->first = h->best;
    if (!h->ask_tell)
        return h->ended == HMSERVE_ERROR ? HMSERVE_ERROR : h->best != NULL;
    if (hmserve_say(h, "Best\n"))
        return HMSERVE_ERROR;
    int count = hmserve_counted(h, "Best %d");
    return count >= 0 ? hmserve_rows(h, count) : hmserve_garbage(h, "Best");
}

int hmserve_close(hmserve *h) {
    int status = hmserve_leave(h);
    fputs(hmserve_said(h), stderr);
    while (h->all)
        hmserve_forget(h, h->all);
    if (h->messages)
        fclose(h->messages);
    free(h->outputs);
    free(h->line);
    free(h);
    return status;
}

const char *hmserve_text(const hmserve_trial *trial, const char *name) {
    int place = hmserve_find(trial->names, trial->count, name);
    return place >= 0 && trial->values[place][0] ? trial->values[place] : NULL;
}
double hmserve_real(const hmserve_trial *trial, const char *name) {
    const char *text = hmserve_text(trial, name);
    char copy[64], *point;
    snprintf(copy, sizeof copy, "%s", text ? text : "nan");
    if ((point = strchr(copy, '.')) != NULL)
        *point = localeconv()->decimal_point[0];
    return strtod(copy, NULL);
}
long hmserve_integer(const hmserve_trial *trial, const char *name) {
    const char *text = hmserve_text(trial, name);
    return text ? strtol(text, NULL, 10) : 0;
}
int hmserve_permutation(const hmserve_trial *trial, const char *name, int *order, int size) {
    const char *text = hmserve_text(trial, name);
    int count = 0;
    for (; text && count < size && (text = strpbrk(text, "0123456789")) != NULL; text += strspn(text, "0123456789"))
        order[count++] = atoi(text);
    return count;
}
#endif
