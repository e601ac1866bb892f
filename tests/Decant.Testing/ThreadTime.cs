using System.Diagnostics;
using System.Globalization;

namespace Decant.Testing;

/// <summary>Time that the calling thread has had a processor, which other work on the machine does not lengthen.</summary>
public static class ThreadTime
{
    // USER_HZ, which is 100 on every Linux that .NET runs on.
    private const int TicksPerSecond = 100;

    /// <summary>Seconds; only differences mean something. Wall time where the system has no proc file system.</summary>
    public static double Seconds
    {
        get
        {
            if (!File.Exists("/proc/thread-self/stat"))
                return Stopwatch.GetTimestamp() / (double)Stopwatch.Frequency;
            // proc(5): the name, which may have blanks, is the second field and in brackets; user time is the 14th, system time the 15th.
            string line = File.ReadAllText("/proc/thread-self/stat");
            string[] fields = line[(line.LastIndexOf(')') + 2)..].Split(' ');
            return (double.Parse(fields[11], CultureInfo.InvariantCulture) + double.Parse(fields[12], CultureInfo.InvariantCulture)) / TicksPerSecond;
        }
    }
}
