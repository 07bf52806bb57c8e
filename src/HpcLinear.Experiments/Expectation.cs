using System.Text.Json.Nodes;

namespace HpcLinear.Experiments;

/// <summary>What becomes of a prediction.</summary>
public enum Verdict
{
    /// <summary>Found within the tolerance.</summary>
    Agrees,

    /// <summary>Found outside it.</summary>
    Differs,

    /// <summary>The rows do not allow a judgement: too few, not converged, or too noisy.</summary>
    Undecided,
}

/// <summary>A prediction and what was found.</summary>
/// <param name="Text">What is predicted, in one line.</param>
/// <param name="Predicted">The prediction, for a table.</param>
/// <param name="Found">What was found, for a table.</param>
/// <param name="Tolerance">How far apart they may be, for a table.</param>
/// <param name="Verdict">The judgement.</param>
public sealed record Expectation(string Text, string Predicted, string Found, string Tolerance, Verdict Verdict)
{
    /// <summary>A number that lies in a range.</summary>
    public static Expectation InRange(string text, string predicted, double found, double low, double high) =>
        new(text, predicted, Short(found), $"{Short(low)} to {Short(high)}", double.IsNaN(found) ? Verdict.Undecided : found >= low && found <= high ? Verdict.Agrees : Verdict.Differs);

    /// <summary>A number, such as an error or a count, that is at most something.</summary>
    public static Expectation AtMost(string text, string predicted, double found, double most) =>
        new(text, predicted, Short(found), $"{Short(most)} at most", double.IsNaN(found) ? Verdict.Undecided : found <= most ? Verdict.Agrees : Verdict.Differs);

    internal static string Word(Verdict verdict) => verdict switch
    {
        Verdict.Agrees => "agrees",
        Verdict.Differs => "differs",
        _ => "undecided",
    };

    /// <summary>Of several: differs if one does, agrees if all do.</summary>
    public static Verdict Overall(IReadOnlyList<Expectation> all)
    {
        ArgumentNullException.ThrowIfNull(all);
        return all.Any(e => e.Verdict == Verdict.Differs) ? Verdict.Differs : all.Count > 0 && all.All(e => e.Verdict == Verdict.Agrees) ? Verdict.Agrees : Verdict.Undecided;
    }

    internal JsonObject ToJson() => new()
    {
        ["text"] = Text,
        ["predicted"] = Predicted,
        ["found"] = Found,
        ["tolerance"] = Tolerance,
        ["verdict"] = Word(Verdict),
    };

    private static string Short(double value) => double.IsNaN(value) ? "-" : value.ToString(value != 0 && Math.Abs(value) < 1e-2 ? "0.0E+0" : "G4", System.Globalization.CultureInfo.InvariantCulture);
}
