import type { InstanceHandle } from "../../core/model/instance.ts";
import type { Redactor } from "../../core/model/redact.ts";
import { relativeParts } from "../../core/model/relative-path.ts";
import type { Collect, CollectLimits } from "../../ports/collect.ts";
import type { Bundle } from "./bundle.ts";
import { readAll } from "./read.ts";

/** Of each file the end is kept; they are bounded themselves, but for the outbox. */
const LIMITS: CollectLimits = {
  filesMax: 64,
  depthMax: 0,
  fileBytesMax: 16 * 1024 * 1024,
  totalBytesMax: 128 * 1024 * 1024,
};

/** Keeps what the shim has written down, below `instance/`. Answers with what could not be had, one sentence each. */
export async function keepInstance(
  bundle: Bundle,
  options: {
    readonly collect: Collect;
    readonly instance: InstanceHandle | null;
    readonly redactor: Redactor;
    readonly signal: AbortSignal;
  },
): Promise<readonly string[]> {
  const { collect, instance, redactor, signal } = options;
  const missing: string[] = [];
  let found = 0;
  if (instance !== null) {
    for await (const file of collect({ instance }, { limits: LIMITS, larger: "end" }, signal)) {
      if (file.type === "cut" || relativeParts(file.path) === null) continue;
      found += 1;
      const bytes = file.content === null ? null : await readAll(file.content, LIMITS.fileBytesMax);
      if (bytes === null) missing.push(`${file.path}: it could not be read`);
      else await bundle.text(`instance/${file.path}`, redactor.text(bytes.toString("utf8")));
    }
  }
  if (found === 0) missing.push("instance: its folder is gone");
  return missing;
}
