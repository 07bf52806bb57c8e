namespace HpcLinear.Cli.Golden;

/// <summary>The operations that golden cases may name. A new one is one file and one entry here.</summary>
internal static class GoldenOperations
{
    private static readonly Dictionary<string, IGoldenOperation> Known = new IGoldenOperation[]
    {
        new ConvolutionOperation("conv.all", problems: false),
        new ConvolutionOperation("conv.problems", problems: true),
        new TransposedOperation(),
        new ConvolutionShapeOperation(),
        new FilterChainOperation(),
        new FlowTwinsOperation(),
        new GemmBatchedOperation(),
        new GemmChainOperation(),
        new GradientFlowOperation(),
        new NetworkCompositionOperation(),
        new NetworkForwardOperation(),
        new NetworkJacobianOperation(several: false),
        new NetworkJacobianOperation(several: true),
        new ReductionOperation(),
        new ActivationOperation(),
        new EnergyOperation(),
        new RelaxationOperation(),
        new ErrorCoordinatesOperation(),
        new LinearEquilibriumOperation(),
        new BlockTridiagonalOperation(),
        new OriginHessianOperation(),
        new TrainingOperation(),
        new SquareLossOperation(),
        new LayerNormsOperation(),
        new RegaugeOperation(),
        new CurvatureOperation(),
        new FilterMetricOperation(),
        new JacobianRankOperation(),
    }.ToDictionary(o => o.Name);

    /// <summary>The operation of that name; null when it is not known.</summary>
    public static IGoldenOperation? Find(string name) => Known.GetValueOrDefault(name);
}
