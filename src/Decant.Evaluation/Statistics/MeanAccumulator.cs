namespace Decant.Evaluation.Statistics;

/// <summary>Sum, mean and the standard error of the mean of a stream of values, in double precision.</summary>
public sealed class MeanAccumulator
{
    // Welford's recurrence: mean(x²) − mean(x)² would cancel when values are large and close together.
    private double runningMean;
    private double squaredDeviations;

    /// <summary>Values added.</summary>
    public long Count { get; private set; }

    /// <summary>Their sum.</summary>
    public double Sum { get; private set; }

    /// <summary>Their mean; NaN before the first value.</summary>
    public double Mean => Count == 0 ? double.NaN : Sum / Count;

    /// <summary>
    /// <c>√((mean(x²) − mean(x)²) / (n − 1))</c>, taking the values as independent, as llama.cpp does; 0 for fewer than two values.
    /// </summary>
    public double StandardError => Count < 2 ? 0 : Math.Sqrt(squaredDeviations / Count / (Count - 1));

    /// <summary>Adds a value.</summary>
    public void Add(double value)
    {
        Count++;
        Sum += value;
        double delta = value - runningMean;
        runningMean += delta / Count;
        squaredDeviations += delta * (value - runningMean);
    }
}
