using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Decant.Cli.Output;

/// <summary>JSON documents on standard output.</summary>
internal static class JsonOutput
{
    // Text of models and tokens is meant to be read: only what JSON itself demands is escaped.
    private static readonly JavaScriptEncoder encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping;

    /// <summary>Writes an indented document and a line break.</summary>
    public static void Write(TextWriter output, JsonNode document) => Write(output, document, indented: true);

    /// <summary>Writes a document on one line.</summary>
    public static void WriteLine(TextWriter output, JsonNode document) => Write(output, document, indented: false);

    /// <summary>A number, or null where JSON has none (NaN, infinity).</summary>
    public static JsonValue? Number(double value) => double.IsFinite(value) ? JsonValue.Create(value) : null;

    private static void Write(TextWriter output, JsonNode document, bool indented)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer, new JsonWriterOptions { Indented = indented, NewLine = "\n", Encoder = encoder }))
            document.WriteTo(writer);
        output.Write(Encoding.UTF8.GetString(buffer.WrittenSpan));
        output.Write('\n');
    }
}
