using HpcLinear.Operations;
using HpcLinear.PredictiveCoding;

namespace HpcLinear.Cli.Demo;

/// <summary>A way to learn the digits.</summary>
/// <param name="Name">As tables show it.</param>
/// <param name="Rule">Where the gradient is taken.</param>
/// <param name="Relaxation">Null for back-propagation.</param>
/// <param name="LeastAccuracy">What the test has to reach with all digits.</param>
/// <param name="LeastQuickAccuracy">The same with few digits.</param>
internal sealed record DemoRule(string Name, LearningRule Rule, RelaxationOptions? Relaxation, double LeastAccuracy, double LeastQuickAccuracy);
