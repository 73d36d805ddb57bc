import type { DesiredState } from "../model/desired.ts";
import { secretText } from "../model/secret-policy.ts";
import type { SecretTouched } from "./explanation.ts";

/** Which references to secrets come, go, or are handed to the clones in `started`. */
export function secretsOf(
  base: DesiredState | null,
  head: DesiredState,
  started: ReadonlySet<string>,
): readonly SecretTouched[] {
  const found: SecretTouched[] = [];
  for (const name of new Set([...(base?.clones.keys() ?? []), ...head.clones.keys()])) {
    // A file that is broken keeps its last good generation.
    if (head.broken.has(`clone/${name}`)) continue;
    const [before, after] = [textsOf(base, name), textsOf(head, name)];
    for (const [secret, from] of after) {
      if (before.get(secret) !== from) found.push({ clone: name, name: secret, from, change: "added" });
      else if (started.has(name)) found.push({ clone: name, name: secret, from, change: "used" });
    }
    for (const [secret, from] of before)
      if (after.get(secret) !== from) found.push({ clone: name, name: secret, from, change: "removed" });
  }
  const keyOf = ({ clone, name, change }: SecretTouched): string => `${clone} ${name} ${change}`;
  return found.sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : keyOf(a) > keyOf(b) ? 1 : 0));
}

function textsOf(side: DesiredState | null, clone: string): ReadonlyMap<string, string> {
  return new Map(side?.clones.get(clone)?.secrets.map(({ name, from }) => [name, secretText(from)]));
}
