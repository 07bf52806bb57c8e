// Updates of parameters w from a gradient g over count elements, in place; one kernel a rule. Items stride over the elements.
// CPU family: an item takes blocks of BLOCK elements by vectors; GPU family: an element at a time, neighbours together.
#ifndef BLOCK
#define BLOCK 1024
#endif

// BODY(type, LOAD_, STORE_, i) updates the element, or the vector of elements, at i.
#define LOAD1(p) (*(p))
#define STORE1(v, p) (*(p) = (v))
#if GPU
#define LOOP(BODY) \
    for (long i = get_global_id(0); i < count; i += get_global_size(0)) \
    { \
        BODY(real, LOAD1, STORE1) \
    }
#else
#define LOOP(BODY) \
    for (long start = get_global_id(0) * (long)BLOCK; start < count; start += get_global_size(0) * (long)BLOCK) \
    { \
        const long end = min(start + BLOCK, count); \
        long i = start; \
        for (; i + LANES <= end; i += LANES) \
        { \
            BODY(vec, LOAD, STORE) \
        } \
        for (; i < end; i++) \
        { \
            BODY(real, LOAD1, STORE1) \
        } \
    }
#endif

// w = w - rate g
#define DESCEND(type, LOAD_, STORE_) \
    __global real *to = w + w_offset + i; \
    STORE_(fma((type)(-rate), LOAD_(g + g_offset + i), LOAD_(to)), to);

__kernel void optimizer_descend(const long count, __global const real *g, const long g_offset, __global real *w, const long w_offset, const real rate)
{
    LOOP(DESCEND)
}

// v = decay v + g,  w = w - rate v
#define MOMENTUM(type, LOAD_, STORE_) \
    __global real *to = w + w_offset + i, *kept = v + v_offset + i; \
    const type velocity = fma((type)(decay), LOAD_(kept), LOAD_(g + g_offset + i)); \
    STORE_(velocity, kept); \
    STORE_(fma((type)(-rate), velocity, LOAD_(to)), to);

__kernel void optimizer_momentum(const long count, __global const real *g, const long g_offset, __global real *w, const long w_offset, const real rate,
    __global real *v, const long v_offset, const real decay)
{
    LOOP(MOMENTUM)
}

// m = decay m + gain g,  v = decay2 v + gain2 g g,  w = w - rate m / (correction sqrt(v) + epsilon); rate and correction undo the moments' bias.
#define ADAM(type, LOAD_, STORE_) \
    __global real *to = w + w_offset + i, *first = m + m_offset + i, *second = v + v_offset + i; \
    const type x = LOAD_(g + g_offset + i); \
    const type mean = fma((type)(decay), LOAD_(first), (type)(gain) * x); \
    const type square = fma((type)(decay2), LOAD_(second), (type)(gain2) * x * x); \
    STORE_(mean, first); \
    STORE_(square, second); \
    STORE_(LOAD_(to) - (type)(rate) * mean / fma((type)(correction), sqrt(square), (type)(epsilon)), to);

__kernel void optimizer_adam(const long count, __global const real *g, const long g_offset, __global real *w, const long w_offset, const real rate,
    __global real *m, const long m_offset, __global real *v, const long v_offset, const real decay, const real gain, const real decay2, const real gain2,
    const real correction, const real epsilon)
{
    LOOP(ADAM)
}
