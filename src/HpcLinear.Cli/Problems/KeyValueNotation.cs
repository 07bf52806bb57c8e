using System.Globalization;
using HpcLinear.Operations;

namespace HpcLinear.Cli.Problems;

/// <summary>Lines <c>ID kind key=value …</c>, the notation that all compared engines read.</summary>
/// <remarks><code>
/// gemm  m,n,k                 C[m,n] = A[m,k] B[k,n]
/// bgemm b,m,n,k               b independent products
/// conv  n,ic,oc,g,in,k,s,p,d  in, k, s, p, d are one number an axis joined by x; d = 1 is dense
/// pscnv p,n,l,k,s             p problems, each with its own filter of k taps and stride s on n signals of length l
/// comp  p,L,k,s               L filters of k taps and stride s composed to one, for p networks
/// pc    L,w,b,steps           linear predictive-coding network of L layers of width w, b samples: relaxation steps
/// jac   L,n,p                 product of L matrices n x n for p networks: its Jacobian times a direction, transposed, and K = J Jᵀ
/// </code></remarks>
internal static class KeyValueNotation
{
    private static readonly string[] Kinds = ["gemm", "bgemm", "conv", "pscnv", "comp", "pc", "jac"];

    public static Problem Parse(string line)
    {
        string[] words = line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        int kindAt = Array.FindIndex(words, 0, Math.Min(2, words.Length), w => Kinds.Contains(w));
        if (kindAt < 0)
        {
            throw new ProblemException(ProblemError.Syntax, $"problem: '{line}' names no kind; expected ID and one of {string.Join(", ", Kinds)}");
        }

        string id = kindAt == 0 ? line : words[0], kind = words[kindAt];
        Fields fields = new(line, kind, words[(kindAt + 1)..]);
        Problem problem = kind switch
        {
            "gemm" => new GemmProblem(id, Gemm(fields, null)),
            "bgemm" => new GemmProblem(id, Gemm(fields, fields.Number("b"))),
            "conv" => new ConvolutionProblem(id, Convolution(fields)),
            "pc" => Relaxation(id, fields),
            "jac" => new JacobianProblem(id, Matrices(fields)),
            "pscnv" => new ConvolutionProblem(id, PerProblem(fields)),
            _ => new CompositionProblem(id, Composition(fields)),
        };
        fields.Finish();
        return problem;
    }

    private static GemmDescriptor Gemm(Fields fields, long? problems)
    {
        GemmDescriptor gemm = new() { Problems = problems, Rows = fields.Number("m"), Columns = fields.Number("n"), Depth = fields.Number("k") };
        gemm.Validate();
        return gemm;
    }

    private static ConvolutionDescriptor Convolution(Fields fields)
    {
        ConvolutionDescriptor conv = new()
        {
            Batch = fields.Number("n"),
            InChannels = fields.Number("ic"),
            OutChannels = fields.Number("oc"),
            Groups = fields.Number("g", 1),
            Input = fields.Extents("in"),
            Filter = fields.Extents("k"),
        };
        int d = conv.Input.Rank;
        Shape padding = fields.Extents("p", d, 0);
        conv = conv with { Stride = fields.Extents("s", d, 1), Dilation = fields.Extents("d", d, 1) };
        conv = padding.All(p => p == 0) ? conv : conv with { Padding = padding };
        conv.Validate();
        return conv;
    }

    private static ConvolutionDescriptor PerProblem(Fields fields)
    {
        ConvolutionDescriptor conv = new()
        {
            Problems = fields.Number("p"),
            Batch = fields.Number("n"),
            InChannels = 1,
            OutChannels = 1,
            Input = fields.Extents("l"),
            Filter = fields.Extents("k"),
        };
        conv = conv with { Stride = fields.Extents("s", conv.Input.Rank, 1) };
        conv.Validate();
        return conv;
    }

    private static RelaxationProblem Relaxation(string id, Fields fields)
    {
        long layers = fields.Number("L"), steps = fields.Number("steps", 20);
        if (layers is < 1 or > 1 << 20 || steps is < 0 or > int.MaxValue)
        {
            throw new ProblemException(ProblemError.Size, $"pc: 1 to {1 << 20} layers and 0 to {int.MaxValue} steps expected, got L={layers} steps={steps}");
        }

        RelaxationDescriptor network = new() { Batch = fields.Number("b"), Widths = Shape.Uniform((int)layers + 1, fields.Number("w")) };
        network.Validate();
        return new(id, network, (int)steps);
    }

    private static DeepProductDescriptor Matrices(Fields fields)
    {
        long layers = fields.Number("L"), problems = fields.Number("p", 1);
        if (layers is < 1 or > 1000)
        {
            throw new ProblemException(ProblemError.Size, $"jac: 1 to 1000 layers expected, got L={layers}");
        }

        DeepProductDescriptor product = DeepProductDescriptor.FullyConnected(Shape.Uniform((int)layers + 1, fields.Number("n")), problems == 1 ? null : problems);
        product.Validate();
        return product;
    }

    private static DeepProductDescriptor Composition(Fields fields)
    {
        long layers = fields.Number("L");
        Shape filter = fields.Extents("k"), stride = fields.Extents("s", filter.Rank, 1);
        if (layers is < 1 or > 1000)
        {
            throw new ProblemException(ProblemError.Size, $"comp: 1 to 1000 layers expected, got L={layers}");
        }

        DeepProductDescriptor chain = new()
        {
            Problems = fields.Number("p"),
            Channels = Shape.Uniform((int)layers + 1, 1),
            Filters = [.. Enumerable.Repeat(filter, (int)layers)],
            Strides = [.. Enumerable.Repeat(stride, (int)layers)],
        };
        chain.Validate();
        return chain;
    }

    /// <summary>The key=value words of a line; every one must be read.</summary>
    private sealed class Fields
    {
        private readonly string line;
        private readonly string kind;
        private readonly Dictionary<string, string> values = [];

        public Fields(string line, string kind, string[] words)
        {
            this.line = line;
            this.kind = kind;
            foreach (string word in words)
            {
                string[] parts = word.Split('=');
                if (parts.Length != 2 || parts[1].Length == 0 || !values.TryAdd(parts[0], parts[1]))
                {
                    throw new ProblemException(ProblemError.Syntax, $"{kind}: '{word}' is not understood in '{line}', expected key=value, each key once");
                }
            }
        }

        public long Number(string key, long? otherwise = null) => values.Remove(key, out string? value)
            ? Read(key, value)
            : otherwise ?? throw Missing(key);

        public Shape Extents(string key) => values.Remove(key, out string? value)
            ? Shape.Create([.. value.Split('x').Select(v => Read(key, v))])
            : throw Missing(key);

        public Shape Extents(string key, int rank, long otherwise) => values.ContainsKey(key) ? Extents(key) : Shape.Uniform(rank, otherwise);

        public void Finish()
        {
            if (values.Count > 0)
            {
                throw new ProblemException(ProblemError.Syntax, $"{kind}: '{values.Keys.First()}' is not a key of {kind} in '{line}'");
            }
        }

        private long Read(string key, string value) => long.TryParse(value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long number)
            ? number
            : throw new ProblemException(ProblemError.Syntax, $"{kind}: '{key}={value}' in '{line}': a number expected");

        private ProblemException Missing(string key) => new(ProblemError.Syntax, $"{kind}: '{key}=' is missing in '{line}'");
    }
}
