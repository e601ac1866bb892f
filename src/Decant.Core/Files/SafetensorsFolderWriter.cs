using Decant.Core.Tensors;

namespace Decant.Core.Files;

/// <summary>Writes the weights of a Hugging Face folder front to back, in the files of their <see cref="SafetensorsFolderLayout"/>.</summary>
public sealed class SafetensorsFolderWriter : ShardedWriter
{
    private readonly SafetensorsFolderLayout layout;

    /// <summary>Creates the writer.</summary>
    /// <param name="location">The folder, for messages.</param>
    /// <param name="openFile">Makes a new file of the given name; the writer closes it.</param>
    /// <param name="layout">Where everything stands; write tensors in the order of <see cref="TensorWriter.Tensors"/>.</param>
    public SafetensorsFolderWriter(string location, Func<string, Stream> openFile, SafetensorsFolderLayout layout)
        : base(location, openFile, [.. layout.Files.Select(file => file.Tensors)])
    {
        this.layout = layout;
    }

    /// <inheritdoc/>
    protected override string FileName(int shard) => layout.FileName(shard);

    /// <inheritdoc/>
    protected override TensorWriter CreateWriter(int shard, Stream output) =>
        new SafetensorsWriter(output, Path.Combine(Location, FileName(shard)), layout.Files[shard]);

    /// <inheritdoc/>
    protected override void WriteIndex(Func<string, Stream> openNewFile)
    {
        if (ShardCount == 1)
            return;
        using Stream output = openNewFile(ShardIndex.SafetensorsName);
        layout.WriteIndex(output);
    }
}
