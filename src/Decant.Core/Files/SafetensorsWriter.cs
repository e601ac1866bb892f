using Decant.Core.Errors;
using Decant.Core.Tensors;

namespace Decant.Core.Files;

/// <summary>Writes one safetensors file front to back, its tensors in the order of their <see cref="SafetensorsLayout"/>.</summary>
public sealed class SafetensorsWriter : TensorWriter
{
    private readonly Stream output;
    private readonly SafetensorsLayout layout;
    private bool hasHeader;

    /// <summary>Prepares the header; nothing is written before the first tensor.</summary>
    /// <param name="output">The stream; stays open.</param>
    /// <param name="location">The file's path, for messages.</param>
    /// <param name="tensors">The tensors in any order; write them in the order of <see cref="TensorWriter.Tensors"/>.</param>
    /// <param name="metadata">The <c>__metadata__</c> strings, usually <c>{"format": "pt"}</c>, without which transformers refuses a file.</param>
    /// <exception cref="NotSupportedModelException">A format without a safetensors dtype.</exception>
    /// <exception cref="ArgumentException">Two tensors of one name.</exception>
    public SafetensorsWriter(Stream output, string location, IEnumerable<TensorInfo> tensors, IReadOnlyDictionary<string, string> metadata)
        : this(output, location, new SafetensorsLayout(tensors, metadata))
    {
    }

    /// <summary>Prepares a file of known layout.</summary>
    /// <param name="output">The stream; stays open.</param>
    /// <param name="location">The file's path, for messages.</param>
    /// <param name="layout">Where everything stands.</param>
    public SafetensorsWriter(Stream output, string location, SafetensorsLayout layout)
        : base(location, layout.Tensors)
    {
        this.output = output;
        this.layout = layout;
    }

    /// <summary>The exact length of the finished file.</summary>
    public long ByteCount => layout.ByteCount;

    /// <inheritdoc/>
    protected override void StartTensor(int index) => WriteHeader();

    /// <inheritdoc/>
    protected override void WriteData(ReadOnlySpan<byte> bytes) => output.Write(bytes);

    /// <inheritdoc/>
    protected override void Finish()
    {
        WriteHeader();
        output.Flush();
    }

    private void WriteHeader()
    {
        if (!hasHeader)
            output.Write(layout.Header.Span);
        hasHeader = true;
    }
}
