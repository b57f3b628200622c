/* The driver for ../conformance: SCENARIO DIALECT OUTPUTS. */
#define HMSERVE_IMPLEMENTATION
#include "hmserve.h"
#include <math.h>

static const double *black_box(const hmserve_trial *t, const char *outputs, double epochs, double answer[4])
{
    const char *c = hmserve_text(t, "c");
    double x = hmserve_real(t, "x"), m = hmserve_real(t, "m");
    double value = x * x + (double)hmserve_integer(t, "n") + (isnan(m) ? 0 : m);
    int order[8], size = hmserve_permutation(t, "p", order, 8), n = 0;

    if (c && strcmp(c, "fails") == 0)
        return NULL;
    for (int k = 0; k < size; k++)
        value += (k + 1) * order[k];
    answer[n++] = value + (isnan(epochs) ? 0 : 1 / epochs);
    if (strstr(outputs, "Cost"))
        answer[n++] = 1 - x;
    answer[n++] = strstr(outputs, "epochs") ? epochs : !c || strcmp(c, "infeasible") != 0;
    return answer;
}

static void tell(hmserve *h, hmserve_trial *trial, int ask_tell, const char *outputs)
{
    const char *c = hmserve_text(trial, "c");
    int stops = c && strcmp(c, "stops") == 0;
    double answer[4], epochs = hmserve_real(trial, "epochs");

    if (ask_tell && c && strcmp(c, "lost") == 0) {
        hmserve_drop(h, trial);
        return;
    }
    if (ask_tell && strstr(outputs, "epochs") && epochs > 1 &&
        hmserve_report(h, trial, 1, black_box(trial, outputs, 1, answer)[0]) == HMSERVE_STOP)
        epochs = 1;
    if (hmserve_tell(h, trial, black_box(trial, outputs, epochs, answer)) == HMSERVE_REFUSED)
        printf("refused %s\n", hmserve_error(h));
    if (stops && hmserve_stop(h) == 0)
        printf("status %s\n", hmserve_status(h));
}

static void converse(hmserve *h, int ask_tell, const char *outputs)
{
    hmserve_trial *trial, *held = NULL;
    int count;

    while ((count = hmserve_ask(h, 2)) >= 0) {
        if (count == HMSERVE_WAIT && held) {
            tell(h, held, ask_tell, outputs);
            held = NULL;
        }
        while ((trial = hmserve_next(h)) != NULL) {
            if (held)
                tell(h, held, ask_tell, outputs);
            held = trial;
            if (!ask_tell) {
                tell(h, held, ask_tell, outputs);
                held = NULL;
            }
        }
    }
    if (count == HMSERVE_END && hmserve_best(h) >= 0)
        while ((trial = hmserve_next(h)) != NULL)
            for (int k = 0; k < trial->count; k++)
                printf("best %s=%s\n", trial->names[k], trial->values[k]);
}

int main(int argc, char **argv)
{
    if (argc != 4)
        return EXIT_FAILURE;
    int ask_tell = strcmp(argv[2], "ask-tell") == 0;
    hmserve *h = hmserve_open(argv[1], argv[3], ask_tell, NULL);
    converse(h, ask_tell, argv[3]);
    int status = hmserve_error(h) != NULL;
    if (status)
        fprintf(stderr, "conformance: %s\n", hmserve_error(h));
    status |= hmserve_close(h);
    if (!status)
        puts("end");
    return status ? EXIT_FAILURE : EXIT_SUCCESS;
}
