namespace HpcLinear.LinearNetworks;

/// <summary>A balanced network, and how it was found.</summary>
/// <param name="Network">The weights: the same end-to-end map to rounding.</param>
/// <param name="Status">How it ended.</param>
/// <param name="Sweeps">Passes over all pairs of layers.</param>
/// <param name="Residual">The largest Frobenius norm of a matrix between two layers, over the largest squared norm of a layer.</param>
public sealed record BalanceResult(DeepLinearNetwork Network, BalanceStatus Status, int Sweeps, double Residual);
