using System.Globalization;
using System.Text;
using Decant.Core.Errors;
using Decant.Core.Files;

namespace Decant.Compression.Pipeline;

/// <summary>
/// Says which tensors of an unfinished output are whole: a text file beside it, one line a tensor, appended when the tensor's last byte has been
/// written. A line that was cut off by the end of the process counts for nothing. While it is open no other process can open it.
/// </summary>
internal sealed class ConversionJournal : IDisposable
{
    private const string Magic = "decant-journal 1";
    private const long MaximumByteCount = 64 << 20;

    private readonly FileStream stream;
    private readonly string output;
    private readonly Lock gate = new();
    private bool isClosed;

    private ConversionJournal(FileStream stream, string output, IReadOnlyDictionary<int, uint> finished, string? notice)
    {
        this.stream = stream;
        this.output = output;
        Finished = finished;
        Notice = notice;
    }

    /// <summary>Tensors an earlier run finished, with their checksums.</summary>
    public IReadOnlyDictionary<int, uint> Finished { get; }

    /// <summary>Why an earlier run's work is not used, or null.</summary>
    public string? Notice { get; }

    /// <summary>The journal's path for an output.</summary>
    public static string PathFor(string partialPath) => partialPath + ".journal";

    /// <summary>Opens the journal of an output, and reads it if it belongs to the same job.</summary>
    /// <param name="partialPath">The hidden name of the unfinished output.</param>
    /// <param name="output">The final path, for messages.</param>
    /// <param name="version">Decant's version.</param>
    /// <param name="identity">Names the job: equal identities give equal bytes.</param>
    /// <param name="restart">True to use nothing of an earlier run.</param>
    /// <exception cref="UsageException">Another process is at work on this output.</exception>
    /// <exception cref="BadFileException">The file cannot be made.</exception>
    public static ConversionJournal Open(string partialPath, string output, string version, string identity, bool restart)
    {
        FileStream stream;
        string path = PathFor(partialPath);
        ResumableFile.RefuseLink(path, output);
        try
        {
            stream = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, bufferSize: 0);
        }
        catch (IOException e) when (File.Exists(path))
        {
            throw new UsageException($"{output}: another process is writing this output. Wait for it or choose another name.", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new BadFileException($"{output}: the output cannot be written: {e.Message}", e);
        }
        try
        {
            string[] lines = ReadLines(stream);
            string header = $"{Magic} {version} {identity}";
            string? notice = null;
            if (lines.Length > 0 && (restart || lines[0] != header))
            {
                notice = restart ? $"{output}: an unfinished earlier run is started over, as asked"
                    : lines[0].StartsWith($"{Magic} {version} ", StringComparison.Ordinal) ? $"{output}: an unfinished run of another job is started over: source, type or options differ"
                    : lines[0].StartsWith(Magic, StringComparison.Ordinal) ? $"{output}: an unfinished run of another version of Decant is started over"
                    : $"{output}: the journal of an unfinished run is damaged; it is started over";
                lines = [];
            }
            var finished = new Dictionary<int, uint>();
            foreach (string line in lines.Skip(1))
                ParseLine(line, finished);
            if (lines.Length == 0)
            {
                stream.SetLength(0);
                stream.Write(Encoding.ASCII.GetBytes(header + "\n"));
            }
            return new ConversionJournal(stream, output, finished, notice);
        }
        catch (IOException e)
        {
            stream.Dispose();
            throw new BadFileException($"{output}: the output cannot be written: {e.Message}", e);
        }
        catch
        {
            stream.Dispose();
            throw;
        }
    }

    /// <summary>Notes a finished tensor; from any thread.</summary>
    public void Append(int tensorIndex, uint checksum)
    {
        byte[] line = Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{tensorIndex} {checksum:x8}\n"));
        try
        {
            lock (gate)
                stream.Write(line);
        }
        catch (IOException e)
        {
            throw new BadFileException($"{output}: the output cannot be written: {e.Message}", e);
        }
    }

    /// <summary>Deletes and closes the journal, in this order where the system can: no other process is to take a file that is about to go.</summary>
    public void Discard()
    {
        string path = stream.Name;
        if (OperatingSystem.IsWindows())
            Dispose();
        try
        {
            File.Delete(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // A journal without its output is harmless: the next run starts it over.
        }
        Dispose();
    }

    /// <summary>Closes the journal and leaves it for the next run.</summary>
    public void Dispose()
    {
        if (isClosed)
            return;
        isClosed = true;
        stream.Dispose();
    }

    /// <summary>The complete lines of the file; positions the stream behind them, so that the next line does not continue a broken one.</summary>
    private static string[] ReadLines(FileStream stream)
    {
        if (stream.Length is 0 or > MaximumByteCount)
            return [];
        byte[] bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        int end = Array.LastIndexOf(bytes, (byte)'\n') + 1;
        stream.SetLength(end);
        stream.Position = end;
        return Encoding.ASCII.GetString(bytes, 0, end).Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }

    private static void ParseLine(string line, Dictionary<int, uint> finished)
    {
        int space = line.IndexOf(' ', StringComparison.Ordinal);
        if (space > 0
            && int.TryParse(line.AsSpan(0, space), NumberStyles.None, CultureInfo.InvariantCulture, out int index)
            && uint.TryParse(line.AsSpan(space + 1), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out uint checksum))
        {
            finished[index] = checksum;
        }
    }
}
