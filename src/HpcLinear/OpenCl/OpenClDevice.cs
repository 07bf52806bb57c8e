namespace HpcLinear.OpenCl;

internal abstract class OpenClDevice : Device
{
    protected OpenClDevice(Target target)
        : base(target)
    {
    }
}
