using System.Numerics;
using CsCheck;
using HpcLinear.Tests.Support;

namespace HpcLinear.Tests.Operations;

public abstract class ElementwiseTests<T> : OperationTests<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private protected override Gen<Call> Calls => ElementwiseCall.Random;

    private protected override IEnumerable<Call> LargeCalls => ElementwiseCall.Large;
}

public sealed class ElementwiseFloatTests : ElementwiseTests<float>;

public sealed class ElementwiseDoubleTests : ElementwiseTests<double>;
