/*
 * Event-by-event simulation of the FIFO M/G/c queue (mean service time 1). libc only.
 *
 *   gcc -O3 -march=native -o mgc mgc.c -lm
 *   ./mgc run LAW SCV C OFFERED_LOAD JOBS SEED [TARGET ...]   one JSON object: p95, waits, P(T > TARGET)
 *   ./mgc sample LAW SCV COUNT SEED                           one JSON object: moments and 99.9 % quantile of LAW
 *
 * LAW: det, exp, gamma, logn, h2. One long run per call: WARMUP_BATCHES are discarded, then BATCHES batches of
 * JOBS / BATCHES jobs each give the estimates and their standard errors (batch means).
 */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BATCHES = 40, WARMUP_BATCHES = 2, MAX_TARGETS = 8, SORTED_MAX = 8 };

/* ---- random numbers: xoshiro256++ seeded by splitmix64 ---- */

typedef struct {
    uint64_t s[4];
    double spare_normal;
    int has_spare;
} Rng;

static uint64_t splitmix64(uint64_t *state) {
    uint64_t z = (*state += 0x9e3779b97f4a7c15ULL);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
}

static Rng rng_seeded(uint64_t seed) {
    Rng rng = {.has_spare = 0};
    for (int i = 0; i < 4; i++) rng.s[i] = splitmix64(&seed);
    return rng;
}

static inline uint64_t rotl(uint64_t x, int k) { return (x << k) | (x >> (64 - k)); }

static inline uint64_t next_u64(Rng *rng) {
    uint64_t *s = rng->s;
    uint64_t result = rotl(s[0] + s[3], 23) + s[0], t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotl(s[3], 45);
    return result;
}

/* Uniform on (0, 1]: never 0, so its logarithm is finite. */
static inline double uniform(Rng *rng) { return (double)((next_u64(rng) >> 11) + 1) * 0x1p-53; }

static inline double exponential(Rng *rng) { return -log(uniform(rng)); }

/* Marsaglia's polar method. */
static inline double normal(Rng *rng) {
    if (rng->has_spare) {
        rng->has_spare = 0;
        return rng->spare_normal;
    }
    double x, y, r2;
    do {
        x = 2 * uniform(rng) - 1;
        y = 2 * uniform(rng) - 1;
        r2 = x * x + y * y;
    } while (r2 >= 1 || r2 == 0);
    double scale = sqrt(-2 * log(r2) / r2);
    rng->spare_normal = y * scale;
    rng->has_spare = 1;
    return x * scale;
}

/* Marsaglia and Tsang (2000), shape >= 1, scale 1. */
static inline double gamma_from_one(Rng *rng, double shape) {
    double d = shape - 1.0 / 3, k = 1 / sqrt(9 * d);
    for (;;) {
        double x = normal(rng), v = 1 + k * x;
        if (v <= 0) continue;
        v = v * v * v;
        double u = uniform(rng);
        if (u < 1 - 0.0331 * x * x * x * x) return d * v; /* squeeze: spares most of the logarithms */
        if (log(u) < 0.5 * x * x + d - d * v + d * log(v)) return d * v;
    }
}

static inline double gamma_variate(Rng *rng, double shape) {
    if (shape >= 1) return gamma_from_one(rng, shape);
    return gamma_from_one(rng, shape + 1) * exp(-exponential(rng) / shape);
}

/* ---- service laws with mean 1 ---- */

typedef enum { DET, EXP, GAMMA, LOGN, H2, LAWS } LawName;

typedef struct {
    LawName name;
    double shape;                /* gamma */
    double sigma, mu;            /* logn */
    double p1, mean1, mean2;     /* h2 */
} Law;

static Law law_of(const char *name, double scv) {
    static const char *names[LAWS] = {"det", "exp", "gamma", "logn", "h2"};
    Law law = {.name = LAWS};
    for (int i = 0; i < LAWS; i++)
        if (strcmp(name, names[i]) == 0) law.name = (LawName)i;
    if (law.name == LAWS) {
        fprintf(stderr, "unknown law %s\n", name);
        exit(2);
    }
    if (law.name == GAMMA) law.shape = 1 / scv;
    if (law.name == LOGN) {
        law.sigma = sqrt(log1p(scv));
        law.mu = -0.5 * log1p(scv);
    }
    if (law.name == H2) { /* balanced means: p1 * mean1 = p2 * mean2 = 1/2 */
        law.p1 = 0.5 * (1 + sqrt((scv - 1) / (scv + 1)));
        law.mean1 = 0.5 / law.p1;
        law.mean2 = 0.5 / (1 - law.p1);
    }
    return law;
}

static inline double service_time(const Law *law, Rng *rng) {
    switch (law->name) {
    case EXP: return exponential(rng);
    case GAMMA: return gamma_variate(rng, law->shape) / law->shape;
    case LOGN: return exp(law->mu + law->sigma * normal(rng));
    case H2: return exponential(rng) * (uniform(rng) <= law->p1 ? law->mean1 : law->mean2);
    default: return 1;
    }
}

/* ---- histogram: 1024 bins per octave, keyed by the top bits of the double ---- */

enum { FIRST_OCTAVE = -14, LAST_OCTAVE = 20, BINS = (LAST_OCTAVE - FIRST_OCTAVE) * 1024 };

typedef struct {
    uint64_t count[BINS]; /* bin 0 also holds everything below its range, the last bin everything above */
    uint64_t total;
} Histogram;

static inline void histogram_add(Histogram *h, double x) {
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    int64_t bin = (int64_t)(bits >> 42) - (int64_t)(1023 + FIRST_OCTAVE) * 1024;
    h->count[bin < 0 ? 0 : bin >= BINS ? BINS - 1 : bin]++;
    h->total++;
}

static void histogram_merge(Histogram *into, const Histogram *from) {
    for (int i = 0; i < BINS; i++) into->count[i] += from->count[i];
    into->total += from->total;
}

static double bin_edge(int bin) {
    return ldexp(1 + (bin % 1024) / 1024.0, FIRST_OCTAVE + bin / 1024);
}

/* Linear interpolation inside the bin; a quantile in bin 0 (a zero wait) counts as 0. */
static double histogram_quantile(const Histogram *h, double p) {
    double rank = p * (double)h->total, below = 0;
    int bin = 0;
    while (bin < BINS - 1 && below + (double)h->count[bin] < rank) below += (double)h->count[bin++];
    if (bin == 0) return 0;
    return bin_edge(bin) + (bin_edge(bin + 1) - bin_edge(bin)) * (rank - below) / (double)h->count[bin];
}

/* ---- servers: the times at which they fall free, earliest at index 0 ---- */

static inline void replace_first_sorted(double *free_at, int c, double x) {
    int i = 0;
    for (; i + 1 < c && free_at[i + 1] < x; i++) free_at[i] = free_at[i + 1];
    free_at[i] = x;
}

static inline void replace_top_heap(double *free_at, int c, double x) {
    int i = 0;
    for (int child = 1; child < c; child = 2 * i + 1) {
        if (child + 1 < c && free_at[child + 1] < free_at[child]) child++;
        if (free_at[child] >= x) break;
        free_at[i] = free_at[child];
        i = child;
    }
    free_at[i] = x;
}

/* ---- the queue ---- */

typedef struct {
    Law law;
    Rng rng;
    int c;
    double lambda, clock, *free_at;
    int targets;
    double target[MAX_TARGETS];
} Queue;

typedef struct {
    Histogram *histogram; /* of the response; of the wait for det, whose response has an atom at 1 */
    double wait_sum;
    uint64_t waited, late[MAX_TARGETS];
} Batch;

static void simulate(Queue *q, uint64_t jobs, Batch *batch) {
    for (uint64_t n = 0; n < jobs; n++) {
        q->clock += exponential(&q->rng) / q->lambda;
        double service = service_time(&q->law, &q->rng);
        double start = q->free_at[0] > q->clock ? q->free_at[0] : q->clock;
        if (q->c <= SORTED_MAX) replace_first_sorted(q->free_at, q->c, start + service);
        else replace_top_heap(q->free_at, q->c, start + service);

        double wait = start - q->clock, response = wait + service;
        histogram_add(batch->histogram, q->law.name == DET ? wait : response);
        batch->wait_sum += wait;
        batch->waited += wait > 0;
        for (int k = 0; k < q->targets; k++) batch->late[k] += response > q->target[k];
    }
}

static Batch batch_with(Histogram *histogram) {
    memset(histogram, 0, sizeof *histogram);
    return (Batch){.histogram = histogram};
}

static double p95_response(const Queue *q, const Histogram *h) {
    return histogram_quantile(h, 0.95) + (q->law.name == DET ? 1 : 0);
}

/* ---- estimates ---- */

static double mean_of(const double *x) {
    double sum = 0;
    for (int b = 0; b < BATCHES; b++) sum += x[b];
    return sum / BATCHES;
}

static double standard_error(const double *x) {
    double mean = mean_of(x), sum = 0;
    for (int b = 0; b < BATCHES; b++) sum += (x[b] - mean) * (x[b] - mean);
    return sqrt(sum / (BATCHES - 1) / BATCHES);
}

static void *allocate(size_t count, size_t size) {
    void *memory = calloc(count, size);
    if (!memory) exit(3);
    return memory;
}

static void run(Queue *q, uint64_t jobs) {
    double p95[BATCHES], wait[BATCHES], waited[BATCHES], late[MAX_TARGETS][BATCHES];
    uint64_t batch_jobs = jobs / BATCHES;
    Histogram *current = allocate(1, sizeof *current), *pooled = allocate(1, sizeof *pooled);

    Batch warmup = batch_with(current);
    simulate(q, WARMUP_BATCHES * batch_jobs, &warmup);
    for (int b = 0; b < BATCHES; b++) {
        Batch batch = batch_with(current);
        simulate(q, batch_jobs, &batch);
        histogram_merge(pooled, current);
        p95[b] = p95_response(q, current);
        wait[b] = batch.wait_sum / (double)batch_jobs;
        waited[b] = (double)batch.waited / (double)batch_jobs;
        for (int k = 0; k < q->targets; k++) late[k][b] = (double)batch.late[k] / (double)batch_jobs;
    }
    /* The pooled p95 has 1/BATCHES of the small-sample bias of the mean of the batch p95s. */
    printf("{\"p95\": %.7g, \"p95_se\": %.3g, ", p95_response(q, pooled), standard_error(p95));
    printf("\"mean_wait\": %.7g, \"mean_wait_se\": %.3g, ", mean_of(wait), standard_error(wait));
    printf("\"p_wait\": %.7g, \"p_wait_se\": %.3g, \"tails\": [", mean_of(waited), standard_error(waited));
    for (int k = 0; k < q->targets; k++)
        printf("%s[%.7g, %.3g]", k ? ", " : "", mean_of(late[k]), standard_error(late[k]));
    printf("], \"jobs\": %llu}\n", (unsigned long long)(batch_jobs * BATCHES));
    free(current);
    free(pooled);
}

static void sample(const Law *law, uint64_t count, uint64_t seed) {
    Rng rng = rng_seeded(seed);
    Histogram *h = allocate(1, sizeof *h);
    double sum = 0, squares = 0;
    for (uint64_t n = 0; n < count; n++) {
        double x = service_time(law, &rng);
        sum += x;
        squares += x * x;
        histogram_add(h, x);
    }
    double mean = sum / (double)count;
    printf("{\"mean\": %.7g, \"scv\": %.7g, \"q999\": %.7g}\n", mean, squares / (double)count / (mean * mean) - 1,
           histogram_quantile(h, 0.999));
    free(h);
}

int main(int argc, char **argv) {
    if (argc == 6 && strcmp(argv[1], "sample") == 0) {
        Law law = law_of(argv[2], atof(argv[3]));
        sample(&law, (uint64_t)atof(argv[4]), strtoull(argv[5], NULL, 10));
        return 0;
    }
    if (argc < 8 || argc > 8 + MAX_TARGETS || strcmp(argv[1], "run") != 0) {
        fprintf(stderr, "usage: see the head of mgc.c\n");
        return 2;
    }
    Queue q = {.law = law_of(argv[2], atof(argv[3])), .rng = rng_seeded(strtoull(argv[7], NULL, 10))};
    q.c = atoi(argv[4]);
    q.lambda = atof(argv[5]);
    q.free_at = allocate((size_t)q.c, sizeof(double));
    q.targets = argc - 8;
    for (int k = 0; k < q.targets; k++) q.target[k] = atof(argv[8 + k]);
    run(&q, (uint64_t)atof(argv[6]));
    free(q.free_at);
    return 0;
}
