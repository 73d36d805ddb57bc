import { SECOND_MS } from "../../../core/model/time.ts";

/** From the first byte to the last. GitHub ends a request of its own after ten seconds. */
export const REQUEST_MS_MAX = 15 * SECOND_MS;
/** Of one answer: fifty pull requests with the longest descriptions stay below. */
export const ANSWER_BYTES_MAX = 16 * 1024 * 1024;

/**
 * `fetch` within limits of time and size, that follows no redirect: it would take the token, or the request's body, to an
 * address that nobody reviewed.
 */
export async function boundedFetch(url: string | URL | Request, init: RequestInit = {}): Promise<Response> {
  const limit = AbortSignal.timeout(REQUEST_MS_MAX);
  const signal = init.signal == null ? limit : AbortSignal.any([init.signal, limit]);
  const answer = await fetch(url, { ...init, redirect: "manual", signal });
  const { status, statusText, headers } = answer;
  if (status >= 300 && status < 400 && status !== 304) {
    await answer.body?.cancel();
    throw new Error(
      `it answers ${status} from ${place(headers.get("location"))}; put the final address and the repository's present name into spec.forge of fleet.yaml`,
    );
  }
  const bytes = await bodyOf(answer);
  return new Response(bytes.length === 0 ? null : bytes, { status, statusText, headers });
}

async function bodyOf(answer: Response): Promise<Buffer<ArrayBuffer>> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of answer.body ?? []) {
    bytes += chunk.length;
    if (bytes > ANSWER_BYTES_MAX) throw new Error(`its answer is longer than ${ANSWER_BYTES_MAX} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function place(location: string | null): string {
  return location !== null && URL.canParse(location) ? new URL(location).origin : "another path";
}
