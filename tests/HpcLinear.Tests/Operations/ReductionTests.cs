using System.Numerics;
using CsCheck;
using HpcLinear.Tests.Support;

namespace HpcLinear.Tests.Operations;

public abstract class ReductionTests<T> : OperationTests<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private protected override Gen<Call> Calls => ReductionCall.Random;

    private protected override IEnumerable<Call> LargeCalls => ReductionCall.Large;
}

public sealed class ReductionFloatTests : ReductionTests<float>;

public sealed class ReductionDoubleTests : ReductionTests<double>;
