// The end-to-end map of a small linear network, and its adjoint, by one work-item: its products are a list of (a, b, r), value[r] += value[a] value[b] in
// the order of the list; the adjoint is the list backwards. Values are the weights of all layers, then the products, the end-to-end map last.
#ifndef ELEMENT
#define ELEMENT real
#endif

// Work arrays: elements of neighbouring items lie side by side on a GPU, those of one item on a CPU.
#if GPU
#define AT(i) ((long)(i) * items)
#else
#define AT(i) (i)
#endif

static void clear_elements(__global ELEMENT *value, const int first, const int end, const long items)
{
    for (int i = first; i < end; i++)
    {
        value[AT(i)] = 0;
    }
}

static void multiply_products(__global const int *table, const int products, __global ELEMENT *value, const long items)
{
    for (int p = 0; p < 3 * products; p += 3)
    {
        const int r = table[p + 2];
        value[AT(r)] = fma(value[AT(table[p])], value[AT(table[p + 1])], value[AT(r)]);
    }
}

// Adds to the gradients of what the products were made from; that of the end-to-end map is given.
static void differentiate_products(__global const int *table, const int products, __global const ELEMENT *value, __global ELEMENT *gradient, const long items)
{
    for (int p = 3 * products - 3; p >= 0; p -= 3)
    {
        const int x = table[p], y = table[p + 1];
        const ELEMENT g = gradient[AT(table[p + 2])];
        gradient[AT(x)] = fma(value[AT(y)], g, gradient[AT(x)]);
        gradient[AT(y)] = fma(value[AT(x)], g, gradient[AT(y)]);
    }
}
