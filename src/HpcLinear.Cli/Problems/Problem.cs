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

/// <summary>What is computed of a relaxation.</summary>
internal enum RelaxationOperation
{
    /// <summary>Steps of descent from activities of which every layer moves.</summary>
    Steps,

    /// <summary>These, and the weights' gradient.</summary>
    Gradient,

    /// <summary>What a minibatch costs: feed-forward pass, steps from its state, weights' gradient.</summary>
    Minibatch,
}

/// <summary>Relaxation steps of a predictive-coding network.</summary>
internal sealed record RelaxationProblem(string Id, RelaxationDescriptor Descriptor, int Steps) : Problem(Id)
{
    /// <summary>Name of an operation in tables.</summary>
    public static string NameOf(RelaxationOperation operation) => operation switch
    {
        RelaxationOperation.Steps => "relax",
        RelaxationOperation.Gradient => "grads",
        _ => "minibatch",
    };

    /// <summary>The operation of a name.</summary>
    public static RelaxationOperation OperationOf(string name) => Enum.GetValues<RelaxationOperation>().First(o => NameOf(o) == name);

    /// <summary>Nominal operations, all layers counted in every step.</summary>
    public double Flops(RelaxationOperation operation) => (Steps * Descriptor.StepFlops)
        + (operation == RelaxationOperation.Steps ? 0 : Descriptor.WeightGradientFlops)
        + (operation == RelaxationOperation.Minibatch ? Descriptor.WeightGradientFlops / 2 : 0);
}

/// <summary>Relaxation of a predictive-coding network in error coordinates, from zero errors: steps of descent, and iterations of the solvers.</summary>
internal sealed record ErrorRelaxationProblem(string Id, RelaxationDescriptor Descriptor, int Steps) : Problem(Id);

/// <summary>The exact equilibrium of a linear predictive-coding network, and a training step with it.</summary>
internal sealed record LinearEquilibriumProblem(string Id, RelaxationDescriptor Descriptor) : Problem(Id);

/// <summary>What is computed of a Jacobian.</summary>
internal enum JacobianOperation
{
    /// <summary>J dW.</summary>
    Product,

    /// <summary>Jᵀ u.</summary>
    TransposeProduct,

    /// <summary>The matrix J Jᵀ.</summary>
    Kernel,
}

/// <summary>The Jacobian of products of L equal square matrices.</summary>
internal sealed record JacobianProblem(string Id, DeepProductDescriptor Descriptor) : Problem(Id)
{
    /// <summary>The matrix is left out beyond this many elements.</summary>
    private const double MostKernelElements = 2.5e8;

    /// <summary>What is timed.</summary>
    public IEnumerable<JacobianOperation> Operations => Enum.GetValues<JacobianOperation>().Where(o => o != JacobianOperation.Kernel || Math.Pow(Descriptor.Channels[0], 4) * (Descriptor.Problems ?? 1) <= MostKernelElements);

    /// <summary>As rows are named.</summary>
    public static string NameOf(JacobianOperation operation) => operation switch { JacobianOperation.Product => "jv", JacobianOperation.TransposeProduct => "jtu", _ => "K" };

    /// <summary>Nominal work: products of the layers before, and two products a layer; for K products before and after, a square of each, and L outer products.</summary>
    public double NominalFlops(JacobianOperation operation)
    {
        double depth = Descriptor.Depth, n = Descriptor.Channels[0], problems = Descriptor.Problems ?? 1, product = 2 * problems * Math.Pow(n, 3);
        return operation switch
        {
            JacobianOperation.Product => 3 * (depth - 1) * product,
            JacobianOperation.TransposeProduct => Math.Max(0, (3 * depth) - 4) * product,
            _ => (2 * problems * depth * Math.Pow(n, 4)) + (((4 * depth) - 2) * product),
        };
    }
}
