using System.Numerics;
using CsCheck;
using HpcLinear.Tests.Support;

namespace HpcLinear.Tests.Operations;

public abstract class ConvolutionTests<T> : OperationTests<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private protected override Gen<Call> Calls => ConvolutionCall.Random;

    private protected override IEnumerable<Call> LargeCalls => ConvolutionCall.Large;
}

public sealed class ConvolutionFloatTests : ConvolutionTests<float>;

public sealed class ConvolutionDoubleTests : ConvolutionTests<double>;
