// A slice in error coordinates, z_l = P_l(z_(l-1)) + e_l. Slices: relaxation_slice.cl; their course: relaxation_course.cl.
// slopes, [hidden units]: phi' of every layer's own sum where phi acts after the weights, else of the activities that the layer above reads.

// Z_l = P_l + E_l; keeps the slopes of every layer's sum or activities.
INLINE void rebuild(const slice *s, __global const real *errors, __global real *slopes)
{
    for (int l = 1; l < s->depth; l++)
    {
        const int later = after(s, l) != LINEAR, of = later ? l : l - 1;
        const long at = unit_of(s, l) * PITCH;
        if (l == 1 && !later)
        {
            copy(s, s->pinned, layer_of(s, l), width_of(s, l));
        }
        else
        {
            predict(s, l, below_of(s, l), layer_of(s, l));
        }
        if (later || before(s, l) != LINEAR)
        {
            copy(s, s->slope, slopes + unit_of(s, of) * PITCH, width_of(s, of));
        }
        FOR_VECTORS(v) FOR_UNITS(i, v, width_of(s, l)) { CSTORE(CLOAD(errors + at + i) + CLOAD(s->z + at + i), s->z + at + i); }
    }
}


// Energies of given errors of the hidden layers.
INLINE void measure_errors(const slice *s, __global const real *errors)
{
    for (int l = 1; l < s->depth; l++)
    {
        cell squares[VECTORS];
        FOR_VECTORS(v)
        {
            squares[v] = CELL(0);
            FOR_UNITS(i, v, width_of(s, l))
            {
                const cell x = CLOAD(errors + unit_of(s, l) * PITCH + i);
                squares[v] = fma(x, x, squares[v]);
            }
        }
        put_energies(s, l, squares, s->factors[l * FACTORS + 3]);
    }
}

// Activities and energies of given errors; the output's errors into next.
SHARED void evaluate(const slice *s, __global const real *errors, __global real *slopes)
{
    rebuild(s, errors, slopes);
    measure_errors(s, errors);
    visit(s, s->depth, 0);
    if (s->depth > 1 && before(s, s->depth) != LINEAR)
    {
        copy(s, s->slope, slopes + unit_of(s, s->depth - 1) * PITCH, width_of(s, s->depth - 1));
    }
}

// d_(l-1) = a phi' (W^T d_l) + s d_l, times a factor: lambda for the output's errors, whose deltas are without it.
SHARED void send_down(const slice *s, const int l, __global const real *slopes, __global real *above, __global real *below, const real factor)
{
    const long rows = width_of(s, l - 1);
    const int sloped = before(s, l) != LINEAR, later = after(s, l) != LINEAR, skipped = skips(s, l);
    const cell scale = CELL(factor == 1 ? scale_of(s, l) : s->factors[l * FACTORS + 2]), through = CELL(factor);
    if (later)
    {
        multiply(s, above, slopes + unit_of(s, l) * PITCH, s->delta, width_of(s, l));
    }
    clear(s, s->back, rows);
    sweep p;
    cell none[VECTORS];
    p.input = p.through = p.state = 0;
    p.error = later ? s->delta : above;
    p.back = s->back;
    run(s, l, &p, none);
    __global const real *slope = slopes + unit_of(s, l - 1) * PITCH;
    FOR_VECTORS(v) FOR_UNITS(i, v, rows)
    {
        const cell back = CLOAD(s->back + i), d = scale * (sloped ? CLOAD(slope + i) * back : back);
        CSTORE(skipped ? fma(through, CLOAD(above + i), d) : d, below + i);
    }
}

// g_l = lambda_l e_l - d_l into to, which may be the errors, from the output's errors; squares become |g|^2, states |e|^2. Overwrites next and own. A unit that a
// mask (0: none) clamps passes on its own error as the output does, and has no gradient.
SHARED void reverse(const slice *s, __global real *output, __global const real *errors, __global const real *slopes, __global const real *mask, __global real *to,
    cell squares[VECTORS], cell states[VECTORS])
{
    __global real *above = output, *below = output == s->next ? s->own : s->next;
    FOR_VECTORS(v) { squares[v] = states[v] = CELL(0); }
    for (int l = s->depth; l > 1; l--)
    {
        const long at = unit_of(s, l - 1) * PITCH;
        const cell precision = CELL(precision_of(s, l - 1));
        send_down(s, l, slopes, above, below, l == s->depth ? precision_of(s, l) : (real)1);
        FOR_VECTORS(v) FOR_UNITS(i, v, width_of(s, l - 1))
        {
            const cell e = CLOAD(errors + at + i);
            if (mask)
            {
                CSTORE(CLOAD(mask + at + i) == CELL(0) ? precision * e : CLOAD(below + i), below + i);
            }
            const cell g = precision * e - CLOAD(below + i);
            CSTORE(g, to + at + i);
            squares[v] = fma(g, g, squares[v]);
            states[v] = fma(e, e, states[v]);
        }
        above = below;
        below = above == s->own ? s->next : s->own;
    }
}

// |g_e|^2 of each lane at the slice's activities: the certificate of convergence. e and slopes, [hidden units], are overwritten.
INLINE void certify(const slice *s, __global const real *mask, __global real *e, __global real *slopes, cell squares[VECTORS])
{
    cell none[VECTORS];
    for (int l = 1; l <= s->depth; l++)
    {
        const int later = after(s, l) != LINEAR, of = later ? l : l - 1;
        if (l == 1 && s->depth > 1 && later)
        {
            // A visit to the first layer does not compute them.
            predict(s, 1, s->x, s->next);
            copy(s, s->slope, slopes, width_of(s, 1));
        }
        visit(s, l, 0);
        if (l < s->depth)
        {
            copy(s, s->next, e + unit_of(s, l) * PITCH, width_of(s, l));
        }
        if (l > 1 && (later || before(s, l) != LINEAR))
        {
            copy(s, s->slope, slopes + unit_of(s, of) * PITCH, width_of(s, of));
        }
    }
    reverse(s, s->next, e, slopes, mask, e, squares, none);
}
