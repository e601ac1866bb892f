namespace Decant.Engine.Inference.Reversible;

/// <summary>The Mersenne twister MT19937 (Matsumoto and Nishimura, ACM TOMACS 8:1, 1998) with its authors' seeding of 2002.</summary>
internal sealed class MersenneTwister
{
    private const int Length = 624;
    private const int Middle = 397;

    private readonly uint[] state = new uint[Length];
    private int next = Length;

    /// <summary>Starts a sequence.</summary>
    public MersenneTwister(uint seed)
    {
        state[0] = seed;
        for (uint i = 1; i < Length; i++)
            state[i] = 1812433253u * (state[i - 1] ^ state[i - 1] >> 30) + i;
    }

    /// <summary>The next 32 bits.</summary>
    public uint Next()
    {
        if (next == Length)
            Turn();
        uint y = state[next++];
        y ^= y >> 11;
        y ^= y << 7 & 0x9d2c5680;
        y ^= y << 15 & 0xefc60000;
        return y ^ y >> 18;
    }

    private void Turn()
    {
        for (int i = 0; i < Length; i++)
        {
            uint joined = state[i] & 0x80000000 | state[(i + 1) % Length] & 0x7fffffff;
            state[i] = state[(i + Middle) % Length] ^ joined >> 1 ^ ((joined & 1) == 0 ? 0 : 0x9908b0df);
        }
        next = 0;
    }
}
