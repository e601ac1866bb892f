using Decant.Core.Architectures;

namespace Decant.Engine.Kernels.Arithmetic;

/// <summary>
/// The single-precision functions of a decoder on one vector width. All pointers are to elements that the caller keeps in place; counts
/// need not be multiples of the width. Sums run in a fixed order, so equal input gives equal bytes.
/// </summary>
internal abstract unsafe class FloatArithmetic
{
    /// <summary>Rows of the left operand that <see cref="MultiplyTile"/> takes.</summary>
    public const int TileRowCount = 6;

    /// <summary>Largest error of the norms, as a share of the larger of the result and 1, for up to a few thousand elements of about that size; of <see cref="LayerNorm"/> twice that.</summary>
    public const double NormError = 1e-5;

    /// <summary>Largest error of <see cref="Activate"/>, as a share of the larger of argument and result.</summary>
    public const double ActivationError = 4e-7;

    /// <summary>Largest error of a rotation, as a share of the pair's length; the angles' own error is the table's.</summary>
    public const double RotationError = 3e-7;

    /// <summary>Largest relative error of the exponentials of <see cref="ExponentialSum"/> and <see cref="SoftmaxStep"/>, for differences from the largest down to −10.</summary>
    public const double ExponentialError = 1e-6;

    /// <summary>Largest relative error of the sums of <see cref="ExponentialSum"/>, and of a weighted mean by tiles of <see cref="SoftmaxStep"/> as a share of the values.</summary>
    public const double SoftmaxError = 1e-5;

    /// <summary>Largest error of <see cref="Softplus"/>, as a share of the result.</summary>
    public const double SoftplusError = 4e-7;

    /// <summary>
    /// Largest error of one step of a scan or of time mixing, as a share of the sum of the magnitudes of what it adds, for rates times steps down to −10.
    /// </summary>
    public const double ScanError = 4e-6;

    /// <summary>
    /// Channels that states of scans lie together for: all elements of so many states fit the first-level cache and are a stream for the prefetcher. A multiple
    /// of every <see cref="Lanes"/>.
    /// </summary>
    public const int ScanBlock = 16;

    /// <summary>Elements that the states of some channels take: whole blocks.</summary>
    public static int ScanLength(int channels, int stateSize) => checked((channels + ScanBlock - 1) / ScanBlock * ScanBlock * stateSize);

    /// <summary>Where a channel's element n = 0 of a state lies: [channels / <see cref="ScanBlock"/>, elements of a state, <see cref="ScanBlock"/>].</summary>
    public static long ScanPlace(int channel, int stateSize) => (long)(channel / ScanBlock) * ScanBlock * stateSize + channel % ScanBlock;

    /// <summary>Elements per vector.</summary>
    public abstract int Lanes { get; }

    /// <summary>Columns of a full panel of the right operand: as many accumulators as the registers hold.</summary>
    public abstract int PanelWidth { get; }

    /// <summary>destination[i] += factor · addend[i].</summary>
    public abstract void AddScaled(float* destination, float* addend, float factor, int count);

    /// <summary>x[i] ·= factor.</summary>
    public abstract void Scale(float* x, float factor, int count);

    /// <summary>x[i] = cap · tanh(x[i] / cap).</summary>
    public abstract void SoftCap(float* x, float cap, int count);

    /// <summary>Σ x[i] · y[i].</summary>
    public abstract float Dot(float* x, float* y, int count);

    /// <summary>y = x / √(mean(x²) + ε) · weight; y may be x.</summary>
    public abstract void RootMeanSquareNorm(float* x, float* weight, float epsilon, float* y, int count);

    /// <summary>y = (x − mean) / √(variance + ε) · weight + bias; y may be x; bias may be null.</summary>
    public abstract void LayerNorm(float* x, float* weight, float* bias, float epsilon, float* y, int count);

    /// <summary>x = a(x) · factor; factor may be null for ones.</summary>
    public abstract void Activate(Activation activation, float* x, float* factor, int count);

    /// <summary>
    /// Rotates (x[i], x[i + count/2]) by the angle i. Tables as <c>RotaryTable</c> lays them out for half pairing: [count / 2] each.
    /// </summary>
    public abstract void RotateHalves(float* x, float* cosines, float* sines, int count);

    /// <summary>Rotates (x[2i], x[2i + 1]) by the angle i. Tables for interleaved pairing: [count] each, every cosine twice, sines as −s, +s.</summary>
    public abstract void RotatePairs(float* x, float* cosines, float* signedSines, int count);

    /// <summary>x[i] = e^(x[i] − largest) with the sum as result.</summary>
    public abstract float ExponentialSum(float* x, float largest, int count);

    /// <summary>The largest element.</summary>
    public abstract float Largest(float* x, int count);

    /// <summary>
    /// One register tile of a product: c[i, j] = addend[i, j] + Σₖ a[i · rowStride + k · step] · b[k · width + j] for <see cref="TileRowCount"/> rows.
    /// </summary>
    /// <param name="a">Left operand.</param>
    /// <param name="rowStride">Elements between its rows.</param>
    /// <param name="step">Elements between its columns.</param>
    /// <param name="b">A panel of the right operand.</param>
    /// <param name="width">Columns: a multiple of <see cref="Lanes"/>, at most <see cref="PanelWidth"/>.</param>
    /// <param name="depth">Terms of each sum.</param>
    /// <param name="addend">What the sums are added to: null for nothing; may be <paramref name="c"/>.</param>
    /// <param name="addendStride">Elements between its rows.</param>
    /// <param name="c">Result.</param>
    /// <param name="resultStride">Elements between rows of the result.</param>
    public abstract void MultiplyTile(
        float* a, long rowStride, long step, float* b, int width, int depth, float* addend, long addendStride, float* c, long resultStride);

    /// <summary>target[column · targetStride + row] = source[row · sourceStride + column].</summary>
    public abstract void Transpose(float* source, long sourceStride, int rowCount, int columnCount, float* target, long targetStride);

    /// <summary>
    /// One step of softmax over the rows of a tile, for each column apart, when the columns' rows come in several tiles (Milakov and
    /// Gimelshein 2018): raises the maxima, turns scores into e^(score − maximum), adds them to the sums, and tells by what factor sums and
    /// results of earlier tiles had to shrink.
    /// </summary>
    /// <param name="scores">[rows, width]; replaced.</param>
    /// <param name="rowCount">Rows.</param>
    /// <param name="width">Columns, a multiple of <see cref="Lanes"/>.</param>
    /// <param name="maxima">[width]; finite to begin with, so that a column without any visible score stays defined.</param>
    /// <param name="sums">[width].</param>
    /// <param name="factors">[width]; result.</param>
    public abstract void SoftmaxStep(float* scores, int rowCount, int width, float* maxima, float* sums, float* factors);

    /// <summary>rows[i · width + j] ·= factors[j].</summary>
    public abstract void ScaleColumns(float* rows, int rowCount, int width, float* factors);

    /// <summary>destination[i] += a[i] · b[i].</summary>
    public abstract void AddProducts(float* destination, float* a, float* b, int count);

    /// <summary>y[i] = share[i] · x[i] + (1 − share[i]) · previous[i]; y may be x or previous.</summary>
    public abstract void Interpolate(float* x, float* previous, float* share, float* y, int count);

    /// <summary>x[i] = ln(1 + e^x[i]).</summary>
    public abstract void Softplus(float* x, int count);

    /// <summary>
    /// One position of a selective scan over channels, each with its own time step Δ (Gu and Dao 2023): for every element n of the state
    /// <c>h[n] = e^(Δ rate[n]) h[n] + Δ x b[n]</c>, and <c>y = skip · x + Σ c[n] h[n]</c>.
    /// </summary>
    /// <param name="state">h, as <see cref="ScanPlace"/> says; updated.</param>
    /// <param name="rates">As <paramref name="state"/>; negative for a state that decays.</param>
    /// <param name="stateSize">Elements of a state.</param>
    /// <param name="steps">Δ [channels].</param>
    /// <param name="x">[channels].</param>
    /// <param name="b">[elements of a state].</param>
    /// <param name="c">[elements of a state].</param>
    /// <param name="skip">[channels].</param>
    /// <param name="y">[channels]; result.</param>
    /// <param name="count">Channels.</param>
    public abstract void SelectiveScanStep(
        float* state, float* rates, int stateSize, float* steps, float* x, float* b, float* c, float* skip, float* y, int count);

    /// <summary>
    /// One position of a scan over the channels of a head, which decay and step alike (Dao and Gu 2024): for every element n of the state
    /// <c>h[n] = decay · h[n] + step · x b[n]</c>, and <c>y = skip · x + Σ c[n] h[n]</c>.
    /// </summary>
    /// <param name="state">h, as <see cref="ScanPlace"/> says; updated.</param>
    /// <param name="stateSize">Elements of a state.</param>
    /// <param name="decay">What is left of the state.</param>
    /// <param name="step">Δ.</param>
    /// <param name="skip">Factor on x that bypasses the state.</param>
    /// <param name="x">[channels].</param>
    /// <param name="b">[elements of a state].</param>
    /// <param name="c">[elements of a state].</param>
    /// <param name="y">[channels]; result.</param>
    /// <param name="count">Channels.</param>
    public abstract void HeadScanStep(float* state, int stateSize, float decay, float step, float skip, float* x, float* b, float* c, float* y, int count);

    /// <summary>
    /// One position of RWKV-4's time mixing (Peng et al. 2023), channel by channel: y is the mean of the values so far, weighted by e^key and decaying by
    /// e^rate a position, the current key raised by the bonus. Sums are kept as multiples of e^exponents, so that no power overflows.
    /// </summary>
    /// <param name="keys">[channels].</param>
    /// <param name="values">[channels].</param>
    /// <param name="bonus">[channels].</param>
    /// <param name="rates">[channels], at most 0.</param>
    /// <param name="sums">Weighted sums of values [channels]; updated.</param>
    /// <param name="weights">Sums of weights [channels]; updated.</param>
    /// <param name="exponents">[channels]; updated.</param>
    /// <param name="y">[channels]; result.</param>
    /// <param name="count">Channels.</param>
    public abstract void TimeMixingStep(
        float* keys, float* values, float* bonus, float* rates, float* sums, float* weights, float* exponents, float* y, int count);
}
