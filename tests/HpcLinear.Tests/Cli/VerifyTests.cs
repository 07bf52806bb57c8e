using System.Text.Json;
using System.Text.Json.Nodes;
using HpcLinear.Data;
using Xunit;

namespace HpcLinear.Tests.Cli;

/// <summary>A verification that cannot fail proves nothing: every way to spoil a case is noticed.</summary>
public sealed class VerifyTests : IDisposable
{
    private const string Target = "cpu:scalar";

    private readonly TemporaryFolder folder = new();

    public VerifyTests()
    {
        foreach (string file in Directory.GetFiles(Path.Combine(Repository.GoldenConv, "own_gemm_shared_a")))
        {
            File.Copy(file, folder.File(Path.GetFileName(file)));
        }
    }

    public void Dispose() => folder.Dispose();

    [Fact]
    public void The_unspoiled_case_passes_in_both_types() => Assert.Equal("2 passed, 0 failed, 0 skipped", Verify(0).LastLine);

    [Theory]
    [InlineData("f32")]
    [InlineData("f64")]
    public void One_type_is_one_count(string type)
    {
        CommandLine run = CommandLine.Run("verify", folder.Path, "--target", Target, "--type", type);
        Assert.Equal((0, "1 passed, 0 failed, 0 skipped"), (run.ExitCode, run.LastLine));
    }

    [Fact]
    public void A_changed_expected_value_fails_and_its_index_is_named()
    {
        SpoilElement("out_c.npy", 9, x => x + 1e-3);
        CommandLine run = Verify(1);
        Assert.Equal("0 passed, 2 failed, 0 skipped", run.LastLine);
        Assert.Contains("c cpu:scalar f64: error", run.Output, StringComparison.Ordinal);
        Assert.Contains("at [0, 1, 2]", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void A_change_below_the_tolerance_of_float32_fails_in_float64_alone()
    {
        SpoilElement("out_c.npy", 0, x => x + 1e-9);
        Assert.Equal("1 passed, 1 failed, 0 skipped", Verify(1).LastLine);
    }

    [Fact]
    public void A_changed_input_fails()
    {
        SpoilElement("b.npy", 0, x => x + 1);
        Assert.Equal("0 passed, 2 failed, 0 skipped", Verify(1).LastLine);
    }

    [Fact]
    public void NaN_fails_even_where_it_is_expected()
    {
        SpoilElement("out_c.npy", 5, _ => double.NaN);
        SpoilElement("c.npy", 5, _ => double.NaN);
        Assert.Equal("0 passed, 2 failed, 0 skipped", Verify(1).LastLine);
    }

    [Fact]
    public void The_same_elements_in_another_shape_fail()
    {
        NpyArray array = NpyFile.Read(folder.File("out_c.npy"));
        NpyFile.Write(folder.File("out_c.npy"), [array.Shape[0], array.Shape[2], array.Shape[1]], array.ToDoubles());
        CommandLine run = Verify(1);
        Assert.Equal("0 passed, 2 failed, 0 skipped", run.LastLine);
        Assert.Contains("shape [4, 3, 7], expected [4, 7, 3]", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void An_empty_expected_array_fails_where_the_result_is_not_empty()
    {
        NpyFile.Write(folder.File("out_c.npy"), [0], ReadOnlySpan<double>.Empty);
        Assert.Equal("0 passed, 2 failed, 0 skipped", Verify(1).LastLine);
    }

    [Theory]
    [InlineData("\"gemm.batched\"", "\"gemm.batch\"", "the operation 'gemm.batch' is not known")]
    [InlineData("\"gemm.batched\"", "\"pc.energy\"", "the operation 'pc.energy' is not known")]
    [InlineData("\"beta\": -0.25", "\"beta\": \"x\"", "\"x\" for the parameter 'beta', expected a number")]
    [InlineData("\"rtol\"", "\"tol\"", "the output 'c' without rtol")]
    [InlineData("\"atol_f32\"", "\"atol_f16\"", "one of rtol_f32 and atol_f32")]
    [InlineData("\"a.npy\"", "\"missing.npy\"", "missing.npy: no such file")]
    [InlineData("{", "{,", "malformed JSON")]
    public void A_spoiled_description_fails_and_says_why(string found, string replacement, string message)
    {
        string json = File.ReadAllText(folder.File("case.json"));
        int at = json.IndexOf(found, StringComparison.Ordinal);
        File.WriteAllText(folder.File("case.json"), json[..at] + replacement + json[(at + found.Length)..]);
        CommandLine run = Verify(1);
        Assert.Contains(message, run.Output, StringComparison.Ordinal);
        Assert.Matches("^0 passed, [12] failed, 0 skipped$", run.LastLine);
    }

    [Fact]
    public void An_output_that_the_operation_does_not_have_fails()
    {
        File.WriteAllText(folder.File("case.json"), File.ReadAllText(folder.File("case.json")).Replace("\"c\": {", "\"d\": {", StringComparison.Ordinal));
        CommandLine run = Verify(1);
        Assert.Contains("gemm.batched has no output 'd'", run.Output, StringComparison.Ordinal);
        Assert.Equal("0 passed, 2 failed, 0 skipped", run.LastLine);
    }

    [Fact]
    public void A_case_without_outputs_fails()
    {
        File.WriteAllText(folder.File("case.json"), """{"op": "gemm.batched", "params": {}, "inputs": {}, "outputs": {}}""");
        Assert.Equal("0 passed, 1 failed, 0 skipped", Verify(1).LastLine);
    }

    [Fact]
    public void A_truncated_array_fails_its_case()
    {
        byte[] bytes = File.ReadAllBytes(folder.File("b.npy"));
        File.WriteAllBytes(folder.File("b.npy"), bytes[..^3]);
        CommandLine run = Verify(1);
        Assert.Contains("bytes of elements, expected", run.Output, StringComparison.Ordinal);
        Assert.Equal("0 passed, 1 failed, 0 skipped", run.LastLine);
    }

    [Fact]
    public void One_spoiled_case_does_not_hide_another()
    {
        string other = folder.File("other");
        Directory.CreateDirectory(other);
        foreach (string file in Directory.GetFiles(folder.Path))
        {
            File.Copy(file, Path.Combine(other, Path.GetFileName(file)));
        }

        File.WriteAllText(folder.File("case.json"), "nonsense");
        Assert.Equal("2 passed, 1 failed, 0 skipped", Verify(1).LastLine);
    }

    [Fact]
    public void Exact_whole_numbers_are_compared_exactly()
    {
        using TemporaryFolder shapes = new();
        foreach (string file in Directory.GetFiles(Path.Combine(Repository.GoldenConv, "own_shapes")))
        {
            File.Copy(file, shapes.File(Path.GetFileName(file)));
        }

        Assert.Equal("1 passed, 0 failed, 0 skipped", CommandLine.Run("verify", shapes.Path, "--target", Target).LastLine);
        NpyArray result = NpyFile.Read(shapes.File("out_result.npy"));
        long[] rows = result.ToInt64s();
        rows[1]++;
        NpyFile.Write(shapes.File("out_result.npy"), result.Shape, rows);
        CommandLine run = CommandLine.Run("verify", shapes.Path, "--target", Target);
        Assert.Equal((1, "0 passed, 1 failed, 0 skipped"), (run.ExitCode, run.LastLine));
    }

    [Fact]
    public void A_folder_that_is_missing_or_empty_is_a_wrong_call()
    {
        using TemporaryFolder empty = new();
        Assert.Contains("no such folder", Refused("verify", empty.File("nowhere")), StringComparison.Ordinal);
        Assert.Contains("no case.json below it", Refused("verify", empty.Path), StringComparison.Ordinal);
        Assert.Contains("a file, expected a folder", Refused("verify", folder.File("a.npy")), StringComparison.Ordinal);
    }

    [Fact]
    public void Json_carries_counts_and_failures()
    {
        SpoilElement("out_c.npy", 9, x => x + 1);
        CommandLine run = CommandLine.Run("verify", folder.Path, "--target", Target, "--json");
        using JsonDocument document = JsonDocument.Parse(run.Output);
        Assert.Equal(1, run.ExitCode);
        Assert.Equal(2, document.RootElement.GetProperty("failed").GetInt32());
        Assert.Equal("c", document.RootElement.GetProperty("failures")[0].GetProperty("output").GetString());
    }

    [Theory]
    [InlineData("own_d1_replicate", "y", "x w bias")]
    [InlineData("own_d1_replicate", "gx", "w gy")]
    [InlineData("own_d2_grouped_same_lower", "gw", "x gy")]
    [InlineData("own_d3_reflect", "gb", "gy")]
    [InlineData("own_problems_shared_filter", "gx", "w gy")]
    [InlineData("own_problems_shared_filter", "gw", "x gy")]
    [InlineData("own_filter_chain_batched", "filter stride", "w0 w1 w2")]
    [InlineData("own_matrix_chain", "product", "w0 w1 w2")]
    [InlineData("own_matrix_chain", "optimal_multiply_adds", "")]
    [InlineData("own_reductions", "norm2_huge", "huge")]
    public void Inputs_that_the_listed_outputs_do_not_need_may_be_missing(string name, string outputs, string inputs)
    {
        using TemporaryFolder part = new();
        string source = Path.Combine(Repository.GoldenConv, name);
        JsonNode golden = JsonNode.Parse(File.ReadAllText(Path.Combine(source, "case.json")))!;
        Keep(golden["inputs"]!.AsObject(), inputs.Split(' '));
        Keep(golden["outputs"]!.AsObject(), outputs.Split(' '));
        File.WriteAllText(part.File("case.json"), golden.ToJsonString());
        foreach (string file in inputs.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(i => i + ".npy").Concat(outputs.Split(' ').Select(o => $"out_{o}.npy")))
        {
            if (File.Exists(Path.Combine(source, file)))
            {
                File.Copy(Path.Combine(source, file), part.File(file));
            }
        }

        CommandLine run = CommandLine.Run("verify", part.Path, "--target", Target);
        Assert.True(run.ExitCode == 0, run.Output + run.Error);
        Assert.Matches("^[1-9] passed, 0 failed, 0 skipped$", run.LastLine);

        static void Keep(JsonObject members, string[] names)
        {
            foreach (string other in members.Select(m => m.Key).Except(names).ToArray())
            {
                members.Remove(other);
            }
        }
    }

    [Fact]
    public void An_input_that_is_needed_and_missing_fails_and_is_named()
    {
        JsonNode golden = JsonNode.Parse(File.ReadAllText(folder.File("case.json")))!;
        golden["inputs"]!.AsObject().Remove("a");
        File.WriteAllText(folder.File("case.json"), golden.ToJsonString());
        CommandLine run = Verify(1);
        Assert.Contains("expected an input 'a' for gemm.batched", run.Output, StringComparison.Ordinal);
        Assert.Equal("0 passed, 2 failed, 0 skipped", run.LastLine);
    }

    private static string Refused(params string[] args)
    {
        CommandLine run = CommandLine.Run(args);
        Assert.Equal(2, run.ExitCode);
        return run.Error;
    }

    private CommandLine Verify(int expectedCode)
    {
        CommandLine run = CommandLine.Run("verify", folder.Path, "--target", Target);
        Assert.True(run.ExitCode == expectedCode, run.Output + run.Error);
        return run;
    }

    private void SpoilElement(string file, int at, Func<double, double> change)
    {
        NpyArray array = NpyFile.Read(folder.File(file));
        double[] elements = array.ToDoubles();
        elements[at] = change(elements[at]);
        NpyFile.Write(folder.File(file), array.Shape, elements);
    }
}
