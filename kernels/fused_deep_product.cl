// End-to-end maps of many small networks (task COMPOSE), their derivatives along directions (JACOBIAN) and the gradients of <u, map> (ADJOINT): a network a
// work-item, or a lane of its vectors. Everything between is in the item's work array. Source: docs/operations/deep-products.md.

#define COMPOSE 0
#define JACOBIAN 1
#define ADJOINT 2

#define LAYERS 12                              // most layers; arguments beyond a network's own are not used
#define LAYER(name) __global real *name, const long JOIN(name, _offset)
#define AT_OFFSET(name) name + JOIN(name, _offset)

// Layers w; directions or gradients d; the table is the list of products, then the first weight of each layer and the end.
__kernel void fused_deep_product(const int task, const long networks, const int layers, const int values, const int elements, const int products, __global const int *table,
    LAYER(composed), LAYER(work), const long items,
    LAYER(w0), LAYER(d0),
    LAYER(w1), LAYER(d1),
    LAYER(w2), LAYER(d2),
    LAYER(w3), LAYER(d3),
    LAYER(w4), LAYER(d4),
    LAYER(w5), LAYER(d5),
    LAYER(w6), LAYER(d6),
    LAYER(w7), LAYER(d7),
    LAYER(w8), LAYER(d8),
    LAYER(w9), LAYER(d9),
    LAYER(w10), LAYER(d10),
    LAYER(w11), LAYER(d11))
{
    __global real *const w[LAYERS] = {AT_OFFSET(w0), AT_OFFSET(w1), AT_OFFSET(w2), AT_OFFSET(w3), AT_OFFSET(w4), AT_OFFSET(w5), AT_OFFSET(w6), AT_OFFSET(w7), AT_OFFSET(w8), AT_OFFSET(w9), AT_OFFSET(w10), AT_OFFSET(w11)};
    __global real *const d[LAYERS] = {AT_OFFSET(d0), AT_OFFSET(d1), AT_OFFSET(d2), AT_OFFSET(d3), AT_OFFSET(d4), AT_OFFSET(d5), AT_OFFSET(d6), AT_OFFSET(d7), AT_OFFSET(d8), AT_OFFSET(d9), AT_OFFSET(d10), AT_OFFSET(d11)};
    __global const int *first = table + 3 * products;
    __global real *map = AT_OFFSET(composed);
    const int root = values - elements, weights = first[layers];
    __global ELEMENT *value = (__global ELEMENT *)(AT_OFFSET(work)) + get_global_id(0) * (GPU ? 1 : 2 * (long)values);
    __global ELEMENT *other = value + AT(values);
    FOR_ITEMS(block, (networks + NETWORKS - 1) / NETWORKS)
    {
        const long p = block * NETWORKS;
        for (int l = 0; l < layers; l++)
        {
            gather(w[l], first[l + 1] - first[l], p, networks, value + AT(first[l]), items);
        }

        clear_elements(value, weights, values, items);
        if (task == COMPOSE)
        {
            multiply_products(table, products, value, items);
            scatter(value + AT(root), elements, p, networks, map, items);
        }
        else if (task == JACOBIAN)
        {
            for (int l = 0; l < layers; l++)
            {
                gather(d[l], first[l + 1] - first[l], p, networks, other + AT(first[l]), items);
            }

            clear_elements(other, weights, values, items);
            for (int i = 0; i < 3 * products; i += 3)
            {
                const int x = table[i], y = table[i + 1], r = table[i + 2];
                const ELEMENT a = value[AT(x)], b = value[AT(y)];
                value[AT(r)] = fma(a, b, value[AT(r)]);
                other[AT(r)] = fma(a, other[AT(y)], fma(other[AT(x)], b, other[AT(r)]));
            }

            scatter(other + AT(root), elements, p, networks, map, items);
        }
        else
        {
            multiply_products(table, products, value, items);
            clear_elements(other, 0, root, items);
            gather(map, elements, p, networks, other + AT(root), items);
            differentiate_products(table, products, value, other, items);
            for (int l = 0; l < layers; l++)
            {
                scatter(other + AT(first[l]), first[l + 1] - first[l], p, networks, d[l], items);
            }
        }
    }
}
