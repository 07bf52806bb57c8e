using HpcLinear.Cli.Golden;
using HpcLinear.Operations;
using Xunit;

namespace HpcLinear.Tests.Cli;

/// <summary>The definitions themselves, against golden cases computed elsewhere.</summary>
public sealed class GoldenReferenceTests
{
    public static TheoryData<string> Convolutions => [.. Cases("conv.all", "conv.problems")];

    [Theory]
    [MemberData(nameof(Convolutions))]
    public void The_reference_of_convolution_agrees(string file)
    {
        GoldenCase golden = GoldenCase.Read(Path.Combine(Repository.Root, file));
        ConvolutionDescriptor d = ConvolutionDescriptor.FromShapes(
            golden.Input("x").Shape, golden.Input("w").Shape, ConvolutionSettings.Read(golden.Parameters), golden.Operation == "conv.problems");
        double[] x = golden.Input("x").ToDoubles(), w = golden.Input("w").ToDoubles(), gy = golden.Input("gy").ToDoubles();
        foreach (GoldenOutput output in golden.Outputs)
        {
            double[] result = new double[output.Shape.ElementCount];
            Shape shape;
            switch (output.Name)
            {
                case "y":
                    ConvolutionReference.Forward(d, x, w, golden.HasInput("bias") ? golden.Input("bias").ToDoubles() : null, result);
                    shape = d.OutputShape;
                    break;
                case "gx":
                    ConvolutionReference.BackwardInput(d, gy, w, result);
                    shape = d.InputShape;
                    break;
                case "gw":
                    ConvolutionReference.BackwardFilter(d, x, gy, result);
                    shape = d.FilterShape;
                    break;
                default:
                    ConvolutionReference.BackwardBias(d, gy, result);
                    shape = d.BiasShape;
                    break;
            }

            GoldenComparison comparison = GoldenComparison.Of(GoldenArray.OfReals(shape, result), output, single: false);
            Assert.True(comparison.Passed, $"{golden.Name} {output.Name}: {comparison.Message}");
        }
    }

    private static IEnumerable<string> Cases(params string[] operations) => Directory
        .GetFiles(Repository.GoldenConv, GoldenCase.FileName, SearchOption.AllDirectories)
        .Where(file => operations.Contains(GoldenCase.Read(file).Operation))
        .Select(file => Path.GetRelativePath(Repository.Root, file));
}
