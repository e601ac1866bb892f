namespace Decant.Bench;

/// <summary>The two programs, how often each takes its turn, and where results go.</summary>
/// <param name="Command">The command line that asked for it, for the head of the result.</param>
internal sealed record Sides(Tool Decant, Tool Peer, Machine Machine, int Turns, ResultFile Results, string Command);
