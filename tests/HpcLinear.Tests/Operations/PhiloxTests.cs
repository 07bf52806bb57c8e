using HpcLinear.Operations;
using Xunit;

namespace HpcLinear.Tests.Operations;

/// <summary>The known answers that come with Random123.</summary>
public sealed class PhiloxTests
{
    [Fact]
    public void Zeros() => Assert.Equal((0x6627e8d5u, 0xe169c58du, 0xbc57ac4cu, 0x9b00dbd8u), Philox.Block(0, 0, 0));

    [Fact]
    public void Ones() => Assert.Equal((0x408f276du, 0x41c83b0eu, 0xa20bc7c6u, 0x6d5451fdu), Philox.Block(ulong.MaxValue, ulong.MaxValue, ulong.MaxValue));

    [Fact]
    public void Digits_of_pi() => Assert.Equal((0xd16cfe09u, 0x94fdccebu, 0x5001e420u, 0x24126ea1u), Philox.Block(0x299f31d0_a4093822, 0x85a308d3_243f6a88, 0x03707344_13198a2e));
}
