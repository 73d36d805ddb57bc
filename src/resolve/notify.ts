import type { SecretRef } from "../core/model/clone.ts";
import type { Destination } from "../core/model/notice.ts";
import { type LongNotify, longForm, type NotifyEntry } from "../documents/schema/notify.ts";

/** An entry of `spec.simone.notify` in the words of the core. What its type needs was checked with the document. */
export function destinationOf(entry: NotifyEntry): Destination {
  const declared = longForm(entry);
  const common = { name: declared.name, events: declared.events, minSeverity: declared.severity };
  switch (declared.type) {
    case "webhook":
      return { ...common, type: "webhook", url: declared.url ?? "", secret: secretOf(declared) };
    case "slack":
      return { ...common, type: "slack", url: declared.url ?? null, secret: secretOf(declared) };
    case "command":
      return { ...common, type: "command", command: commandOf(declared), secret: secretOf(declared) };
    case "file":
      return { ...common, type: "file", path: declared.path ?? "notices.jsonl" };
    case "log":
    case "issue":
      return { ...common, type: declared.type };
  }
}

function commandOf({ command }: LongNotify): readonly [string, ...string[]] {
  const [program = "false", ...args] = command ?? [];
  return [program, ...args];
}

function secretOf({ secret }: LongNotify): SecretRef["from"] | null {
  if (secret?.from.env !== undefined) return { env: secret.from.env };
  return secret?.from.file === undefined ? null : { file: secret.from.file };
}
