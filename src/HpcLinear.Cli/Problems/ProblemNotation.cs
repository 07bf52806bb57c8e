using HpcLinear.Operations;

namespace HpcLinear.Cli.Problems;

/// <summary>Reads a problem in any of the three notations: key=value lines, benchdnn's, and the engine's own texts.</summary>
internal static class ProblemNotation
{
    /// <summary>Relaxation steps of a problem that states none.</summary>
    private const int DefaultSteps = 20;

    /// <summary>The word before a relaxation's text that asks for the exact equilibrium instead.</summary>
    private const string Equilibrium = "linear_equilibrium";

    /// <summary>The word before a relaxation's text that asks for error coordinates.</summary>
    private const string Errors = "relax_errors";

    /// <summary>Reads one problem.</summary>
    /// <exception cref="ProblemException">The text cannot be read or describes no valid problem.</exception>
    public static Problem Parse(string text)
    {
        string line = WithoutComment(text).Trim();
        if (line.Length == 0)
        {
            throw new ProblemException(ProblemError.Syntax, "problem: the text is empty");
        }

        if (BenchdnnNotation.IsLike(line))
        {
            return BenchdnnNotation.Parse(line);
        }

        if (line.Contains('=', StringComparison.Ordinal))
        {
            return KeyValueNotation.Parse(line);
        }

        return line.Split(' ')[0] switch
        {
            "conv" => new ConvolutionProblem(line, ConvolutionDescriptor.Parse(line)),
            "gemm" => Checked(line),
            "relax" => new RelaxationProblem(line, RelaxationDescriptor.Parse(line), DefaultSteps),
            Errors => new ErrorRelaxationProblem(line, RelaxationDescriptor.Parse("relax" + line[Errors.Length..]), DefaultSteps),
            Equilibrium => new LinearEquilibriumProblem(line, RelaxationDescriptor.Parse("relax" + line[Equilibrium.Length..])),
            _ => throw new ProblemException(
                ProblemError.Syntax,
                $"problem: '{line}' is in no known notation; expected e.g. 'conv n64 c3 k16 i32x32 f5x5 s2x2', 'gemm m64 n64 k64', 'relax n64 i784 w128 h8 o10 tanh mupc skip', 'G1 gemm m=64 n=64 k=64' or 'mb1ic3_ih32_oc16_kh5_sh2'"),
        };
    }

    /// <summary>Reads a file of problems, one a line; <c>#</c> begins a comment.</summary>
    /// <exception cref="ProblemException">A line cannot be read; the message names the file and the line.</exception>
    public static IReadOnlyList<Problem> ReadFile(string path)
    {
        if (!File.Exists(path))
        {
            throw new Data.DataFormatException(path, "no such file", "a file of problems, one a line");
        }

        List<Problem> problems = [];
        int number = 0;
        foreach (string line in File.ReadLines(path))
        {
            number++;
            if (WithoutComment(line).Trim().Length > 0)
            {
                try
                {
                    problems.Add(Parse(line));
                }
                catch (ProblemException e)
                {
                    throw new ProblemException(e.Code, $"{path}({number}): {e.Message}");
                }
            }
        }

        return problems;
    }

    private static GemmProblem Checked(string line)
    {
        GemmDescriptor descriptor = GemmDescriptor.Parse(line);
        descriptor.Validate();
        return new(line, descriptor);
    }

    /// <summary>The text before the first <c>#</c> or <c>|</c> outside quotes: a comment, or the columns of a table of problems.</summary>
    private static string WithoutComment(string text)
    {
        bool quoted = false;
        for (int i = 0; i < text.Length; i++)
        {
            quoted ^= text[i] == '"';
            if (!quoted && (text[i] is '#' or '|'))
            {
                return text[..i];
            }
        }

        return text;
    }
}
