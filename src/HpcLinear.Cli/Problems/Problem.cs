using HpcLinear.Operations;

namespace HpcLinear.Cli.Problems;

/// <summary>A named problem to time or to explain.</summary>
/// <param name="Id">Its name in tables and CSV files.</param>
internal abstract record Problem(string Id);

/// <summary>Matrix products.</summary>
internal sealed record GemmProblem(string Id, GemmDescriptor Descriptor) : Problem(Id);

/// <summary>A convolution: forward and both gradients.</summary>
internal sealed record ConvolutionProblem(string Id, ConvolutionDescriptor Descriptor) : Problem(Id);

/// <summary>Chains of filters composed to one filter each.</summary>
internal sealed record CompositionProblem(string Id, DeepProductDescriptor Descriptor) : Problem(Id)
{
    /// <summary>Nominal work, one layer composed after the other: 2 · problems · length · taps for each of L - 1 compositions of one channel.</summary>
    public double NominalFlops
    {
        get
        {
            DeepProductDescriptor d = Descriptor;
            double flops = 0;
            long[] length = [.. d.Filters[0]], stride = [.. d.Strides[0]];
            for (int layer = 1; layer < d.Filters.Count; layer++)
            {
                double taps = d.Filters[layer].ElementCount;
                flops += 2.0 * (d.Problems ?? 1) * d.Channels[layer + 1] * d.Channels[layer] * d.Channels[0] * length.Aggregate(1.0, (a, b) => a * b) * taps;
                for (int axis = 0; axis < length.Length; axis++)
                {
                    length[axis] += (d.Filters[layer][axis] - 1) * stride[axis];
                    stride[axis] *= d.Strides[layer][axis];
                }
            }

            return flops;
        }
    }
}

/// <summary>Relaxation steps of a predictive-coding network, and the weights' gradient after them.</summary>
internal sealed record RelaxationProblem(string Id, RelaxationDescriptor Descriptor, int Steps) : Problem(Id)
{
    /// <summary>Nominal operations of the relaxation, and of the weights' gradient after it if asked for.</summary>
    public double Flops(bool gradient) => (Steps * Descriptor.StepFlops) + (gradient ? Descriptor.WeightGradientFlops : 0);
}

/// <summary>Relaxation of a predictive-coding network in error coordinates, from zero errors: steps of descent, and iterations of the solvers.</summary>
internal sealed record ErrorRelaxationProblem(string Id, RelaxationDescriptor Descriptor, int Steps) : Problem(Id);

/// <summary>The exact equilibrium of a linear predictive-coding network, and a training step with it.</summary>
internal sealed record LinearEquilibriumProblem(string Id, RelaxationDescriptor Descriptor) : Problem(Id);

/// <summary>A problem of a kind that this version does not compute.</summary>
internal sealed record UnsupportedProblem(string Id, string Kind) : Problem(Id);
