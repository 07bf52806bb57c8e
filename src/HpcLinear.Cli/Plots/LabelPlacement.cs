namespace HpcLinear.Cli.Plots;

/// <summary>A rectangle in pixels, y downwards.</summary>
internal readonly record struct Box(double Left, double Top, double Right, double Bottom)
{
    public double CenterX => (Left + Right) / 2;

    public double CenterY => (Top + Bottom) / 2;

    public bool Overlaps(Box other) => Left < other.Right && other.Left < Right && Top < other.Bottom && other.Top < Bottom;

    public bool Contains(Box other) => Left <= other.Left && other.Right <= Right && Top <= other.Top && other.Bottom <= Bottom;

    /// <summary>Whether a segment passes through.</summary>
    public bool Meets(double fromX, double fromY, double toX, double toY)
    {
        // Clipping of the segment to the box (Liang and Barsky, 1984).
        double enter = 0, leave = 1;
        return Clip(fromX - toX, fromX - Left, ref enter, ref leave) && Clip(toX - fromX, Right - fromX, ref enter, ref leave)
            && Clip(fromY - toY, fromY - Top, ref enter, ref leave) && Clip(toY - fromY, Bottom - fromY, ref enter, ref leave);
    }

    private static bool Clip(double p, double q, ref double enter, ref double leave)
    {
        if (p == 0)
        {
            return q >= 0;
        }

        double at = q / p;
        if (p < 0)
        {
            enter = Math.Max(enter, at);
        }
        else
        {
            leave = Math.Min(leave, at);
        }

        return enter <= leave;
    }
}

/// <summary>Puts labels beside points so that none covers another or a point, nor, where that can be had, another label's leader line.</summary>
internal static class LabelPlacement
{
    private const int Directions = 24;
    private const double Step = 6, Farthest = 330;

    /// <summary>The boxes of labels, in the order of <paramref name="labels"/>; one that finds no room stays beside its point.</summary>
    /// <param name="labels">Where each points to, and its size.</param>
    /// <param name="area">What labels may not leave.</param>
    /// <param name="obstacles">What they may not cover.</param>
    public static Box[] Place(IReadOnlyList<(double X, double Y, double Width, double Height)> labels, Box area, IReadOnlyList<Box> obstacles)
    {
        Box[] placed = new Box[labels.Count];
        List<Box> taken = [.. obstacles];
        List<(double FromX, double FromY, double ToX, double ToY)> leaders = [];

        // Points in a crowd choose first: the others can go anywhere.
        int Crowd(int i) => labels.Count(l => Math.Abs(l.X - labels[i].X) < 60 && Math.Abs(l.Y - labels[i].Y) < 40);
        foreach (int i in Enumerable.Range(0, labels.Count).OrderByDescending(Crowd))
        {
            (double x, double y, double width, double height) = labels[i];
            Box[] free = [.. Candidates(x, y, width, height).Where(box => area.Contains(box) && !taken.Any(box.Overlaps))];
            placed[i] = free.Length == 0 ? Beside(x, y, width, height, 8, 0) : free.FirstOrDefault(
                box => !leaders.Any(l => box.Meets(l.FromX, l.FromY, l.ToX, l.ToY)) && !placed.Any(p => p != default && p.Meets(x, y, box.CenterX, box.CenterY)),
                free[0]);
            taken.Add(placed[i]);
            leaders.Add((x, y, placed[i].CenterX, placed[i].CenterY));
        }

        return placed;
    }

    private static IEnumerable<Box> Candidates(double x, double y, double width, double height)
    {
        for (double distance = 7; distance < Farthest; distance += Step)
        {
            for (int direction = 0; direction < Directions; direction++)
            {
                yield return Beside(x, y, width, height, distance, 2 * Math.PI * direction / Directions);
            }
        }
    }

    /// <summary>A box whose nearest edge is that far away.</summary>
    private static Box Beside(double x, double y, double width, double height, double distance, double angle)
    {
        double centerX = x + (Math.Cos(angle) * (distance + (width / 2))), centerY = y - (Math.Sin(angle) * (distance + (height / 2)));
        return new(centerX - (width / 2), centerY - (height / 2), centerX + (width / 2), centerY + (height / 2));
    }
}
