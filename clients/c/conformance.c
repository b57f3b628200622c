/* The driver for ../conformance: SCENARIO DIALECT OUTPUTS. */
#define HMSERVE_IMPLEMENTATION
#include "hmserve.h"

static const double *black_box(const hmserve_trial *t, const char *outputs, double answer[3])
{
    const char *c = hmserve_text(t, "c");
    double x = hmserve_real(t, "x"), m = hmserve_real(t, "m"), epochs = hmserve_real(t, "epochs");
    double value = x * x + (double)hmserve_integer(t, "n") + (isnan(m) ? 0 : m);
    int order[8], size = hmserve_permutation(t, "p", order, 8), n = 0;

    if (c && strcmp(c, "fails") == 0)
        return NULL;
    for (int k = 0; k < size; k++)
        value += (k + 1) * order[k];
    answer[n++] = value + (isnan(epochs) ? 0 : 1 / epochs);
    if (strstr(outputs, "Cost"))
        answer[n++] = 1 - x;
    answer[n++] = !c || strcmp(c, "infeasible") != 0;
    return answer;
}

static void tell(hmserve *h, hmserve_trial *trial, const char *outputs)
{
    double answer[3];

    if (hmserve_tell(h, trial, black_box(trial, outputs, answer)) == HMSERVE_REFUSED)
        printf("refused %s\n", hmserve_error(h));
}

static void converse(hmserve *h, int ask_tell, const char *outputs)
{
    hmserve_trial *trial, *held = NULL;
    int count;

    while ((count = hmserve_ask(h, 2)) >= 0) {
        if (count == HMSERVE_WAIT && held) {
            tell(h, held, outputs);
            held = NULL;
        }
        while ((trial = hmserve_next(h)) != NULL) {
            if (held)
                tell(h, held, outputs);
            held = trial;
            if (!ask_tell) {
                tell(h, held, outputs);
                held = NULL;
            }
        }
    }
    if (count == HMSERVE_END && hmserve_best(h) >= 0)
        while ((trial = hmserve_next(h)) != NULL) {
            const char *name, *text;
            for (int k = 0; hmserve_value(trial, k, &name, &text); k++)
                printf("best %s=%s\n", name, text);
        }
}

int main(int argc, char **argv)
{
    if (argc != 4)
        return EXIT_FAILURE;
    hmserve_options options = {.ask_tell = strcmp(argv[2], "ask-tell") == 0};
    hmserve *h = hmserve_open(argv[1], argv[3], &options);
    converse(h, options.ask_tell, argv[3]);
    int status = hmserve_failed(h);
    if (status)
        fprintf(stderr, "conformance: %s\n", hmserve_error(h));
    status |= hmserve_close(h);
    if (!status)
        puts("end");
    return status ? EXIT_FAILURE : EXIT_SUCCESS;
}
