/* Where to lay three cooling pipes under a plate with four hot chips: a client of hmserve.

   -div grad T + s T = q on the unit square, no heat through its edges: q is what the chips give
   off, s what the pipes carry away. The fidelity is the number of cells along an edge; the time
   it takes grows with its cube. A solution is kept in checkpoints/TRIAL, where a finer mesh of
   the same plate begins.

   usage: ./heat          speaks the classic protocol on stdin and stdout
          ./heat MESH     the same for a scenario without the column `mesh` */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { LINE = 1000, COLUMNS = 32, PIPES = 3, CHIPS = 4, MOST = 1000 };

static const double PI = 3.14159265358979323846;
static const double WIDTH = 0.03, FLOW = 60, TOLERANCE = 1e-5;

/* left, bottom, right, top, power */
static const double chips[CHIPS][5] = {{0.10, 0.60, 0.30, 0.85, 4},
                                       {0.55, 0.70, 0.80, 0.80, 3},
                                       {0.40, 0.35, 0.50, 0.45, 2},
                                       {0.70, 0.10, 0.90, 0.35, 5}};

/* Where the pipes are, and their shares of the flow: of the first, of the second of the rest. */
enum { X, Y = PIPES, SHARE = 2 * PIPES, NUMBERS = SHARE + PIPES - 1 };

struct plate {
    double value[NUMBERS];
};

struct field {
    int n;
    double *T; /* n * n, by rows */
};

static void die(const char *what)
{
    fprintf(stderr, "heat: %s: %s\n", what, strerror(errno));
    exit(EXIT_FAILURE);
}

static double *cells(int n)
{
    double *found = calloc((size_t)n * (size_t)n, sizeof *found);

    if (!found)
        die("memory");
    return found;
}

/* ---- the plate ---- */

static double overlap(double low, double high, double from, double to)
{
    double length = fmin(high, to) - fmax(low, from);

    return length > 0 ? length : 0;
}

/* What the chips give off in the cell, the same in all on any mesh. */
static double heat(double left, double bottom, double h)
{
    double sum = 0;

    for (int c = 0; c < CHIPS; c++) {
        const double *chip = chips[c];
        double area = (chip[2] - chip[0]) * (chip[3] - chip[1]);
        sum += chip[4] / area * overlap(left, left + h, chip[0], chip[2])
               * overlap(bottom, bottom + h, chip[1], chip[3]);
    }
    return sum;
}

static double cooling(const struct plate *plate, double x, double y)
{
    const double *value = plate->value;
    double first = value[SHARE], second = (1 - first) * value[SHARE + 1];
    double shares[PIPES] = {first, second, 1 - first - second}, sum = 0;

    for (int p = 0; p < PIPES; p++) {
        double dx = x - value[X + p], dy = y - value[Y + p];
        sum += shares[p] * exp(-(dx * dx + dy * dy) / (2 * WIDTH * WIDTH));
    }
    return FLOW * sum / (2 * PI * WIDTH * WIDTH);
}

/* ---- the solution ---- */

/* Successive over-relaxation from what is in `field` on. */
static void solve(const struct plate *plate, struct field *field)
{
    int n = field->n;
    /* As on a square with cold edges, but pipes cool less than edges would. */
    double h = 1.0 / n, omega = 2 / (1 + 0.4 * sin(PI * h)), *T = field->T;
    double *q = cells(n), *s = cells(n), change, largest;

    for (int j = 0; j < n; j++)
        for (int i = 0; i < n; i++) {
            q[j * n + i] = heat(i * h, j * h, h);
            s[j * n + i] = h * h * cooling(plate, (i + 0.5) * h, (j + 0.5) * h);
        }
    do {
        change = largest = 0;
        for (int j = 0; j < n; j++)
            for (int i = 0; i < n; i++) {
                int at = j * n + i, neighbours = (i > 0) + (i < n - 1) + (j > 0) + (j < n - 1);
                double sum = q[at];
                if (i > 0)
                    sum += T[at - 1];
                if (i < n - 1)
                    sum += T[at + 1];
                if (j > 0)
                    sum += T[at - n];
                if (j < n - 1)
                    sum += T[at + n];
                double step = omega * (sum / (neighbours + s[at]) - T[at]);
                T[at] += step;
                change = fmax(change, fabs(step));
                largest = fmax(largest, T[at]);
            }
    } while (change > TOLERANCE * h * largest);
    free(q);
    free(s);
}

static double peak(const struct field *field)
{
    double found = 0;

    for (int k = 0; k < field->n * field->n; k++)
        found = fmax(found, field->T[k]);
    return found;
}

/* ---- checkpoints ---- */

/* Fills `field` from a coarser one. */
static void interpolate(const struct field *coarse, struct field *field)
{
    int n = field->n, m = coarse->n;

    for (int j = 0; j < n; j++)
        for (int i = 0; i < n; i++) {
            double x = fmin(fmax((i + 0.5) * m / n - 0.5, 0), m - 1);
            double y = fmin(fmax((j + 0.5) * m / n - 0.5, 0), m - 1);
            int a = (int)x, b = (int)y, c = a + (a < m - 1), d = b + (b < m - 1);
            const double *T = coarse->T;
            field->T[j * n + i] = (1 - y + b) * ((1 - x + a) * T[b * m + a] + (x - a) * T[b * m + c])
                                  + (y - b) * ((1 - x + a) * T[d * m + a] + (x - a) * T[d * m + c]);
        }
}

/* Begins where the plate was left, if it was and its file is sound; else with nothing. */
static void restore(const char *trial, const struct plate *plate, struct field *field)
{
    char path[LINE + 32];
    struct plate kept;
    struct field coarse = {0};

    snprintf(path, sizeof path, "checkpoints/%s", trial);
    FILE *file = fopen(path, "rb");
    if (!file)
        return;
    if (fread(&kept, sizeof kept, 1, file) == 1 && memcmp(&kept, plate, sizeof kept) == 0
        && fread(&coarse.n, sizeof coarse.n, 1, file) == 1 && coarse.n > 0 && coarse.n <= MOST) {
        size_t count = (size_t)coarse.n * (size_t)coarse.n;
        coarse.T = cells(coarse.n);
        if (fread(coarse.T, sizeof *coarse.T, count, file) == count)
            interpolate(&coarse, field);
        free(coarse.T);
    }
    fclose(file);
}

/* Complete or not at all, whatever happens meanwhile. */
static void keep(const char *trial, const struct plate *plate, const struct field *field)
{
    char part[LINE + 32], path[LINE + 32];
    size_t count = (size_t)field->n * (size_t)field->n;

    mkdir("checkpoints", 0777);
    snprintf(path, sizeof path, "checkpoints/%s", trial);
    snprintf(part, sizeof part, "checkpoints/%s.part", trial);
    FILE *file = fopen(part, "wb");
    if (!file)
        die(part);
    int written = fwrite(plate, sizeof *plate, 1, file) == 1
                  && fwrite(&field->n, sizeof field->n, 1, file) == 1
                  && fwrite(field->T, sizeof *field->T, count, file) == count;
    if (fclose(file) != 0 || !written || rename(part, path) != 0)
        die(path);
}

/* ---- the conversation ---- */

struct question {
    struct plate plate;
    int mesh;
    double previous;
    const char *trial; /* NULL where nothing is resumed */
};

static void set(struct question *question, const char *name, const char *value)
{
    static const char *names[NUMBERS] = {"x1", "x2", "x3", "y1", "y2", "y3", "share1", "share2"};

    for (int i = 0; i < NUMBERS; i++)
        if (strcmp(name, names[i]) == 0)
            question->plate.value[i] = atof(value);
    if (strcmp(name, "mesh") == 0)
        question->mesh = atoi(value);
    if (strcmp(name, "previous") == 0)
        question->previous = atof(value);
    if (strcmp(name, "trial") == 0)
        question->trial = value;
}

static double evaluate(const struct question *question)
{
    struct field field = {question->mesh, cells(question->mesh)};

    if (question->trial && question->previous > 0)
        restore(question->trial, &question->plate, &field);
    solve(&question->plate, &field);
    if (question->trial)
        keep(question->trial, &question->plate, &field);
    double found = peak(&field);
    free(field.T);
    return found;
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

/* Reads a line, without its newline. Returns 0 at the end of the stream. */
static int read_line(char line[LINE])
{
    if (!fgets(line, LINE, stdin))
        return 0;
    line[strcspn(line, "\n")] = '\0';
    return 1;
}

/* Answers `count` rows. Returns 0 if they did not come. */
static int answer(int count, int mesh)
{
    char header[LINE], row[LINE], cut[LINE], *names[COLUMNS], *values[COLUMNS];

    if (!read_line(header))
        return 0;
    printf("%s,peak\n", header);
    int n = split(header, names);
    while (count-- > 0) {
        struct question question = {.mesh = mesh};
        if (!read_line(row))
            return 0;
        strcpy(cut, row);
        if (split(cut, values) != n)
            return 0;
        for (int i = 0; i < n; i++)
            set(&question, names[i], values[i]);
        if (question.mesh < 1 || question.mesh > MOST)
            printf("%s,nan\n", row);
        else
            printf("%s,%.9g\n", row, evaluate(&question));
    }
    return fflush(stdout) == 0;
}

int main(int argc, char **argv)
{
    char line[LINE];
    int count, mesh = argc > 1 ? atoi(argv[1]) : 0;

    while (read_line(line)) {
        if (strcmp(line, "End of HyperMapper") == 0)
            return EXIT_SUCCESS;
        if (sscanf(line, "Request %d", &count) == 1 && !answer(count, mesh))
            break;
    }
    fprintf(stderr, "heat: the conversation broke off\n");
    return EXIT_FAILURE;
}
