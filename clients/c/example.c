/* Which cut-over and pivot let quicksort do the least work? usage: ./example [HMSERVE] */
#define HMSERVE_IMPLEMENTATION
#include "hmserve.h"
#include "sort.h"

static void evaluate(hmserve *h, hmserve_trial *trial)
{
    double cost = sort_cost((int)hmserve_integer(trial, "cutoff"), hmserve_text(trial, "pivot"),
                            (int)hmserve_integer(trial, "ninther_from"));

    hmserve_tell(h, trial, cost < 0 ? NULL : &cost);
}

int main(int argc, char **argv)
{
    hmserve_options options = {.program = argc > 1 ? argv[1] : NULL};
    hmserve *h = hmserve_open("sort.json", "Work", &options);
    hmserve_trial *trial;
    const char *name, *text;
    int count = 0;

    while (hmserve_ask(h, 1) > 0)
        while ((trial = hmserve_next(h)) != NULL)
            evaluate(h, trial);
    if (hmserve_best(h) > 0)
        for (trial = hmserve_next(h); hmserve_value(trial, count, &name, &text); count++)
            printf("%s=%s\n", name, text);
    if (hmserve_failed(h))
        fprintf(stderr, "example: %s\n", hmserve_error(h));
    return hmserve_close(h);
}
