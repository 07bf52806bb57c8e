using System.Numerics;
using CommandLine;
using CommandLine.Text;
using HpcLinear.Cli.Problems;
using HpcLinear.Operations;
using HpcLinear.PredictiveCoding;

namespace HpcLinear.Cli.Verbs;

/// <summary>Says what a plan would run for a problem, and why not something else.</summary>
[Verb("explain", HelpText = "Say what would run for a problem: algorithm, kernel, workspace, flops, bytes, and why not the others.")]
internal sealed class ExplainVerb : IVerb
{
    [Usage(ApplicationAlias = "hpclinear")]
    public static IEnumerable<Example> Examples =>
    [
        new("A strided layer", new ExplainVerb { Text = "conv n64 c3 k16 i32x32 f5x5 s2x2" }),
        new("10,000 small matrix products in float64", new ExplainVerb { Text = "gemm p10000 m16 n16 k16", Type = "f64" }),
        new("Relaxation of a predictive-coding network", new ExplainVerb { Text = "relax n64 i784 w128 h127 o10 relu mupc skip" }),
        new("benchdnn's notation, on OpenCL", new ExplainVerb { Text = "mb1ic64_ih56_oc64_kh3_ph1", Target = "opencl:0" }),
    ];

    [Value(0, MetaName = "PROBLEM", Required = true, HelpText = "The problem, in one pair of quotes; see bench --help for the notations.")]
    public string Text { get; set; } = "";

    [Option("target", MetaValue = "T", HelpText = "Target; the default one otherwise.")]
    public string? Target { get; set; }

    [Option("type", MetaValue = "f32|f64", HelpText = "Element type; f32 by default.")]
    public string? Type { get; set; }

    [Option("json", HelpText = "Print one JSON document.")]
    public bool IsJson { get; set; }

    public int Run(Terminal terminal)
    {
        bool single = Targets.IsSingle(Type) != false;
        Problem problem = ProblemNotation.Parse(Text);
        using Device device = Targets.Open(Target);
        using Plan plan = single ? CreatePlan<float>(device, problem) : CreatePlan<double>(device, problem);
        string? benchdnn = problem is ConvolutionProblem conv ? BenchdnnNotation.Format(conv.Descriptor) : null;
        if (IsJson)
        {
            terminal.WriteLine(Json.Text(new
            {
                plan.Problem,
                Benchdnn = benchdnn,
                Target = device.Target.ToString(),
                Device = device.Name,
                Type = single ? "f32" : "f64",
                plan.WorkspaceBytes,
                plan.Choices,
            }));
            return ExitCode.Done;
        }

        terminal.WriteLine($"{plan.Problem} on {device}, {(single ? "f32" : "f64")}");
        if (benchdnn is not null)
        {
            terminal.WriteLine($"benchdnn: {benchdnn}");
        }

        foreach (KernelChoice choice in plan.Choices)
        {
            terminal.WriteLine();
            terminal.WriteLine(choice.Operation);
            terminal.WriteLine($"  algorithm  {choice.Algorithm}");
            terminal.WriteLine($"  kernel     {choice.Kernel}");
            terminal.WriteLine($"  workspace  {Quantity.Bytes(choice.WorkspaceBytes)}");
            terminal.WriteLine($"  work       {Quantity.Scaled(choice.Flops, "flop")}, {Quantity.Bytes(choice.Bytes)} moved once, {Quantity.Number(choice.Bytes > 0 ? choice.Flops / choice.Bytes : 0)} flop a byte");
            foreach (string rejected in choice.Rejected)
            {
                terminal.WriteLine($"  not        {rejected}");
            }
        }

        return ExitCode.Done;
    }

    private static Plan CreatePlan<T>(Device device, Problem problem)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> => problem switch
        {
            GemmProblem gemm => GemmPlan.Create<T>(device, gemm.Descriptor),
            ConvolutionProblem conv => ConvolutionPlan.Create<T>(device, conv.Descriptor),
            CompositionProblem chain => DeepProductPlan.Create<T>(device, chain.Descriptor),
            RelaxationProblem relaxation => RelaxationPlan.Create<T>(device, relaxation.Descriptor),
            ErrorRelaxationProblem errors => RelaxationPlan.Create<T>(device, errors.Descriptor),
            LinearEquilibriumProblem equilibrium => LinearEquilibriumPlan.Create<T>(device, equilibrium.Descriptor),
            JacobianProblem jacobian => DeepProductPlan.Create<T>(device, jacobian.Descriptor),
            _ => throw new NotSupportedException($"no plan for {problem}"),
        };
}
