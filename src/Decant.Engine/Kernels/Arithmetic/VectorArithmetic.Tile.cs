namespace Decant.Engine.Kernels.Arithmetic;

internal sealed unsafe partial class VectorArithmetic<TVector, TOps>
{
    public override int Lanes => TOps.Lanes;

    public override int PanelWidth => RegisterTile<float, TVector, TOps>.PanelWidth;

    public override void MultiplyTile(
        float* a, long rowStride, long step, float* b, int width, int depth, float* addend, long addendStride, float* c, long resultStride) =>
        RegisterTile<float, TVector, TOps>.Multiply(a, rowStride, step, b, width, depth, addend, addendStride, c, resultStride);

    public override void Transpose(float* source, long sourceStride, int rowCount, int columnCount, float* target, long targetStride) =>
        Transposition.Singles(TOps.Lanes, source, sourceStride, rowCount, columnCount, target, targetStride);
}
