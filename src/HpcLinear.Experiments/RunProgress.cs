namespace HpcLinear.Experiments;

/// <summary>How far a run is.</summary>
/// <param name="Rows">Rows of the plan.</param>
/// <param name="Kept">Those that the file had already.</param>
/// <param name="Done">Those computed now.</param>
/// <param name="Share">0 to 1: of the work this run has to do.</param>
/// <param name="Row">The row in progress, or the one that is done.</param>
/// <param name="Text">What the row says about itself.</param>
/// <param name="IsRowDone">Whether the row is done.</param>
public sealed record RunProgress(int Rows, int Kept, int Done, double Share, string Row, string Text, bool IsRowDone);
