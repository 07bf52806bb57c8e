using System.Numerics;
using CsCheck;
using HpcLinear.Tests.Support;

namespace HpcLinear.Tests.Operations;

public abstract class SelfCorrelationTests<T> : OperationTests<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private protected override Gen<Call> Calls => SelfCorrelationCall.Random;

    private protected override IEnumerable<Call> LargeCalls => SelfCorrelationCall.Large;
}

public sealed class SelfCorrelationFloatTests : SelfCorrelationTests<float>;

public sealed class SelfCorrelationDoubleTests : SelfCorrelationTests<double>;
