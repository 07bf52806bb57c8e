using System.Numerics;
using HpcLinear.Operations;
using Xunit;

namespace HpcLinear.Tests.OpenCl;

[Collection(nameof(OpenClCollection))]
public abstract class ElementwiseOpenClTests<T>(OpenClFixture fixture)
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    [Theory, InlineData(KernelFamily.Cpu), InlineData(KernelFamily.Gpu)]
    public void Every_function_agrees_with_its_definition(KernelFamily family)
    {
        using CommandQueue queue = fixture.Device(family).CreateQueue();
        foreach (ElementwiseOperation operation in Enum.GetValues<ElementwiseOperation>())
        {
            double[] a = [.. Numbers.Random(1100, 1).Select(x => operation == ElementwiseOperation.SquareRoot ? Math.Abs(x) : x), double.NaN, 1, double.PositiveInfinity];
            double[] b = [.. Numbers.Random(1100, 2).Select(x => x + Math.CopySign(0.1, x)), 2, double.NaN, 3];
            double[] old = Numbers.Random(1103, 3);
            b = Array.ConvertAll(b, x => (double)(float)x);
            using Tensor<T> ta = Numbers.Upload<T>(queue, [1103], a), tb = Numbers.Upload<T>(queue, [1103], b), to = Numbers.Upload<T>(queue, [1103], old);
            using ElementwisePlan<T> plan = ElementwisePlan.Create<T>(queue.Device, new() { Operation = operation, Shape = [1103] });
            double[] expected = [.. a.Select((x, i) => (0.5 * ElementwiseReference.Apply(operation, x, b[i])) + (2 * old[i]))];
            if (plan.Descriptor.IsBinary)
            {
                plan.Execute(queue, ta, tb, to, 0.5, 2);
            }
            else
            {
                plan.Execute(queue, ta, to, 0.5, 2);
            }

            double scale = expected.Where(double.IsFinite).Max(Math.Abs);
            Numbers.AssertClose(operation.ToString(), expected, queue.Download<T>(to), 3, scale);
            if (operation == ElementwiseOperation.Copy)
            {
                queue.Fill(to, T.CreateTruncating(double.NaN));
                plan.Execute(queue, ta, to);
                Assert.Equal(Numbers.To<T>(a), queue.Download<T>(to));
            }
        }
    }
}

public sealed class ElementwiseOpenClFloatTests(OpenClFixture fixture) : ElementwiseOpenClTests<float>(fixture);

public sealed class ElementwiseOpenClDoubleTests(OpenClFixture fixture) : ElementwiseOpenClTests<double>(fixture);
