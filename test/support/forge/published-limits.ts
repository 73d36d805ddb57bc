/**
 * The limits that GitHub publishes, counted from what came in, by an oracle that knows nothing of our own budget.
 *
 * From docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api:
 * - 5,000 requests an hour for a user's token (an App's installation begins there, too); an answer 304 does not count.
 * - Of the secondary limits: no more than 100 at the same time; no more than 900 points a minute, of which GET, HEAD and
 *   OPTIONS cost one and everything else five; no more than 80 requests a minute and 500 an hour that make content. Which
 *   requests make content is not said, so here it is every one that is not a reading.
 * - From best-practices-for-using-the-rest-api: at least one second between two requests that make or change something.
 * From docs.github.com/en/rest/checks/runs: 50 annotations a request. From /rest/commits/statuses: 1,000 statuses of one
 * name on one commit. A comment's or an issue's text has at most 65,536 characters (the API answers 422 to a longer one).
 */

export interface Arrived {
  /** By the clock of whoever asks, in milliseconds. */
  readonly at: number;
  readonly method: string;
  readonly path: string;
  readonly body: string;
  readonly status: number;
  /** Under way when it came in, itself included. */
  readonly together: number;
}

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;

export const PUBLISHED = {
  requestsPerHour: 5_000,
  together: 100,
  pointsPerMinute: 900,
  contentPerMinute: 80,
  contentPerHour: 500,
  gapMs: SECOND_MS,
  annotationsPerRequest: 50,
  statusesPerName: 1_000,
  textChars: 65_536,
} as const;

/** What was beyond a limit, one sentence for each limit; none where all were kept. Any minute and any hour count, not those of a calendar. */
export function limitsBroken(arrived: readonly Arrived[]): readonly string[] {
  const inOrder = [...arrived].sort((a, b) => a.at - b.at);
  const content = inOrder.filter(({ method }) => !READS.has(method));
  const gaps = content.slice(1).map(({ at }, index) => at - (content[index]?.at ?? 0));
  const statuses = Map.groupBy(
    content.filter(({ path }) => path.includes("/statuses/")),
    ({ path, body }) => `${path} ${fieldOf(body, "context")}`,
  );
  const checked: readonly (readonly [what: string, most: number, limit: number])[] = [
    [
      "requests an hour",
      most(
        inOrder.filter(({ status }) => status !== 304),
        HOUR_MS,
        () => 1,
      ),
      PUBLISHED.requestsPerHour,
    ],
    [
      "requests at the same time",
      Math.max(0, ...inOrder.map(({ together }) => together)),
      PUBLISHED.together,
    ],
    ["points a minute", most(inOrder, MINUTE_MS, pointsOf), PUBLISHED.pointsPerMinute],
    ["requests a minute that make content", most(content, MINUTE_MS, () => 1), PUBLISHED.contentPerMinute],
    ["requests an hour that make content", most(content, HOUR_MS, () => 1), PUBLISHED.contentPerHour],
    [
      "annotations in one request",
      Math.max(0, ...content.map(annotationsIn)),
      PUBLISHED.annotationsPerRequest,
    ],
    ["characters of a text", Math.max(0, ...content.map(charsIn)), PUBLISHED.textChars],
    [
      "statuses of one name on one commit",
      Math.max(0, ...[...statuses.values()].map(({ length }) => length)),
      PUBLISHED.statusesPerName,
    ],
  ];
  const shortest = Math.min(Number.POSITIVE_INFINITY, ...gaps);
  return [
    ...checked.flatMap(([what, found, limit]) =>
      found > limit ? [`${found} ${what}; GitHub's limit is ${limit}`] : [],
    ),
    ...(shortest < PUBLISHED.gapMs
      ? [`${shortest} ms between two requests that make content; GitHub asks for ${PUBLISHED.gapMs}`]
      : []),
  ];
}

const READS = new Set(["GET", "HEAD", "OPTIONS"]);

function pointsOf({ method }: Arrived): number {
  return READS.has(method) ? 1 : 5;
}

/** The most that came in within any stretch of so long. */
function most(arrived: readonly Arrived[], windowMs: number, weight: (one: Arrived) => number): number {
  let [from, sum, highest] = [0, 0, 0];
  for (const one of arrived) {
    sum += weight(one);
    for (
      let first = arrived[from];
      first !== undefined && first.at <= one.at - windowMs;
      first = arrived[from]
    ) {
      sum -= weight(first);
      from += 1;
    }
    highest = Math.max(highest, sum);
  }
  return highest;
}

function annotationsIn({ body }: Arrived): number {
  const output = fieldOf(body, "output") as { readonly annotations?: readonly unknown[] } | undefined;
  return output?.annotations?.length ?? 0;
}

function charsIn({ body }: Arrived): number {
  const output = fieldOf(body, "output") as Readonly<Record<string, unknown>> | undefined;
  const texts = [fieldOf(body, "body"), output?.["summary"], output?.["text"]];
  return Math.max(0, ...texts.map((text) => (typeof text === "string" ? text.length : 0)));
}

function fieldOf(body: string, name: string): unknown {
  return body === "" ? undefined : (JSON.parse(body) as Readonly<Record<string, unknown>>)[name];
}
