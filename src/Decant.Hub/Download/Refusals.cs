using System.Net;
using System.Net.Http.Headers;
using Decant.Core.Errors;

namespace Decant.Hub.Download;

/// <summary>What an answer that is no success means, and what to try. The hub's own words come in the headers X-Error-Code and X-Error-Message.</summary>
internal static class Refusals
{
    /// <summary>The exception for an answer.</summary>
    /// <param name="reference">The model.</param>
    /// <param name="path">The file that was asked for, or null for the listing.</param>
    /// <param name="address">Where the answer comes from.</param>
    /// <param name="message">The answer.</param>
    /// <param name="hasToken">True if the request had a token.</param>
    /// <param name="isHub">False if the hub redirected to that server.</param>
    public static Exception For(HubReference reference, string? path, Uri address, HttpResponseMessage message, bool hasToken, bool isHub)
    {
        int status = (int)message.StatusCode;
        string code = Header(message, "X-Error-Code") ?? "";
        string said = Header(message, "X-Error-Message") is { Length: > 0 } text ? $" The server says: {text}" : "";
        string page = $"{address.GetLeftPart(UriPartial.Authority)}/{reference.Repository}";
        string token = hasToken ? "The token (HF_TOKEN) gives no access to it" : "Set HF_TOKEN to a token of an account that may read it (https://huggingface.co/settings/tokens)";
        return message.StatusCode switch
        {
            HttpStatusCode.TooManyRequests => new TransientFailureException($"{address.Host} is asked too often (429)", RetryAfter(message.Headers.RetryAfter)),
            HttpStatusCode.RequestTimeout or (>= (HttpStatusCode)500 and <= (HttpStatusCode)599) =>
                new TransientFailureException($"{address.Host} answered {status} {message.ReasonPhrase}", RetryAfter(message.Headers.RetryAfter)),
            _ when code == "GatedRepo" => new BadFileException($"{reference}: this model is gated ({address.Host} answered {status}): its terms have to be accepted on {page} first. {token}.{said}"),
            _ when code == "RevisionNotFound" => new BadFileException($"{reference}: the model has no revision '{reference.Revision}'. Branches and tags stand on {page}/tree/main.{said}"),
            // Addresses that a hub redirects to hold for a while only; the next try gets a new one.
            HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden or HttpStatusCode.NotFound when !isHub =>
                new TransientFailureException($"{address.Host}, which the hub redirects to, answered {status} {message.ReasonPhrase}"),
            // The listing was answered: the model is there and may be read.
            HttpStatusCode.NotFound when path is not null => new BadFileException(
                $"{reference}: the hub lists {path} and does not give it ({address.Host} answered {status}). Files may have been moved meanwhile: run the command again; if that does not help, see {page}/tree/{reference.Revision}.{said}"),
            HttpStatusCode.Unauthorized when path is not null => new BadFileException($"{reference}: access to {path} is refused ({address.Host} answered 401). {token}, or accept the model's terms on {page}.{said}"),
            // The hub does not say whether a private model exists.
            HttpStatusCode.Unauthorized or HttpStatusCode.NotFound => new BadFileException($"{reference}: there is no such model, or it is private ({address.Host} answered {status}). Check the spelling on {page}. {token}.{said}"),
            HttpStatusCode.Forbidden => new BadFileException($"{reference}: access is refused ({address.Host} answered 403). {token}, or accept the model's terms on {page}.{said}"),
            _ => new BadFileException($"{address.GetLeftPart(UriPartial.Path)}: the server answered {status} {message.ReasonPhrase}.{said}"),
        };
    }

    private static TimeSpan? RetryAfter(RetryConditionHeaderValue? header)
    {
        TimeSpan? wait = header?.Delta ?? (header?.Date is { } date ? date - TimeProvider.System.GetUtcNow() : null);
        return wait < TimeSpan.Zero ? TimeSpan.Zero : wait;
    }

    private static string? Header(HttpResponseMessage message, string name) => message.Headers.TryGetValues(name, out IEnumerable<string>? values) ? values.First() : null;
}
