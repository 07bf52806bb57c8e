// What the kernels of predictive-coding networks share (KernelSource.cs).
// Table of layers, LAYER longs for each of 0 ... L: width, first hidden unit, first weight, first bias, skip, activation before and after the weights.
// Factors, FACTORS reals a layer: a, lambda, a lambda, lambda / 2.
#define LAYER 8
#define FACTORS 4
#define CONTROL 4        // int results of a slice: step of divergence or -1, its layer, steps, converged

#define KEEP_GRADIENT 0  // methods
#define DESCEND 1
#define MOMENTUM 2
#define NESTEROV 3
#define HEUN 4
#define ADAPTIVE 5

#define HAS_BIAS 1       // bits
#define CROSS_ENTROPY 2
#define HAS_MASK 4
#define TRACED 8
#define MEASURED 16      // g^2 and z^2 are summed for tolerances
#define SUMMED 32        // energies are written
#define DELTAS 64        // what gradients of weights are made of is written
#define WATCHED 128      // samples may stop by their energy
