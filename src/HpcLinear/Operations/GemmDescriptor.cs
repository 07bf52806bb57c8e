using System.Globalization;
using System.Text;

namespace HpcLinear.Operations;

/// <summary>
/// Matrix products <c>C[p] = alpha op(A[p]) op(B[p]) + beta C[p]</c>, p = 0 … problems - 1, row-major;
/// op(A) is <c>rows x depth</c>, op(B) is <c>depth x columns</c>.
/// </summary>
/// <remarks>Leading dimensions and strides between problems count elements; unset, matrices are dense and follow each other.
/// A stride of 0 on A or B shares that matrix among all problems.</remarks>
public sealed record GemmDescriptor
{
    /// <summary>Independent products; null for a single one without a leading axis.</summary>
    public long? Problems { get; init; }

    /// <summary>Rows of C.</summary>
    public required long Rows { get; init; }

    /// <summary>Columns of C.</summary>
    public required long Columns { get; init; }

    /// <summary>Length of each sum.</summary>
    public required long Depth { get; init; }

    /// <summary>A is stored <c>depth x rows</c>.</summary>
    public bool TransposeA { get; init; }

    /// <summary>B is stored <c>columns x depth</c>.</summary>
    public bool TransposeB { get; init; }

    /// <summary>Elements from one stored row of A to the next; null for dense.</summary>
    public long? LeadingA { get; init; }

    /// <summary>Elements from one stored row of B to the next; null for dense.</summary>
    public long? LeadingB { get; init; }

    /// <summary>Elements from one row of C to the next; null for dense.</summary>
    public long? LeadingC { get; init; }

    /// <summary>Elements from one problem's A to the next; null for dense, 0 for shared.</summary>
    public long? StrideA { get; init; }

    /// <summary>Elements from one problem's B to the next; null for dense, 0 for shared.</summary>
    public long? StrideB { get; init; }

    /// <summary>Elements from one problem's C to the next; null for dense.</summary>
    public long? StrideC { get; init; }

    /// <summary>Floating-point operations: 2 a multiply-add.</summary>
    public double Flops => 2.0 * ProblemCount * Rows * Columns * Depth;

    /// <summary>Bytes of every operand once, for an element of <paramref name="elementSize"/> bytes.</summary>
    public double Bytes(int elementSize) => elementSize * ((double)(EffectiveStrideA == 0 ? 1 : ProblemCount) * Rows * Depth
        + ((double)(EffectiveStrideB == 0 ? 1 : ProblemCount) * Depth * Columns) + ((double)ProblemCount * Rows * Columns));

    /// <summary>Shape of A when dense: <c>[problems?, rows, depth]</c>, stored order; the leading axis is 1 when shared.</summary>
    public Shape ShapeA => Matrix(EffectiveStrideA, TransposeA ? Depth : Rows, TransposeA ? Rows : Depth);

    /// <summary>Shape of B when dense: <c>[problems?, depth, columns]</c>, stored order; the leading axis is 1 when shared.</summary>
    public Shape ShapeB => Matrix(EffectiveStrideB, TransposeB ? Columns : Depth, TransposeB ? Depth : Columns);

    /// <summary>Shape of C when dense: <c>[problems?, rows, columns]</c>.</summary>
    public Shape ShapeC => Matrix(1, Rows, Columns);

    internal long ProblemCount => Problems ?? 1;

    internal long EffectiveLeadingA => LeadingA ?? (TransposeA ? Rows : Depth);

    internal long EffectiveLeadingB => LeadingB ?? (TransposeB ? Depth : Columns);

    internal long EffectiveLeadingC => LeadingC ?? Columns;

    internal long EffectiveStrideA => StrideA ?? checked((TransposeA ? Depth : Rows) * EffectiveLeadingA);

    internal long EffectiveStrideB => StrideB ?? checked((TransposeB ? Columns : Depth) * EffectiveLeadingB);

    internal long EffectiveStrideC => StrideC ?? checked(Rows * EffectiveLeadingC);

    internal long RequiredA => Span(EffectiveStrideA, TransposeA ? Depth : Rows, TransposeA ? Rows : Depth, EffectiveLeadingA);

    internal long RequiredB => Span(EffectiveStrideB, TransposeB ? Columns : Depth, TransposeB ? Depth : Columns, EffectiveLeadingB);

    internal long RequiredC => Span(EffectiveStrideC, Rows, Columns, EffectiveLeadingC);

    /// <summary>Reads a problem's text, e.g. <c>gemm p100 m8 n16 k32 ta tb shareda sharedb</c>; the form <see cref="ToString"/> writes.</summary>
    /// <exception cref="ProblemException">The text cannot be read; the message names the word.</exception>
    public static GemmDescriptor Parse(string text)
    {
        ProblemText words = new(text, "gemm");
        GemmDescriptor d = new()
        {
            Problems = words.OptionalNumber("p"),
            Rows = words.Number("m"),
            Columns = words.Number("n"),
            Depth = words.Number("k"),
            TransposeA = words.Flag("ta"),
            TransposeB = words.Flag("tb"),
            LeadingA = words.OptionalNumber("lda"),
            LeadingB = words.OptionalNumber("ldb"),
            LeadingC = words.OptionalNumber("ldc"),
            StrideA = words.Flag("shareda") ? 0 : words.OptionalNumber("stridea"),
            StrideB = words.Flag("sharedb") ? 0 : words.OptionalNumber("strideb"),
            StrideC = words.OptionalNumber("stridec"),
        };
        words.Finish();
        return d;
    }

    /// <summary>Checks sizes and layouts.</summary>
    /// <exception cref="ProblemException">A size is negative, a leading dimension or a stride too small, or a count over 2^63 - 1.</exception>
    public void Validate()
    {
        if (ProblemCount < 0 || Rows < 0 || Columns < 0 || Depth < 0)
        {
            throw new ProblemException(ProblemError.Size, $"gemm: sizes must not be negative, got problems {ProblemCount} rows {Rows} columns {Columns} depth {Depth}");
        }

        try
        {
            CheckLayout("A", EffectiveLeadingA, TransposeA ? Rows : Depth, EffectiveStrideA, RequiredA);
            CheckLayout("B", EffectiveLeadingB, TransposeB ? Depth : Columns, EffectiveStrideB, RequiredB);
            CheckLayout("C", EffectiveLeadingC, Columns, EffectiveStrideC, RequiredC);
            long one = checked(((Rows - 1) * EffectiveLeadingC) + Columns);
            if (ProblemCount > 1 && Rows > 0 && Columns > 0 && EffectiveStrideC < one)
            {
                throw new ProblemException(ProblemError.Layout, $"gemm: stride of C must be at least {one} for results not to overlap, got {EffectiveStrideC}");
            }
        }
        catch (OverflowException)
        {
            throw new ProblemException(ProblemError.Overflow, $"gemm: an operand has more than 2^63 - 1 elements ({this})");
        }
    }

    /// <summary>The problem as one line.</summary>
    public override string ToString()
    {
        StringBuilder text = new("gemm");
        Add("p", Problems);
        Add("m", Rows);
        Add("n", Columns);
        Add("k", Depth);
        text.Append(TransposeA ? " ta" : "").Append(TransposeB ? " tb" : "");
        Add("lda", LeadingA);
        Add("ldb", LeadingB);
        Add("ldc", LeadingC);
        AddStride("a", StrideA);
        AddStride("b", StrideB);
        Add("stridec", StrideC);
        return text.ToString();

        void Add(string name, long? value) => text.Append(value is null ? "" : string.Create(CultureInfo.InvariantCulture, $" {name}{value}"));
        void AddStride(string name, long? value) => text.Append(value is null ? "" : value == 0 ? $" shared{name}" : string.Create(CultureInfo.InvariantCulture, $" stride{name}{value}"));
    }

    private static void CheckLayout(string matrix, long leading, long atLeast, long stride, long required)
    {
        if (leading < atLeast || stride < 0 || required < 0)
        {
            throw new ProblemException(ProblemError.Layout, leading < atLeast
                ? $"gemm: leading dimension of {matrix} must be at least {atLeast}, got {leading}"
                : $"gemm: stride of {matrix} must not be negative, got {stride}");
        }
    }

    private Shape Matrix(long stride, long rows, long columns) => Problems is null ? [rows, columns] : [stride == 0 ? 1 : ProblemCount, rows, columns];

    private long Span(long stride, long rows, long columns, long leading) => ProblemCount == 0 || rows == 0 || columns == 0
        ? 0
        : checked(((ProblemCount - 1) * stride) + ((rows - 1) * leading) + columns);
}
