using System.Numerics;
using HpcLinear.Operations;
using Xunit;

namespace HpcLinear.Tests.OpenCl;

[Collection(nameof(OpenClCollection))]
public abstract class OptimizerOpenClTests<T>(OpenClFixture fixture)
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    [Theory, InlineData(KernelFamily.Cpu), InlineData(KernelFamily.Gpu)]
    public void Every_rule_agrees_with_its_definition(KernelFamily family)
    {
        const int Count = 2103;
        using CommandQueue queue = fixture.Device(family).CreateQueue();
        foreach (OptimizerDescriptor d in new OptimizerDescriptor[]
        {
            new() { Rule = OptimizerRule.GradientDescent, Shape = [Count] },
            new() { Rule = OptimizerRule.GradientDescent, Shape = [Count], Momentum = 0.75 },
            new() { Rule = OptimizerRule.Adam, Shape = [Count] },
        })
        {
            double[] g = Numbers.Random(Count, 1), w = Numbers.Random(Count, 2), first = Numbers.Random(Count, 3), second = Array.ConvertAll(Numbers.Random(Count, 4), x => x * x);
            second = Array.ConvertAll(second, x => (double)(float)x);
            using Tensor<T> tg = Numbers.Upload<T>(queue, [Count], g), tw = Numbers.Upload<T>(queue, [Count], w), t1 = Numbers.Upload<T>(queue, [Count], first), t2 = Numbers.Upload<T>(queue, [Count], second);
            using OptimizerPlan<T> plan = OptimizerPlan.Create<T>(queue.Device, d);
            for (int i = 0; i < Count; i++)
            {
                OptimizerReference.Apply(d, g[i], ref w[i], ref first[i], ref second[i], 0.125, 3);
            }

            switch (d.Moments)
            {
                case 0:
                    plan.Execute(queue, tg, tw, 0.125);
                    break;
                case 1:
                    plan.Execute(queue, tg, tw, t1, 0.125);
                    break;
                default:
                    plan.Execute(queue, tg, tw, t1, t2, 0.125, 3);
                    break;
            }

            Numbers.AssertClose($"{d} parameters", w, queue.Download<T>(tw), 9, w.Max(Math.Abs));
            Numbers.AssertClose($"{d} first moment", first, queue.Download<T>(t1), 9, 1);
            Numbers.AssertClose($"{d} second moment", second, queue.Download<T>(t2), 9, 1);
        }
    }
}

public sealed class OptimizerOpenClFloatTests(OpenClFixture fixture) : OptimizerOpenClTests<float>(fixture);

public sealed class OptimizerOpenClDoubleTests(OpenClFixture fixture) : OptimizerOpenClTests<double>(fixture);
