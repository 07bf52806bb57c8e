using System.Numerics;
using System.Runtime.CompilerServices;
using HpcLinear.LinearAlgebra;
using HpcLinear.Operations;

namespace HpcLinear.PredictiveCoding;

/// <summary>Makes <see cref="LinearEquilibriumPlan{T}"/>.</summary>
public static class LinearEquilibriumPlan
{
    /// <summary>Prepares the exact equilibrium of a linear network for a device.</summary>
    /// <typeparam name="T"><see langword="float"/> or <see langword="double"/>.</typeparam>
    /// <param name="device">Any device that multiplies matrices.</param>
    /// <param name="network">A linear network with squared error and without decay of activities.</param>
    /// <exception cref="ProblemException">The network is not valid.</exception>
    /// <exception cref="NotSupportedException">The network is not linear, its loss is not the squared error, activities decay, or the device has no such element type.</exception>
    public static LinearEquilibriumPlan<T> Create<T>(Device device, RelaxationDescriptor network)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        ArgumentNullException.ThrowIfNull(device);
        device.CheckSupports<T>();
        EquilibratedEnergy.CheckNetwork(network);
        LinearEquilibriumPlan<T> plan = new(device, network);
        plan.Trace();
        return plan;
    }
}

/// <summary>The exact equilibrium of a linear network and the gradient of F* there, in the space of outputs, as matrix products on a device.</summary>
/// <typeparam name="T"><see langword="float"/> or <see langword="double"/>.</typeparam>
/// <remarks>
/// <para>Notation as in <see cref="LinearEquilibrium"/>. The errors of all samples lie in the span of the n_L rows of Q_l, and so do gradients:</para>
/// <code>
/// Q_(l-1) = Q_l M_l, Q_L = I       S = I/λ_L + Σ Q_l Q_lᵀ/λ_l       r = y - x Q_0ᵀ - Σ c_l Q_lᵀ       q = r S⁻¹       e_l = q Q_l/λ_l
/// z_l = z_(l-1) M_lᵀ + c_l + e_l               ∂F*/∂W_l = -a_l/B Q_lᵀ t_(l-1),       t_0 = qᵀ x,       t_l = qᵀ z_l = t_(l-1) M_lᵀ + qᵀ1 c_l + qᵀq Q_l/λ_l
/// </code>
/// <para>So the gradient needs n_L rows through the layers twice and no pass of the batch; where n_L exceeds B, samples take the place of the rows t. S and q are solved for
/// in float64 on the host, in n_L³/3 + 2 B n_L² flops on the calling thread: cheap up to some hundred outputs. Q takes n_L Σ n_l elements of scratch memory.
/// Bits do not depend on the thread count.</para>
/// </remarks>
public sealed partial class LinearEquilibriumPlan<T> : Plan
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private const string Operation = "linear_equilibrium";

    private readonly Dictionary<GemmDescriptor, GemmPlan<T>> products = [];
    private readonly Dictionary<Shape, ElementwisePlan<T>> sums = [];
    private readonly Layer[] layers;
    private readonly Rows outputs;
    private readonly Rows samples;
    private readonly GemmPlan<T> residual, moment, square;
    private readonly T[] ones;
    private readonly Shape parameterShape, activityShape, inputShape, vectorShape;
    private readonly long[] offsets;
    private readonly long dualOffset, squareOffset, covarianceOffset, momentOffset, rowOffset, gramOffset, scratchCount;
    private HostMemory? spare;

    internal LinearEquilibriumPlan(Device device, RelaxationDescriptor network)
        : base(device, string.Concat(Operation, network.ToString().AsSpan(network.ToString().IndexOf(' ', StringComparison.Ordinal))))
    {
        Descriptor = network;
        long batch = network.Batch, width = network.Widths[^1], most = network.Widths.Max();
        ones = new T[Math.Max(batch, width)];
        Array.Fill(ones, T.One);
        parameterShape = network.ParameterShape;
        activityShape = network.ActivityShape;
        inputShape = network.InputShape;
        vectorShape = [1, width];
        residual = Product(new() { Rows = batch, Columns = width, Depth = network.Widths[0], TransposeB = true });
        moment = Product(new() { Rows = width, Columns = network.Widths[0], Depth = batch, TransposeA = true });
        square = Product(new() { Rows = width, Columns = width, Depth = batch, TransposeA = true });
        layers = PerLayer(MakeLayer);
        long at = 0;
        offsets = [.. network.Widths.Select(w => Take(width * w))];
        outputs = MakeRows(width);
        samples = MakeRows(batch);
        dualOffset = Take(batch * width);
        squareOffset = Take(width * width);
        covarianceOffset = Take(width * width);
        momentOffset = Take(width * network.Widths[0]);
        rowOffset = Take(3 * Math.Max(batch, width) * (most + 16));
        gramOffset = Take(network.SpectralPenalty > 0 ? most * most : 0);
        scratchCount = at;
        long workspace = products.Values.Max(p => p.WorkspaceBytes) + (scratchCount * Unsafe.SizeOf<T>());
        double weights = Enumerable.Range(1, network.Depth).Sum(l => (double)network.Widths[l] * network.Widths[l - 1]), units = network.Widths.Sum();
        double solve = (2 * width * weights) + (2.0 * width * width * units) + (2.0 * batch * width * (network.Widths[0] + width));
        double rows = Math.Min(batch, width);
        string kernel = layers[1].Back.Choices[0].Kernel;
        Choices =
        [
            new("activities", "output space, one pass of the batch", kernel, workspace, solve + (2.0 * batch * weights) + (2.0 * batch * width * units), Unsafe.SizeOf<T>() * ((2 * weights) + network.ActivityCount), ["block tridiagonal Cholesky: 10/3 n³ a layer"]),
            new("weight gradient", width <= batch ? $"output space, {width} rows in place of the batch" : "output space, one pass of the batch", kernel, workspace, solve + (4 * rows * weights) + (2 * rows * width * units), Unsafe.SizeOf<T>() * 3 * weights, []),
        ];

        // Starts at cache lines.
        long Take(long count)
        {
            long start = at;
            at = checked(at + ((count + 15) / 16 * 16));
            return start;
        }
    }

    /// <summary>The network and the batch.</summary>
    public RelaxationDescriptor Descriptor { get; }

    /// <inheritdoc/>
    public override IReadOnlyList<KernelChoice> Choices { get; }

    /// <summary>Solves for the equilibrium; what is not wanted is left out and costs nothing.</summary>
    /// <param name="queue">Orders the work; this call waits for S and the residual.</param>
    /// <param name="parameters">W_1 … W_L, b_1 … b_L; shape <see cref="RelaxationDescriptor.ParameterShape"/>.</param>
    /// <param name="input">x, shape <c>[batch, n_0]</c>.</param>
    /// <param name="target">y, shape <c>[batch, n_L]</c>.</param>
    /// <param name="activities">Optional: Z_1 … Z_(L-1), shape <see cref="RelaxationDescriptor.ActivityShape"/>; overwritten.</param>
    /// <param name="errors">Optional: E_1 … E_(L-1), laid out as activities; overwritten.</param>
    /// <param name="weightGradient">Optional: ∂F*/∂(W, b), regularisers of the weights included; shape of the parameters; overwritten.</param>
    /// <param name="outputDual">Optional: q = λ_L E_L, shape <c>[batch, n_L]</c>; overwritten.</param>
    /// <param name="outputCovariance">Optional: S, shape <c>[n_L, n_L]</c>; overwritten.</param>
    /// <param name="prediction">Optional: yhat of the feed-forward pass, shape <c>[batch, n_L]</c>; overwritten.</param>
    /// <exception cref="ShapeException">A shape differs from the descriptor's.</exception>
    /// <exception cref="ArgumentException">Outputs overlap others, or an element of the inputs is not finite: the message names its layer and place.</exception>
    /// <exception cref="ArithmeticException">Finite weights so large that S or a prediction overflows.</exception>
    /// <remarks>2 n_L Σ n_l n_(l-1) + n_L² Σ n_l + n_L³/3 flops for S and q; 2B Σ n_l n_(l-1) more for activities, 4 min(B, n_L) Σ n_l n_(l-1) for gradients.</remarks>
    public EquilibriumEnergies Solve(
        CommandQueue queue,
        TensorView<T> parameters,
        TensorView<T> input,
        TensorView<T> target,
        TensorView<T> activities = default,
        TensorView<T> errors = default,
        TensorView<T> weightGradient = default,
        TensorView<T> outputDual = default,
        TensorView<T> outputCovariance = default,
        TensorView<T> prediction = default)
    {
        CheckQueue(queue);
        CheckOperand(nameof(parameters), parameters, parameterShape);
        CheckOperand(nameof(input), input, inputShape);
        CheckOperand(nameof(target), target, samples.Shapes[^1]);
        CheckOutput(nameof(activities), activities, activityShape, [parameters, input, target]);
        CheckOutput(nameof(errors), errors, activityShape, [parameters, input, target, activities]);
        CheckOutput(nameof(weightGradient), weightGradient, parameterShape, [parameters, input, target, activities, errors]);
        CheckOutput(nameof(outputDual), outputDual, samples.Shapes[^1], [parameters, input, target, activities, errors, weightGradient]);
        CheckOutput(nameof(outputCovariance), outputCovariance, outputs.Shapes[^1], [parameters, input, target, activities, errors, weightGradient, outputDual]);
        CheckOutput(nameof(prediction), prediction, samples.Shapes[^1], [parameters, input, target, activities, errors, weightGradient, outputDual, outputCovariance]);
        HostMemory host = Interlocked.Exchange(ref spare, null) ?? new(Descriptor);
        Tensor<T> scratch = queue.Scratch<T>(scratchCount);
        TensorView<T> dual = scratch.View(dualOffset, samples.Shapes[^1]), covariance = scratch.View(covarianceOffset, outputs.Shapes[^1]);
        Descend(queue, parameters, input, scratch, dual, covariance, host);
        EquilibriumEnergies energies = SolveOnHost(queue, parameters, input, target, dual, covariance, prediction, host);
        bool bias = Descriptor.Bias;
        if (!outputDual.IsEmpty)
        {
            queue.Copy(dual, outputDual);
        }

        if (!outputCovariance.IsEmpty)
        {
            queue.Copy(covariance, outputCovariance);
        }

        for (int l = 1; l < Descriptor.Depth && !errors.IsEmpty; l++)
        {
            samples.Inject[l].Execute(queue, dual, Q(scratch, l), LayerOf(errors, l), 1 / Descriptor.Precision(l));
        }

        bool fewOutputs = Descriptor.Widths[^1] <= Descriptor.Batch;
        if (!activities.IsEmpty || (!weightGradient.IsEmpty && !fewOutputs))
        {
            TensorView<T> constant = bias ? Upload(queue, scratch, samples, ones) : default;
            Ascend(queue, samples, parameters, scratch, input, dual, constant, activities, fewOutputs ? default : weightGradient);
        }

        if (!weightGradient.IsEmpty)
        {
            // qᵀ1 serves both gradients of biases and what biases add to the rows t.
            TensorView<T> sum = bias ? Upload(queue, scratch, outputs, host.DualSum) : default;
            if (fewOutputs)
            {
                TensorView<T> start = scratch.View(momentOffset, outputs.Shapes[0]), coefficients = scratch.View(squareOffset, outputs.Shapes[^1]);
                moment.Execute(queue, dual, input, start);
                square.Execute(queue, dual, dual, coefficients);
                Ascend(queue, outputs, parameters, scratch, start, coefficients, sum, default, weightGradient);
            }

            for (int l = 1; l <= Descriptor.Depth && bias; l++)
            {
                TensorView<T> to = weightGradient.Tensor.View(weightGradient.Offset + layers[l].Bias, layers[l].BiasShape);
                layers[l].BiasGradient!.Execute(queue, sum.Reshape(vectorShape), Q(scratch, l), to, -Descriptor.Scaling(l) / Descriptor.Batch);
            }

            Regularise(queue, parameters, scratch, weightGradient);
        }

        spare = host;
        return energies;
    }

    private protected override void DisposeCore()
    {
        foreach (Plan plan in products.Values.Concat<Plan>(sums.Values))
        {
            plan.Dispose();
        }
    }

    /// <summary>Q_L … Q_0, S but for I/λ_L, and x Q_0ᵀ in the place of the duals.</summary>
    private void Descend(CommandQueue queue, TensorView<T> parameters, TensorView<T> input, Tensor<T> scratch, TensorView<T> prediction, TensorView<T> covariance, HostMemory host)
    {
        int depth = Descriptor.Depth;
        queue.Upload(host.Identity, Q(scratch, depth));
        queue.Fill(covariance, T.Zero);
        TensorView<T> shift = scratch.View(rowOffset, vectorShape);
        queue.Fill(shift, T.Zero);
        for (int l = depth; l >= 1; l--)
        {
            TensorView<T> above = Q(scratch, l), below = Q(scratch, l - 1);
            bool skip = Descriptor.Skip(l);
            if (l < depth)
            {
                layers[l].Gram.Execute(queue, above, above, covariance, 1 / Descriptor.Precision(l), 1);
            }

            if (skip)
            {
                queue.Copy(above, below);
            }

            layers[l].Back.Execute(queue, above, WeightOf(parameters, l), below, Descriptor.Scaling(l), skip ? 1 : 0);
            if (Descriptor.Bias)
            {
                layers[l].Shift!.Execute(queue, BiasOf(parameters, l), above, shift, Descriptor.Scaling(l), 1);
            }
        }

        residual.Execute(queue, input, Q(scratch, 0), prediction);
        queue.Download(shift, host.Shift);
    }

    /// <summary>S and q in float64, and back on the device.</summary>
    private EquilibriumEnergies SolveOnHost(
        CommandQueue queue,
        TensorView<T> parameters,
        TensorView<T> input,
        TensorView<T> target,
        TensorView<T> dual,
        TensorView<T> covariance,
        TensorView<T> prediction,
        HostMemory host)
    {
        queue.Download(covariance, host.Square);
        queue.Download(dual, host.Prediction);
        queue.Download(target, host.Target);
        bool finite = true;
        Span<double> s = host.Covariance.Elements, r = host.Dual.Elements;
        for (int i = 0; i < s.Length; i++)
        {
            s[i] = double.CreateTruncating(host.Square[i]);
            finite &= double.IsFinite(s[i]);
        }

        int width = host.Shift.Length;
        for (int i = 0; i < r.Length; i++)
        {
            double yhat = double.CreateTruncating(host.Prediction[i]) + double.CreateTruncating(host.Shift[i % width]);
            r[i] = double.CreateTruncating(host.Target[i]) - yhat;
            host.Prediction[i] = T.CreateTruncating(yhat);
            finite &= double.IsFinite(r[i]);
        }

        if (!finite)
        {
            ThrowIfNotFinite(queue, parameters, input, target);
        }

        if (!prediction.IsEmpty)
        {
            queue.Upload(host.Prediction, prediction);
        }

        host.Covariance.AddToDiagonal(1 / Descriptor.Precision(Descriptor.Depth));
        for (int i = 0; i < s.Length; i++)
        {
            host.Square[i] = T.CreateTruncating(s[i]);
        }

        queue.Upload(host.Square, covariance);
        Cholesky factor = Cholesky.FactorInPlace(host.Covariance, $"{Operation}: S");
        double loss = host.Dual.SquaredNorm() / (2.0 * Descriptor.Batch);
        if (!double.IsFinite(loss))
        {
            throw new ArithmeticException($"{Operation}: the predictions of the feed-forward pass overflow");
        }

        // rᵀ S⁻¹ r is the square of R⁻¹ r.
        factor.SolveLower(host.Dual);
        double energy = host.Dual.SquaredNorm() / (2.0 * Descriptor.Batch), logDeterminant = factor.LogDeterminant();
        factor.SolveUpper(host.Dual);
        for (int l = 1; l <= Descriptor.Depth; l++)
        {
            logDeterminant += Descriptor.Widths[l] * Math.Log(Descriptor.Precision(l));
        }

        for (int j = 0; j < width; j++)
        {
            double sum = 0;
            for (int i = 0; i < host.Dual.Rows; i++)
            {
                sum += host.Dual[i, j];
            }

            host.DualSum[j] = T.CreateTruncating(sum);
        }

        for (int i = 0; i < r.Length; i++)
        {
            host.Prediction[i] = T.CreateTruncating(r[i]);
        }

        queue.Upload(host.Prediction, dual);
        return new(energy, loss, logDeterminant);
    }

    /// <summary>Takes rows (samples, or sums of samples) up through the layers: <c>above = below M_lᵀ + constant c_l + coefficients Q_l/λ_l</c>; gradients on the way.</summary>
    private void Ascend(
        CommandQueue queue,
        Rows rows,
        TensorView<T> parameters,
        Tensor<T> scratch,
        TensorView<T> start,
        TensorView<T> coefficients,
        TensorView<T> constant,
        TensorView<T> activities,
        TensorView<T> gradient)
    {
        TensorView<T> below = start;
        for (int l = 1; l <= Descriptor.Depth; l++)
        {
            double scaling = Descriptor.Scaling(l);
            TensorView<T> left = Q(scratch, l), duals = default;
            if (!gradient.IsEmpty)
            {
                if (ReferenceEquals(rows, samples))
                {
                    duals = scratch.View(rowOffset + (2 * rows.Hop), rows.Shapes[l]);
                    rows.Inject[l].Execute(queue, coefficients, left, duals);
                    left = duals;
                }

                rows.Gradient[l].Execute(queue, left, below, WeightOf(gradient, l), -scaling / Descriptor.Batch);
            }

            if (l == Descriptor.Depth)
            {
                return;
            }

            TensorView<T> above = activities.IsEmpty ? scratch.View(rowOffset + (l % 2 * rows.Hop), rows.Shapes[l]) : LayerOf(activities, l);
            bool skip = Descriptor.Skip(l);
            if (skip)
            {
                queue.Copy(below, above);
            }

            rows.Rise[l].Execute(queue, below, WeightOf(parameters, l), above, scaling, skip ? 1 : 0);
            if (duals.IsEmpty)
            {
                rows.Inject[l].Execute(queue, coefficients, left, above, 1 / Descriptor.Precision(l), 1);
            }
            else
            {
                rows.Sum[l].Execute(queue, duals, above, 1 / Descriptor.Precision(l), 1);
            }

            if (Descriptor.Bias)
            {
                rows.Shift[l]!.Execute(queue, constant, BiasOf(parameters, l), above, scaling, 1);
            }

            below = above;
        }
    }

    /// <summary>Adds <c>wd W + 2 sp W (WᵀW - I)</c>.</summary>
    private void Regularise(CommandQueue queue, TensorView<T> parameters, Tensor<T> scratch, TensorView<T> gradient)
    {
        double decay = Descriptor.WeightDecay - (2 * Descriptor.SpectralPenalty);
        for (int l = 1; l <= Descriptor.Depth && (Descriptor.WeightDecay > 0 || Descriptor.SpectralPenalty > 0); l++)
        {
            Layer layer = layers[l];
            TensorView<T> w = WeightOf(parameters, l), dw = WeightOf(gradient, l);
            if (layer.WeightGram is not null)
            {
                TensorView<T> gram = scratch.View(gramOffset, layer.GramShape);
                layer.WeightGram.Execute(queue, w, w, gram);
                layer.WeightProduct!.Execute(queue, w, gram, dw, 2 * Descriptor.SpectralPenalty, 1);
            }

            layer.Sum!.Execute(queue, w, dw, decay, 1);
        }
    }

    private TensorView<T> Upload(CommandQueue queue, Tensor<T> scratch, Rows rows, T[] elements)
    {
        TensorView<T> to = scratch.View(rowOffset + (3 * rows.Hop) - rows.Constant[0], rows.Constant);
        queue.Upload(elements.AsSpan(0, (int)rows.Constant[0]), to);
        return to;
    }

    private TensorView<T> Q(Tensor<T> scratch, int l) => scratch.View(offsets[l], outputs.Shapes[l]);

    private TensorView<T> LayerOf(TensorView<T> activities, int l) => activities.Tensor.View(activities.Offset + layers[l].Activity, samples.Shapes[l]);

    private TensorView<T> WeightOf(TensorView<T> parameters, int l) => parameters.Tensor.View(parameters.Offset + layers[l].Weight, layers[l].WeightShape);

    private TensorView<T> BiasOf(TensorView<T> parameters, int l) => parameters.Tensor.View(parameters.Offset + layers[l].Bias, layers[l].BiasShape);

    private void CheckOutput(string argument, TensorView<T> view, Shape shape, ReadOnlySpan<TensorView<T>> others)
    {
        if (!view.IsEmpty)
        {
            CheckOperand(argument, view, shape);
            Throw.IfOverlapsAny(Operation, view, others);
        }
    }

    private void ThrowIfNotFinite(CommandQueue queue, TensorView<T> parameters, TensorView<T> input, TensorView<T> target)
    {
        LinearNetwork.Read(Operation, Descriptor, Doubles(parameters));
        LinearNetwork.ReadData(Operation, nameof(input), Doubles(input), inputShape);
        LinearNetwork.ReadData(Operation, nameof(target), Doubles(target), samples.Shapes[^1]);

        double[] Doubles(TensorView<T> view) => Array.ConvertAll(queue.Download(view), double.CreateTruncating);
    }
}
