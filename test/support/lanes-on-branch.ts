/** What a status branch tells of lanes, read from its texts as decision 21 describes them and not by the program's own reader. */

export interface LaneOnBranch {
  readonly clone: string;
  readonly state: {
    readonly epoch: number;
    readonly phase: string;
    readonly mission: { readonly name: string; readonly missionId: string } | null;
  };
  readonly closed: readonly { readonly name: string; readonly run: number; readonly missionId: string }[];
}

export function lanesOnBranch(files: ReadonlyMap<string, string>): readonly LaneOnBranch[] {
  return [...files].flatMap(([path, text]) => (path.startsWith(".factory/lanes/") ? lanesIn(text) : []));
}

/** Whether a closure stands there whole. */
export function isClosureOnBranch(files: ReadonlyMap<string, string>, missionId: string): boolean {
  return [...files].some(
    ([path, text]) => path.startsWith(".factory/closures/") && text.includes(`\n{"id":"${missionId}",`),
  );
}

function lanesIn(text: string): readonly LaneOnBranch[] {
  const [, first, ...later] = text.trimEnd().split("\n");
  if (first === undefined) return [];
  const whole = (line: string): { own: string | null; lane: LaneOnBranch } => {
    const { value } = JSON.parse(first);
    const { change } = JSON.parse(line);
    return change == null ? value : patched(value, change);
  };
  return [first, ...later].map((line) => {
    const { own, lane } = whole(line);
    const { id } = JSON.parse(line);
    return own === null ? lane : JSON.parse(JSON.stringify(lane).split(own).join(id));
  });
}

interface Patch {
  readonly "="?: unknown;
  readonly "~"?: Record<string, Patch>;
  readonly "-"?: readonly string[];
  readonly "<"?: number;
  readonly "#"?: number;
  readonly ">"?: readonly unknown[];
}

// biome-ignore lint/suspicious/noExplicitAny: any value of JSON
function patched(value: any, patch: Patch): any {
  if ("=" in patch) return patch["="];
  const inside = patch["~"] ?? {};
  if (Array.isArray(value)) {
    const kept = value.slice(patch["<"] ?? 0);
    const cut = patch["#"] === undefined ? kept : kept.slice(0, patch["#"]);
    const changed = cut.map((item, index) =>
      inside[index] === undefined ? item : patched(item, inside[index]),
    );
    return [...changed, ...(patch[">"] ?? [])];
  }
  const left = Object.entries(value).filter(([key]) => !(patch["-"] ?? []).includes(key));
  const put = Object.entries(inside).map(([key, other]) => [key, patched(value[key], other)]);
  return Object.fromEntries([...left, ...put]);
}
