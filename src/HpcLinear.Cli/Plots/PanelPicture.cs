using ScottPlot;
using SkiaSharp;

namespace HpcLinear.Cli.Plots;

/// <summary>Plots side by side in one picture.</summary>
internal sealed record PanelPicture(int Width, int Height, IReadOnlyList<(Plot Plot, PixelRect Place)> Panels)
{
    /// <summary>Pixels of a PNG for one of an SVG.</summary>
    public const double PngScale = 2;

    public byte[] ToBytes(bool isSvg)
    {
        if (isSvg)
        {
            using MemoryStream stream = new();
            using (SKCanvas canvas = SKSvgCanvas.Create(new SKRect(0, 0, Width, Height), stream))
            {
                Draw(canvas, 1);
            }

            return stream.ToArray();
        }

        using SKSurface surface = SKSurface.Create(new SKImageInfo((int)(Width * PngScale), (int)(Height * PngScale)));
        Draw(surface.Canvas, (float)PngScale);
        using SKImage image = surface.Snapshot();
        using SKData data = image.Encode(SKEncodedImageFormat.Png, 100);
        return data.ToArray();
    }

    private void Draw(SKCanvas canvas, float scale)
    {
        canvas.Clear(SKColors.White);
        canvas.Scale(scale);
        foreach ((Plot plot, PixelRect place) in Panels)
        {
            // Or each would wipe out those before it, and leave its transformation behind.
            plot.RenderManager.ClearCanvasBeforeEachRender = false;
            canvas.Save();
            plot.Render(canvas, place);
            canvas.Restore();
        }
    }
}
