/* The search for a stamp, at the rate of the machine's vector units.
 *
 * A stamp's input (prefix 56, nonce 8) is one BLAKE3 block, so a try is one compression with the
 * flags CHUNK_START | CHUNK_END | ROOT (BLAKE3 paper, section 2.2). Each lane of a vector tries
 * another nonce. What the nonce does not touch is computed once: it stands in the last two message
 * words, which the first round uses in its last quarter only. Of the output, the lanes compute one
 * word; a lane that may pass is computed again whole, so the answer is exact.
 *
 * The lane code is written once and compiled for each vector width: this file includes itself with
 * LANES defined. The width is chosen when the module is imported. (target_clones would do the
 * choosing, but needs ifunc, which musl and macOS lack, and 16 lanes are slow in 128-bit registers.)
 */

#ifndef LANES

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdint.h>
#include <string.h>

#define PREFIX_BYTES 56
#define PREFIX_WORDS 14

static const uint32_t IV[8] = {0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A,
                               0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19};

/* The order of message words in each round: the permutation of section 2.2, applied repeatedly. */
static const uint8_t ORDER[7][16] = {
    {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
    {2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8},
    {3, 4, 10, 12, 13, 2, 7, 14, 6, 5, 9, 0, 11, 15, 8, 1},
    {10, 7, 12, 9, 14, 3, 13, 15, 4, 0, 11, 2, 5, 8, 1, 6},
    {12, 13, 9, 11, 15, 10, 14, 8, 7, 2, 5, 3, 0, 1, 6, 4},
    {9, 14, 11, 5, 8, 12, 15, 1, 13, 3, 0, 10, 2, 6, 4, 7},
    {11, 15, 5, 0, 1, 9, 8, 6, 14, 10, 2, 12, 3, 4, 7, 13}};

#define ROTATE(x, n) (((x) >> (n)) | ((x) << (32 - (n))))

#define G(a, b, c, d, x, y)   \
    do {                      \
        a += b + (x);         \
        d ^= a;               \
        d = ROTATE(d, 16);    \
        c += d;               \
        b ^= c;               \
        b = ROTATE(b, 12);    \
        a += b + (y);         \
        d ^= a;               \
        d = ROTATE(d, 8);     \
        c += d;               \
        b ^= c;               \
        b = ROTATE(b, 7);     \
    } while (0)

#define MIX(v, m, r, i, a, b, c, d) \
    G(v[a], v[b], v[c], v[d], m[ORDER[r][2 * (i)]], m[ORDER[r][2 * (i) + 1]])

#define ROUND(v, m, r)                \
    do {                              \
        MIX(v, m, r, 0, 0, 4, 8, 12); \
        MIX(v, m, r, 1, 1, 5, 9, 13); \
        MIX(v, m, r, 2, 2, 6, 10, 14); \
        MIX(v, m, r, 3, 3, 7, 11, 15); \
        MIX(v, m, r, 4, 0, 5, 10, 15); \
        MIX(v, m, r, 5, 1, 6, 11, 12); \
        MIX(v, m, r, 6, 2, 7, 8, 13); \
        MIX(v, m, r, 7, 3, 4, 9, 14); \
    } while (0)

#define LATER_ROUNDS(v, m) \
    do {                   \
        ROUND(v, m, 1);    \
        ROUND(v, m, 2);    \
        ROUND(v, m, 3);    \
        ROUND(v, m, 4);    \
        ROUND(v, m, 5);    \
        ROUND(v, m, 6);    \
    } while (0)

typedef struct {
    uint32_t words[PREFIX_WORDS];
    uint32_t state[16]; /* after the first round, but for its last quarter */
    uint64_t threshold;
    uint32_t zeros; /* bits of the first output word that are zero in all that pass */
} search_t;

static uint32_t swap_bytes(uint32_t x)
{
    return x >> 24 | (x >> 8 & 0xFF00) | (x << 8 & 0xFF0000) | x << 24;
}

static void prepare(search_t *s, const uint8_t *prefix, uint64_t threshold)
{
    for (int i = 0; i < PREFIX_WORDS; i++) {
        const uint8_t *p = prefix + 4 * i;
        s->words[i] = p[0] | p[1] << 8 | p[2] << 16 | (uint32_t)p[3] << 24;
    }
    const uint32_t *m = s->words;
    uint32_t *v = s->state;
    memcpy(v, IV, 32);
    memcpy(v + 8, IV, 16);
    v[12] = v[13] = 0; /* chunk counter */
    v[14] = 64;        /* block length */
    v[15] = 1 | 2 | 8; /* CHUNK_START | CHUNK_END | ROOT */
    MIX(v, m, 0, 0, 0, 4, 8, 12);
    MIX(v, m, 0, 1, 1, 5, 9, 13);
    MIX(v, m, 0, 2, 2, 6, 10, 14);
    MIX(v, m, 0, 3, 3, 7, 11, 15);
    MIX(v, m, 0, 4, 0, 5, 10, 15);
    MIX(v, m, 0, 5, 1, 6, 11, 12);
    MIX(v, m, 0, 6, 2, 7, 8, 13);
    s->threshold = threshold;
    uint32_t high = (uint32_t)(threshold >> 32), zeros = 0xFFFFFFFF;
    while (high & zeros)
        zeros <<= 1;
    s->zeros = swap_bytes(zeros);
}

/* Whether the first 8 bytes of the hash, big-endian, are at most the threshold. */
static int passes(const search_t *s, uint64_t nonce)
{
    uint32_t v[16], m[16];
    memcpy(v, s->state, sizeof v);
    memcpy(m, s->words, sizeof s->words);
    m[14] = (uint32_t)nonce;
    m[15] = (uint32_t)(nonce >> 32);
    MIX(v, m, 0, 7, 3, 4, 9, 14);
    LATER_ROUNDS(v, m);
    uint64_t head = (uint64_t)swap_bytes(v[0] ^ v[8]) << 32 | swap_bytes(v[1] ^ v[9]);
    return head <= s->threshold;
}

/* Each returns 1 and the first nonce in [start, start + count) that passes, or 0. */
typedef int (*search_fn)(const search_t *, uint64_t start, uint64_t count, uint64_t *found);

#if defined(__GNUC__) && (defined(__x86_64__) || defined(__i386__))
#define HAVE_X86 1
#define LANES 16
#define NAME search_16
#define TARGET __attribute__((target("avx512f")))
#include "_kernel.c"
#define LANES 8
#define NAME search_8
#define TARGET __attribute__((target("avx2")))
#include "_kernel.c"
#endif
#if defined(__GNUC__)
#define LANES 4
#define NAME search_4
#define TARGET
#include "_kernel.c"
#endif

static int search_1(const search_t *s, uint64_t start, uint64_t count, uint64_t *found)
{
    for (uint64_t i = 0; i < count; i++)
        if (passes(s, start + i)) {
            *found = start + i;
            return 1;
        }
    return 0;
}

/* The code for so many lanes, or NULL if this machine cannot run it. */
static search_fn search_of(int lanes)
{
#ifdef HAVE_X86
    __builtin_cpu_init();
    if (lanes == 16)
        return __builtin_cpu_supports("avx512f") ? search_16 : NULL;
    if (lanes == 8)
        return __builtin_cpu_supports("avx2") ? search_8 : NULL;
#endif
#if defined(__GNUC__)
    if (lanes == 4)
        return search_4;
#endif
    return lanes == 1 ? search_1 : NULL;
}

static search_fn fastest;

static PyObject *py_search(PyObject *self, PyObject *args)
{
    Py_buffer prefix;
    PyObject *numbers[3], *answer = NULL;
    uint64_t values[3], found = 0;
    int lanes = 0, hit;
    (void)self;
    if (!PyArg_ParseTuple(args, "y*O!O!O!|i", &prefix, &PyLong_Type, &numbers[0], &PyLong_Type,
                          &numbers[1], &PyLong_Type, &numbers[2], &lanes))
        return NULL;
    for (int i = 0; i < 3; i++) {
        values[i] = PyLong_AsUnsignedLongLong(numbers[i]);
        if (PyErr_Occurred())
            goto done;
    }
    search_fn search = lanes ? search_of(lanes) : fastest;
    if (prefix.len != PREFIX_BYTES)
        PyErr_SetString(PyExc_ValueError, "a stamp's prefix has 56 bytes");
    else if (values[2] && values[1] + (values[2] - 1) < values[1])
        PyErr_SetString(PyExc_ValueError, "the nonces run over 2^64");
    else if (!search)
        PyErr_SetString(PyExc_ValueError, "this machine has no code for so many lanes");
    else {
        search_t s;
        prepare(&s, prefix.buf, values[0]);
        Py_BEGIN_ALLOW_THREADS
        hit = search(&s, values[1], values[2], &found);
        Py_END_ALLOW_THREADS
        answer = hit ? PyLong_FromUnsignedLongLong(found) : PyLong_FromLong(-1);
    }
done:
    PyBuffer_Release(&prefix);
    return answer;
}

static PyMethodDef methods[] = {
    {"search", py_search, METH_VARARGS,
     "search(prefix56, threshold64, start, count, lanes=0) -> int\n\n"
     "The first nonce from start, of count, for which the first 8 bytes of BLAKE3(prefix, nonce\n"
     "little-endian), read big-endian, are at most threshold64; -1 if none. Runs without the GIL.\n"
     "lanes=0 takes the widest code; LANES names those that this machine can run."},
    {NULL, NULL, 0, NULL}};

static int execute(PyObject *module)
{
    static const int widths[] = {1, 4, 8, 16};
    PyObject *lanes = PyList_New(0);
    if (!lanes)
        return -1;
    for (int i = 0; i < 4; i++) {
        search_fn search = search_of(widths[i]);
        if (!search)
            continue;
        fastest = search;
        PyObject *width = PyLong_FromLong(widths[i]);
        if (!width || PyList_Append(lanes, width) < 0) {
            Py_XDECREF(width);
            Py_DECREF(lanes);
            return -1;
        }
        Py_DECREF(width);
    }
    PyObject *tuple = PyList_AsTuple(lanes);
    Py_DECREF(lanes);
    if (!tuple)
        return -1;
    int failed = PyModule_AddObjectRef(module, "LANES", tuple);
    Py_DECREF(tuple);
    return failed;
}

static PyModuleDef_Slot slots[] = {{Py_mod_exec, execute}, {0, NULL}};
static struct PyModuleDef definition = {.m_base = PyModuleDef_HEAD_INIT,
                                        .m_name = "_kernel",
                                        .m_doc = "Searches stamps with vector instructions.",
                                        .m_methods = methods,
                                        .m_slots = slots};

PyMODINIT_FUNC PyInit__kernel(void)
{
    return PyModuleDef_Init(&definition);
}

#else /* LANES is defined: the search in vectors of that width */

#define JOIN_(a, b) a##b
#define JOIN(a, b) JOIN_(a, b)
#define VEC JOIN(vec_, LANES)

typedef uint32_t VEC __attribute__((vector_size(4 * LANES)));

TARGET static int NAME(const search_t *s, uint64_t start, uint64_t count, uint64_t *found)
{
    const VEC zero = {0};
    VEC lane;
    for (int i = 0; i < LANES; i++)
        lane[i] = i;
    for (uint64_t done = 0; done < count; done += LANES) {
        uint64_t nonce = start + done, candidates[LANES / 2], any = 0;
        VEC v[16], m[16], head;
        for (int i = 0; i < 16; i++)
            v[i] = zero + s->state[i];
        for (int i = 0; i < PREFIX_WORDS; i++)
            m[i] = zero + s->words[i];
        m[14] = lane + (uint32_t)nonce;
        m[15] = zero + (uint32_t)(nonce >> 32);
        m[15] -= (VEC)(m[14] < lane); /* a carry is -1 in its lane */
        MIX(v, m, 0, 7, 3, 4, 9, 14);
        LATER_ROUNDS(v, m);
        head = (VEC)(((v[0] ^ v[8]) & s->zeros) == zero);
        memcpy(candidates, &head, sizeof head);
        for (int i = 0; i < LANES / 2; i++)
            any |= candidates[i];
        if (!any)
            continue;
        for (int i = 0; i < LANES; i++)
            if (head[i] && done + i < count && passes(s, nonce + i)) {
                *found = nonce + i;
                return 1;
            }
    }
    return 0;
}

#undef JOIN_
#undef JOIN
#undef VEC
#undef LANES
#undef NAME
#undef TARGET

#endif
