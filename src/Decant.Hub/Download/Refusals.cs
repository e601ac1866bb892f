using System.Net;
using System.Net.Http.Headers;
using Decant.Core.Errors;

namespace Decant.Hub.Download;

/// <summary>What an answer that is no success means, and what to try. The hub's own words come in the headers X-Error-Code and X-Error-Message.</summary>
internal static class Refusals
{
    public static Exception For(HubReference reference, Uri address, HttpResponseMessage message, bool hasToken)
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
            _ when code == "EntryNotFound" => new BadFileException($"{reference}: the revision lacks {address.AbsolutePath.Split('/')[^1]}.{said}"),
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
