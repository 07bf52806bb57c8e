using System.Numerics;
using System.Runtime.InteropServices;
using HpcLinear.Benchmarks.Peers;
using HpcLinear.Cli.Bench;
using HpcLinear.Cli.Problems;
using HpcLinear.Operations;
using Microsoft.ML.OnnxRuntime;

namespace HpcLinear.Peers.OnnxRuntime;

/// <summary>ONNX Runtime on the CPU: it runs networks forward, so no gradients. Models are one node, or one a layer for compositions.</summary>
internal sealed class OnnxPeer : Peer
{
    private readonly SessionOptions options;

    public OnnxPeer(int threads)
    {
        options = new() { IntraOpNumThreads = threads, InterOpNumThreads = 1, GraphOptimizationLevel = GraphOptimizationLevel.ORT_ENABLE_ALL };
        Version = OrtEnv.Instance().GetVersionString();
    }

    public override string Name => "onnxruntime";

    public override string Version { get; }

    public override IEnumerable<PeerForm> Forms<T>(Problem problem, string operation) => problem switch
    {
        GemmProblem { Descriptor: { TransposeA: false, TransposeB: false } d } => [new("", () => Product<T>(d))],

        // Its convolutions are float only.
        _ when typeof(T) != typeof(float) => [],
        ConvolutionProblem { Descriptor: { Boundary: Boundary.Zero, TrueConvolution: false, SharedInput: false, SharedFilter: false } d }
            when operation == "fwd" && d.SpatialRank <= 3 && (d.Problems is null || (d.InChannels == 1 && d.OutChannels == 1)) => [new("", () => Convolution(d))],
        CompositionProblem { Descriptor: { } d } when d.Channels.All(c => c == 1) && d.Filters[0].Rank == 1 => [new("groups", () => Composition(d))],
        _ => [],
    };

    protected override void Dispose(bool disposing)
    {
        options.Dispose();
        base.Dispose(disposing);
    }

    private static T[] Elements<T>(RandomOperand operand)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        T[] elements = new T[operand.Count];
        for (long i = 0; i < elements.Length; i++)
        {
            elements[i] = T.CreateTruncating(operand[i]);
        }

        return elements;
    }

    private OnnxTask<T> Product<T>(GemmDescriptor d)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        OnnxModel model = new(typeof(T) == typeof(float));
        long[] a = [.. d.ShapeA], b = [.. d.ShapeB], c = [.. d.ShapeC];
        model.Input("A", a);
        model.Input("B", b);
        model.Output("C", c);
        model.Node("MatMul", "A", "B", "C");
        return new(model, options, c, ("A", a, Elements<T>(new(1, d.ShapeA.ElementCount))), ("B", b, Elements<T>(new(2, d.ShapeB.ElementCount))));
    }

    /// <summary>The filter is a constant of the model, as in a network, so that it may be reordered beforehand.</summary>
    private OnnxTask<float> Convolution(ConvolutionDescriptor d)
    {
        long problems = d.Problems ?? 1;
        long[] x = [d.Batch, d.InChannels * problems, .. d.Input], w = [d.OutChannels * problems, d.FilterChannels, .. d.Filter], y = [d.Batch, d.OutChannels * problems, .. d.Output];
        IEnumerable<long> trailing = Enumerable.Range(0, d.SpatialRank).Select(a =>
            ((d.Output[a] - 1) * d.Stride[a]) + (d.Dilation[a] * (d.Filter[a] - 1)) + 1 - d.Input[a] - d.ResolvedLow[a]).Select(high => Math.Max(high, 0)); // what no tap reaches is not there
        OnnxModel model = new(true);
        model.Input("X", x);
        model.Output("Y", y);
        model.Constant("W", MemoryMarshal.AsBytes<float>(Elements<float>(new(2, d.FilterShape.ElementCount))).ToArray(), w);
        model.Node(
            "Conv", "X", "W", "Y", ("group", [d.Groups * problems]), ("kernel_shape", [.. d.Filter]), ("strides", [.. d.Stride]),
            ("dilations", [.. d.Dilation]), ("pads", [.. d.ResolvedLow, .. trailing]));
        float[] input = Elements<float>(new(1, d.InputShape.ElementCount));
        return new(model, options, y, ("X", x, Exchange(input, problems, d.Batch, d.Input.ElementCount))) { Fetch = result => Exchange(result, d.Batch, problems, d.Output.ElementCount * (d.Problems is null ? d.OutChannels : 1)) };

        // Images and problems change places; without problems nothing does.
        float[] Exchange(float[] from, long outer, long inner, long plane) => d.Problems is null ? from : Transpose(from, outer, inner, plane);
    }

    /// <summary>One group a network; filters are inputs, because they are what changes. The composition with a dilated filter is a convolution with it, reversed.</summary>
    private OnnxTask<float> Composition(DeepProductDescriptor d)
    {
        long problems = d.Problems ?? 1, length = d.Filters[0][0], stride = d.Strides[0][0];
        OnnxModel model = new(true);
        List<(string, long[], float[])> inputs = [("W0", [1, problems, length], Elements<float>(new(1, problems * length)))];
        model.Input("W0", 1, problems, length);
        string composed = "W0";
        for (int layer = 1; layer < d.Depth; layer++)
        {
            long taps = d.Filters[layer][0], pad = (taps - 1) * stride;
            float[] filter = Elements<float>(new((ulong)(layer + 1), problems * taps));
            for (int p = 0; p < problems; p++)
            {
                filter.AsSpan((int)(p * taps), (int)taps).Reverse();
            }

            string name = $"W{layer}", next = layer == d.Depth - 1 ? "Y" : $"V{layer}";
            model.Input(name, problems, 1, taps);
            inputs.Add((name, [problems, 1, taps], filter));
            model.Node("Conv", composed, name, next, ("group", [problems]), ("kernel_shape", [taps]), ("dilations", [stride]), ("pads", [pad, pad]));
            composed = next;
            length += pad;
            stride *= d.Strides[layer][0];
        }

        model.Output("Y", 1, problems, length);
        return new(model, options, [1, problems, length], [.. inputs]);
    }

    private static float[] Transpose(float[] from, long outer, long inner, long plane)
    {
        float[] to = new float[from.Length];
        for (long o = 0; o < outer; o++)
        {
            for (long i = 0; i < inner; i++)
            {
                Array.Copy(from, ((o * inner) + i) * plane, to, ((i * outer) + o) * plane, plane);
            }
        }

        return to;
    }
}

/// <summary>A model whose operands are bound, so that nothing is allocated or copied in a call.</summary>
internal sealed class OnnxTask<T> : PeerTask
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly InferenceSession session;
    private readonly RunOptions run;
    private readonly string[] names;
    private readonly OrtValue[] values;
    private readonly string[] outputNames;
    private readonly OrtValue[] outputs;
    private readonly T[] result;

    public OnnxTask(OnnxModel model, SessionOptions options, long[] shape, params (string Name, long[] Shape, T[] Elements)[] inputs)
    {
        session = Own(new InferenceSession(model.ToArray(), options));
        run = Own(new RunOptions());
        names = [.. inputs.Select(i => i.Name)];
        values = [.. inputs.Select(i => Own(OrtValue.CreateTensorValueFromMemory(i.Elements, i.Shape)))];
        outputNames = [.. session.OutputMetadata.Keys];
        result = new T[shape.Aggregate(1L, (a, b) => a * b)];
        outputs = [Own(OrtValue.CreateTensorValueFromMemory(result, shape))];
    }

    /// <summary>Puts the result into our order.</summary>
    public Func<T[], T[]> Fetch { get; init; } = elements => elements;

    public override void Execute() => session.Run(run, names, values, outputNames, outputs);

    public override Array Download() => Fetch(result);
}
