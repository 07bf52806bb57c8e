using HpcLinear.Data;
using HpcLinear.LinearNetworks;
using HpcLinear.Operations;
using HpcLinear.PredictiveCoding;
using HpcLinear.Tests.Cli;
using Xunit;

namespace HpcLinear.Tests.Docs;

/// <summary>The programs that README and docs show, compiled and run. <see cref="SnippetTests"/> compares them with the files.</summary>
public sealed class Snippets
{
    private static readonly float[] Images = [.. Enumerable.Range(0, 64 * 3 * 32 * 32).Select(i => i % 7)];
    private static readonly float[] Filters = [.. Enumerable.Range(0, 16 * 3 * 5 * 5).Select(i => i % 5)];

    [Fact]
    public void The_first_program_convolves_on_the_default_device() => Assert.Equal(64 * 16 * 16 * 16, FirstProgram(Images, Filters).Length);

    private static float[] FirstProgram(float[] images, float[] filters)
    {
        // snippet: first-program
        using Device device = Devices.Open();                                   // or "cpu:avx2", "opencl:0"
        using CommandQueue queue = device.CreateQueue();
        ConvolutionDescriptor conv = new()
        {
            Batch = 64, InChannels = 3, OutChannels = 16, Input = [32, 32], Filter = [5, 5], Stride = [2, 2], Padding = [2, 2], Boundary = Boundary.Circular,
        };
        using ConvolutionPlan<float> plan = ConvolutionPlan.Create<float>(device, conv);
        using Tensor<float> x = device.Allocate<float>(conv.InputShape), w = device.Allocate<float>(conv.FilterShape), y = device.Allocate<float>(conv.OutputShape);
        queue.Upload(images, x);
        queue.Upload(filters, w);
        plan.Forward(queue, x, w, y);                                           // allocates nothing
        float[] result = queue.Download<float>(y);                              // waits
        // end snippet
        return result;
    }

    [Fact]
    public void The_gradients_of_a_convolution_accumulate()
    {
        using Device device = Devices.Open("cpu");
        using CommandQueue queue = device.CreateQueue();

        // snippet: convolution-gradients
        ConvolutionDescriptor conv = ConvolutionDescriptor.Parse("conv n8 c16 k32 i28x28 f3x3 s2x2 pad1x1 replicate");
        using ConvolutionPlan<double> plan = ConvolutionPlan.Create<double>(device, conv);
        using Tensor<double> x = device.Allocate<double>(conv.InputShape), dx = device.Allocate<double>(conv.InputShape);
        using Tensor<double> w = device.Allocate<double>(conv.FilterShape), dw = device.Allocate<double>(conv.FilterShape);
        using Tensor<double> b = device.Allocate<double>(conv.BiasShape), db = device.Allocate<double>(conv.BiasShape);
        using Tensor<double> y = device.Allocate<double>(conv.OutputShape), dy = device.Allocate<double>(conv.OutputShape);
        queue.Fill(x, 1.0);
        queue.Fill(dy, 1.0);
        plan.Forward(queue, x, w, y, b);                    // (1)
        plan.BackwardInput(queue, dy, w, dx);               // (2)
        plan.BackwardFilter(queue, x, dy, dw, beta: 1);     // (3), added to what dw holds
        plan.BackwardBias(queue, dy, db, beta: 1);          // (4)
        // end snippet
        Assert.All(queue.Download<double>(dw), d => Assert.Equal(8 * 14 * 14, d));
    }

    [Fact]
    public void A_transposed_convolution_is_a_gradient()
    {
        using Device device = Devices.Open("cpu");
        using CommandQueue queue = device.CreateQueue();

        // snippet: transposed
        Shape z = [8, 32, 14, 14], w = [32, 16, 3, 3];
        ConvolutionDescriptor settings = ConvolutionDescriptor.Parse("conv c1 k1 i3x3 f3x3 s2x2 pad1x1");   // sizes are ignored
        ConvolutionDescriptor forward = ConvolutionDescriptor.ForTransposed(z, w, spatial: [28, 28], settings);
        using ConvolutionPlan<float> plan = ConvolutionPlan.Create<float>(device, forward);
        using Tensor<float> small = device.Allocate<float>(z), filter = device.Allocate<float>(w), large = device.Allocate<float>(forward.InputShape);
        plan.BackwardInput(queue, small, filter, large);
        // end snippet
        Assert.Equal<Shape>([8, 16, 28, 28], large.Shape);
    }

    [Fact]
    public void A_batch_of_products_shares_its_right_factor()
    {
        using Device device = Devices.Open("cpu");
        using CommandQueue queue = device.CreateQueue();

        // snippet: gemm
        GemmDescriptor gemm = new() { Problems = 1000, Rows = 8, Columns = 16, Depth = 32, TransposeA = true, StrideB = 0 };
        using GemmPlan<float> plan = GemmPlan.Create<float>(device, gemm);
        using Tensor<float> a = device.Allocate<float>(gemm.ShapeA);    // [1000, 32, 8]: stored transposed
        using Tensor<float> b = device.Allocate<float>(gemm.ShapeB);    // [1, 32, 16]: shared
        using Tensor<float> c = device.Allocate<float>(gemm.ShapeC);    // [1000, 8, 16]
        plan.Execute(queue, a, b, c, alpha: 0.5, beta: 1);
        // end snippet
        Assert.Equal<Shape>([1000, 32, 8], a.Shape);
        Assert.Equal<Shape>([1, 32, 16], b.Shape);
        Assert.Equal<Shape>([1000, 8, 16], c.Shape);
    }

    [Fact]
    public void Filters_compose_to_one()
    {
        using Device device = Devices.Open("cpu");
        using CommandQueue queue = device.CreateQueue();

        // snippet: filter-chain
        DeepProductDescriptor chain = new() { Channels = [3, 8, 8, 4], Filters = [[5, 5], [3, 3], [3, 3]], Strides = [[2, 2], [1, 1], [2, 2]] };
        using DeepProductPlan<double> plan = DeepProductPlan.Create<double>(device, chain);
        Tensor<double>[] w = [.. Enumerable.Range(0, chain.Depth).Select(l => device.Allocate<double>(chain.FilterShape(l)))];
        Tensor<double>[] dw = [.. w.Select(t => device.Allocate<double>(t.Shape))];
        using Tensor<double> composed = device.Allocate<double>(chain.ComposedShape), gradient = device.Allocate<double>(chain.ComposedShape);
        TensorView<double>[] filters = [.. w.Select(t => t.AsView())], gradients = [.. dw.Select(t => t.AsView())];
        plan.Compose(queue, filters, composed);                         // [4, 3, 13, 13], stride 4x4
        plan.JacobianTransposeProduct(queue, filters, gradient, gradients);
        // end snippet

        // snippet: hessian-product
        // f(V) = |V|²/2 of the end-to-end map: its gradient is V, and its Hessian leaves J dW as it is.
        using Tensor<double> change = device.Allocate<double>(chain.ComposedShape);
        TensorView<double>[] curvature = [.. filters.Select(f => device.Allocate<double>(f.Shape).AsView())];
        plan.JacobianProduct(queue, filters, gradients, change);
        plan.HessianProduct(queue, filters, gradients, composed, change, curvature);
        plan.JacobianTransposeProduct(queue, filters, change, curvature);     // Gauss-Newton: Jᵀ J dW
        // end snippet
        Assert.Equal<Shape>([4, 3, 13, 13], composed.Shape);
        Assert.Equal<Shape>([4, 4], chain.ComposedStride);
        Array.ForEach([.. w, .. dw], t => t.Dispose());
        Array.ForEach(curvature, t => t.Tensor.Dispose());
    }

    [Fact]
    public void Networks_follow_their_gradient_flows()
    {
        using Device device = Devices.Open("cpu");
        using CommandQueue queue = device.CreateQueue();

        // snippet: gradient-flow
        DeepProductDescriptor network = new() { Problems = 1000, Channels = [1, 1, 1], Filters = [[3], [2]], Strides = [[2], [1]] };
        using GradientFlowPlan<double> plan = GradientFlowPlan.Create<double>(device, new() { Network = network });
        Tensor<double>[] w = [.. Enumerable.Range(0, 2).Select(l => device.Allocate<double>(network.FilterShape(l)))];
        Tensor<double>[] states = [.. Enumerable.Range(0, 2).Select(l => device.Allocate<double>(plan.Descriptor.StateShape(l, times: 3)))];
        using Tensor<double> a = device.Allocate<double>(plan.Descriptor.QuadraticShape), b = device.Allocate<double>(plan.Descriptor.LinearShape);
        IReadOnlyList<FlowOutcome> found = plan.Run(queue, [w[0], w[1]], a, b, times: [1, 2, 10], [states[0], states[1]], new() { RelativeTolerance = 1e-9 });
        // end snippet
        Assert.All(found, o => Assert.Equal(FlowStatus.Finished, o.Status));
        Array.ForEach([.. w, .. states], t => t.Dispose());
    }

    [Fact]
    public void Matrices_multiply_in_the_best_order()
    {
        using Device device = Devices.Open("cpu");
        using CommandQueue queue = device.CreateQueue();

        // snippet: matrix-chain
        DeepProductDescriptor chain = DeepProductDescriptor.FullyConnected([784, 100, 100, 10]);          // W_2 W_1 W_0: 10 x 784
        using DeepProductPlan<float> plan = DeepProductPlan.Create<float>(device, chain);
        using Tensor<float> parameters = device.Allocate<float>([(100 * 784) + (100 * 100) + (10 * 100)]), product = device.Allocate<float>(chain.ComposedShape);
        TensorView<float>[] matrices = [parameters.View(0, [100, 784]), parameters.View(78400, [100, 100]), parameters.View(88400, [10, 100])];
        plan.Compose(queue, matrices, product);
        // end snippet
        Assert.Equal<Shape>([10, 784], product.Shape);
        Assert.Equal((10 * 100 * 100) + (10 * 100 * 784), chain.OptimalMultiplyAdds);
    }

    [Fact]
    public void A_filter_bank_correlates_with_itself()
    {
        using Device device = Devices.Open("cpu");
        using CommandQueue queue = device.CreateQueue();

        // snippet: self-correlation
        SelfCorrelationDescriptor bank = new() { OutChannels = 64, InChannels = 32, Filter = [3, 3], Stride = [1, 1] };
        using SelfCorrelationPlan<float> plan = SelfCorrelationPlan.Create<float>(device, bank);
        using Tensor<float> w = device.Allocate<float>(bank.FilterShape), r = device.Allocate<float>(bank.ResultShape);
        plan.Execute(queue, w, r);                                      // r: [64, 64, 5, 5]
        // end snippet
        Assert.Equal<Shape>([64, 64, 5, 5], r.Shape);
    }

    [Fact]
    public void A_network_relaxes()
    {
        using Device device = Devices.Open("cpu");
        using CommandQueue queue = device.CreateQueue();

        // snippet: relaxation
        RelaxationDescriptor network = RelaxationDescriptor.Create(64, [784, 128, 128, 128, 10], Parameterisation.DepthMuP, skips: true) with { Activation = Activation.Relu };
        using RelaxationPlan<float> plan = RelaxationPlan.Create<float>(device, network);
        using Tensor<float> weights = device.Allocate<float>(network.ParameterShape), gradient = device.Allocate<float>(network.ParameterShape);
        using Tensor<float> x = device.Allocate<float>(network.InputShape), y = device.Allocate<float>(network.TargetShape);
        using Tensor<float> z = device.Allocate<float>(network.ActivityShape), prediction = device.Allocate<float>(network.TargetShape);
        using RandomFillPlan<float> normal = RandomFillPlan.Create<float>(device, new() { Distribution = RandomDistribution.Normal, Shape = network.ParameterShape });
        normal.Execute(queue, weights, seed: 1);
        queue.Fill(x, 0.5f);
        queue.Fill(y, 0.1f);
        plan.Forward(queue, weights, x, z, prediction);
        RelaxationResult result = plan.Relax(queue, weights, x, y, z, new() { Steps = 16, Step = 0.3, TraceEnergy = true });
        plan.WeightGradient(queue, weights, x, y, z, gradient);
        // end snippet
        Assert.Equal(RelaxationStatus.Finished, result.Status);
        Assert.Equal(17, result.EnergyTrace.Count);
        Assert.True(result.EnergyTrace[16] < result.EnergyTrace[0]);
        Assert.Contains(queue.Download<float>(gradient), g => g != 0);
    }

    [Fact]
    public void A_network_is_trained()
    {
        using Device device = Devices.Open("cpu");
        using CommandQueue queue = device.CreateQueue();
        float[][] points = [.. Enumerable.Range(0, 200).Select(i => new[] { MathF.Sin(i), MathF.Cos(3 * i) })];
        float[][] classes = [.. points.Select(p => p[0] > p[1] ? new[] { 1f, 0f } : [0f, 1f])];
        using Tensor<float> allPoints = device.Allocate<float>([200, 2]), allClasses = device.Allocate<float>([200, 2]);
        queue.Upload([.. points.SelectMany(p => p)], allPoints);
        queue.Upload([.. classes.SelectMany(c => c)], allClasses);

        // snippet: training
        RelaxationDescriptor network = RelaxationDescriptor.Create(16, [2, 32, 32, 32, 2], Parameterisation.DepthMuP, skips: true) with { Activation = Activation.Tanh };
        TrainingOptions options = new() { Relaxation = new() { Steps = 8, Step = 0.3 }, LearningRate = 0.02 };
        using PredictiveCodingTrainer<float> trainer = PredictiveCodingTrainer.Create<float>(queue, network, options);
        trainer.Initialise(WeightInitialisation.Of(Parameterisation.DepthMuP), seed: 1);
        MinibatchOrder order = new(samples: 200, batch: 16, seed: 1);
        using Tensor<float> x = device.Allocate<float>(network.InputShape), y = device.Allocate<float>(network.TargetShape);
        for (long update = 0; update < 5 * order.BatchesPerEpoch; update++)
        {
            int[] batch = order.Indices(update).ToArray();
            queue.Upload([.. batch.SelectMany(i => points[i])], x);
            queue.Upload([.. batch.SelectMany(i => classes[i])], y);
            TrainingStep step = trainer.Step(x, y);
            if (step.Status != TrainingStatus.Updated)
            {
                throw new InvalidOperationException($"update {update}: {step}");           // e.g. "diverged at step 12, layer 3: no update"
            }
        }

        Evaluation evaluation = trainer.Evaluate(allPoints, allClasses);                   // any number of samples
        TrainerState<float> state = trainer.Snapshot();                                    // trainer.Restore(state) continues with the same bits
        // end snippet
        Assert.Equal(60, state.Updates);
        Assert.True(evaluation.Accuracy > 0.9, $"{evaluation}");
    }

    [Fact]
    public void Parameters_are_updated_from_a_gradient()
    {
        using Device device = Devices.Open("cpu");
        using CommandQueue queue = device.CreateQueue();
        using Tensor<float> w = device.Allocate<float>([8]), dw = device.Allocate<float>([8]);
        queue.Fill(dw, 3f);

        // snippet: optimizer
        using OptimizerPlan<float> adam = OptimizerPlan.Create<float>(device, new() { Rule = OptimizerRule.Adam, Shape = w.Shape });
        using Tensor<float> first = device.Allocate<float>(w.Shape), second = device.Allocate<float>(w.Shape);    // zeros
        for (long update = 1; update <= 3; update++)
        {
            adam.Execute(queue, dw, w, first, second, learningRate: 0.1, update);
        }
        // end snippet
        Assert.All(queue.Download<float>(w), x => Assert.Equal(-0.3f, x, 1e-5f));
    }

    [Fact]
    public void A_norm_and_the_sums_along_an_axis()
    {
        using Device device = Devices.Open("cpu");
        using CommandQueue queue = device.CreateQueue();

        // snippet: reduction
        Shape shape = [128, 1000];
        using ReductionPlan<float> norm = ReductionPlan.Create<float>(device, new() { Kind = ReductionKind.Norm2, Shape = shape });
        using ReductionPlan<float> rows = ReductionPlan.Create<float>(device, new() { Kind = ReductionKind.Sum, Shape = shape, Axis = 1, Compensated = true });
        using Tensor<float> x = device.Allocate<float>(shape), length = device.Allocate<float>(Shape.Scalar), sums = device.Allocate<float>([128]);
        queue.Fill(x, 1f);
        norm.Execute(queue, x, length);
        rows.Execute(queue, x, sums);
        float euclidean = queue.Download<float>(length)[0];
        // end snippet
        Assert.Equal(Math.Sqrt(128000), euclidean, 1e-3);
        Assert.All(queue.Download<float>(sums), s => Assert.Equal(1000, s));
    }

    [Fact]
    public void A_step_of_gradient_descent()
    {
        using Device device = Devices.Open("cpu");
        using CommandQueue queue = device.CreateQueue();
        using Tensor<float> w = device.Allocate<float>([5]), dw = device.Allocate<float>([5]);
        queue.Fill(dw, 2f);

        // snippet: elementwise
        using ElementwisePlan<float> scaledAdd = ElementwisePlan.Create<float>(device, new() { Operation = ElementwiseOperation.Copy, Shape = w.Shape });
        scaledAdd.Execute(queue, dw, w, alpha: -0.1, beta: 1);          // w = w - 0.1 dw
        // end snippet
        Assert.All(queue.Download<float>(w), x => Assert.Equal(-0.2, x, 1e-6));
    }

    [Fact]
    public void Weights_are_drawn()
    {
        using Device device = Devices.Open("cpu");
        using CommandQueue queue = device.CreateQueue();

        // snippet: random
        using RandomFillPlan<float> normal = RandomFillPlan.Create<float>(device, new() { Distribution = RandomDistribution.Normal, Shape = [100, 784] });
        using Tensor<float> w = device.Allocate<float>([100, 784]);
        normal.Execute(queue, w, seed: 7, scale: 1 / Math.Sqrt(784));   // standard deviation 1/28
        // end snippet
        Assert.InRange(queue.Download<float>(w).Average(x => x * x), 0.9 / 784, 1.1 / 784);
    }

    [Fact]
    public void A_linear_network_is_solved()
    {
        // snippet: linear-equilibrium
        RelaxationDescriptor network = RelaxationDescriptor.Create(2, [2, 3, 3, 1], Parameterisation.DepthMuP, skips: true);
        double[] parameters = [.. Enumerable.Range(0, (int)network.ParameterCount).Select(i => Math.Sin(i))], x = [1, 2, 3, 4], y = [1, -1];
        LinearEquilibrium equilibrium = LinearEquilibrium.Solve(network, parameters, x, y);     // in the space of outputs
        ActivityHessian hessian = ActivityHessian.Create(network, parameters);
        LinearEquilibrium same = hessian.Solve(x, y);                                           // in the space of activities
        (double smallest, double largest) = hessian.ExtremeEigenvalues();                       // descent converges for steps below 2/largest
        (double down, _) = OriginHessian.Create(network, x, y).ExtremeEigenvalues();            // negative: a strict saddle
        EquilibratedEnergy energy = EquilibratedEnergy.Create(network, parameters, x, y);
        double[] product = new double[energy.Dimension];
        energy.HessianMultiply(energy.Gradient, product);                                       // of F*, in all weights
        // end snippet
        Assert.Equal(equilibrium.Energy, same.Energy, 1e-12);
        Assert.InRange(smallest, 0.01, largest);
        Assert.InRange(down, double.NegativeInfinity, -1e-3);
        Assert.Contains(product, p => p != 0);
    }

    [Fact]
    public void A_linear_network_is_solved_on_a_device()
    {
        using Device device = Devices.Open("cpu");
        using CommandQueue queue = device.CreateQueue();
        using Tensor<float> weights = device.Allocate<float>([(784 * 128) + (2 * 128 * 128) + (128 * 10)]), gradient = device.Allocate<float>(weights.Shape);
        using Tensor<float> x = device.Allocate<float>([64, 784]), y = device.Allocate<float>([64, 10]);
        queue.Fill(weights, 0.01f);
        queue.Fill(x, 0.5f);
        queue.Fill(y, 1f);

        // snippet: linear-equilibrium-plan
        RelaxationDescriptor network = RelaxationDescriptor.Create(64, [784, 128, 128, 128, 10], Parameterisation.DepthMuP, skips: true);
        using LinearEquilibriumPlan<float> plan = LinearEquilibriumPlan.Create<float>(device, network);
        EquilibriumEnergies found = plan.Solve(queue, weights, x, y, weightGradient: gradient);   // also activities, errors, q, S; found.Energy is F*
        // end snippet
        Assert.InRange(found.Energy, 0.1, found.Loss);
    }

    [Fact]
    public void A_deep_linear_network_is_trained_on_statistics_and_gauged()
    {
        using Device device = Devices.Open("cpu");
        using CommandQueue queue = device.CreateQueue();
        float[] x = [.. Enumerable.Range(0, 3200).Select(i => (float)Math.Sin(i * i))], y = new float[1200];

        // snippet: linear-networks
        DeepProductDescriptor sizes = new() { Channels = [1, 1, 1], Filters = [[3], [4]], Strides = [[2], [1]] };
        DeepLinearNetwork network = new(sizes, [[1, 2, 1], [0.5, 0, 0, -0.5]]);
        SquareLossDescriptor data = SquareLossDescriptor.Of(sizes, samples: 100, input: [32]);
        SquareLoss loss = SquareLoss.Measure<float>(queue, data, x, y);                         // x [100, 1, 32], y [100, 1, 12]; not needed from here on
        double[][] gradients = loss.Gradients(network), curvature = loss.HessianProduct(network, gradients);
        double[] delta = Invariants.NormDifferences(network);                                   // |W_0|² - |W_1|²: 5.5
        DeepLinearNetwork other = Gauge.Regauge(network, [-1]);                                 // the same map with another difference
        double[] within = LeafCurvature.Within(Invariants.SquaredNorms(other));
        // end snippet
        Assert.Equal(x.Length + y.Length, data.InputShape.ElementCount + data.TargetShape.ElementCount);
        Assert.Equal([5.5], delta);
        Assert.Equal(loss.Value(network), loss.Value(other), 1e-12 * loss.Value(network));
        Assert.Equal((2, 2), (curvature.Length, within.Length));
    }

    [Fact]
    public void Data_are_read_and_a_checkpoint_is_written()
    {
        using TemporaryFolder temporary = new();
        (string folder, string file) = (temporary.Path, temporary.File("state.npz"));
        foreach (string part in new[] { "train", "t10k" })
        {
            foreach (string kind in new[] { "images-idx3-ubyte.gz", "labels-idx1-ubyte.gz" })
            {
                File.Copy(Path.Combine(AppContext.BaseDirectory, "Assets", $"t10k-{kind}"), temporary.File($"{part}-{kind}"));
            }
        }

        // snippet: labelled-data
        LabelledData training = LabelledDataFile.ReadFolder(folder, DataPart.Training, outputs: 10);
        InputStandardisation map = training.MeasureStandardisation();
        LabelledData test = LabelledDataFile.ReadFolder(folder, DataPart.Test, outputs: 10).Standardise(map);
        training = training.Standardise(map).Take(1000);
        float[] x = new float[64 * training.Features], y = new float[64 * training.Outputs];
        training.Gather<float>([.. Enumerable.Range(0, 64)], x, y);                       // x row-major, y one-hot

        Checkpoint checkpoint = new();
        checkpoint.Add("parameters", [x.Length], x);
        checkpoint.Set("network", "relax n64 i784 w64 h8 o10 relu mupc skip");
        checkpoint.Set("updates", 1000);
        CheckpointFile.Write(file, checkpoint);
        Checkpoint read = CheckpointFile.Read(file);
        read.RequireSettings([new("network", "relax n64 i784 w64 h8 o10 relu mupc skip")]); // or a DataFormatException that names the first difference
        float[] parameters = read.Get<float>("parameters", [x.Length]);
        // end snippet
        Assert.Equal(x, parameters);
        Assert.Equal((10000, 64), (test.Count, (int)y.Sum()));
    }
}
