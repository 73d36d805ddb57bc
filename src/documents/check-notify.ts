/** What a destination of notices needs, by its type. */
import type { PathStep } from "./positions.ts";
import { describe, type Finding } from "./schema/explain.ts";
import { type LongNotify, longForm, type NotifyEntry } from "./schema/notify.ts";

type Field = "url" | "command" | "path" | "secret";

/** `needs`: one of these. `may`: allowed beside. */
const FIELDS: Readonly<Record<LongNotify["type"], { needs: readonly Field[]; may: readonly Field[] }>> = {
  webhook: { needs: ["url"], may: ["url", "secret"] },
  slack: { needs: ["url", "secret"], may: ["url", "secret"] },
  command: { needs: ["command"], may: ["command", "secret"] },
  file: { needs: ["path"], may: ["path"] },
  log: { needs: [], may: [] },
  issue: { needs: [], may: [] },
};

const EXAMPLE: Readonly<Record<Field, string>> = {
  url: "url: https://simone.example/hooks/factory",
  command: "command: [notify-send, Factory]",
  path: "path: notices.jsonl",
  secret: "secret: {from: {env: FACTORY_SLACK_URL}}",
};

export function checkNotify(
  entries: readonly NotifyEntry[],
  forge: { readonly declared: boolean },
): Finding[] {
  const seen = new Set<string>();
  return entries.flatMap((entry, index): Finding[] => {
    const at: PathStep[] = ["spec", "simone", "notify", index];
    const declared = longForm(entry);
    const findings = typeof entry === "string" ? [] : fieldsOf(entry, at);
    if (declared.type === "issue")
      findings.push(notSent(typeof entry === "string" ? at : [...at, "type"], forge));
    if (seen.has(declared.name)) {
      findings.push({
        path: typeof entry === "string" ? at : [...at, "name"],
        reason: "Repeated",
        message: "there is another destination of this name",
        found: describe(declared.name, []),
        expected: "a name of its own: {name: …, type: …}",
      });
    }
    seen.add(declared.name);
    return findings;
  });
}

/** What waits for people has an issue wherever a forge is declared, named here or not; nothing else is sent there. */
function notSent(path: readonly PathStep[], forge: { readonly declared: boolean }): Finding {
  return {
    path,
    severity: "warning",
    reason: "NotEnforced",
    message: forge.declared
      ? "questions have issues without it, since a forge is declared; incidents, kills and alerts are not sent there"
      : "nothing is sent there: fleet.yaml declares no `forge`",
    found: "issue",
    expected: "webhook | slack | command | file | log beside it",
  };
}

function fieldsOf(entry: LongNotify, at: readonly PathStep[]): Finding[] {
  const { needs, may } = FIELDS[entry.type];
  const findings: Finding[] = [];
  if (needs.length > 0 && needs.every((field) => entry[field] === undefined)) {
    findings.push({
      path: [...at, needs[0] ?? "type"],
      reason: "MissingField",
      message: `a destination of type ${entry.type} needs ${needs.map((field) => `\`${field}\``).join(" or ")}`,
      expected: needs.map((field) => EXAMPLE[field]).join(" | "),
    });
  }
  for (const field of ["url", "command", "path", "secret"] as const) {
    if (entry[field] === undefined || may.includes(field)) continue;
    findings.push({
      path: [...at, field],
      atKey: true,
      reason: "NotOfThisType",
      message: `a destination of type ${entry.type} has no \`${field}\``,
      found: field,
      expected: may.length === 0 ? "no further field" : may.join(" | "),
    });
  }
  if (entry.type === "slack" && entry.url !== undefined && entry.secret !== undefined) {
    findings.push({
      path: [...at, "secret"],
      atKey: true,
      reason: "Contradiction",
      message: "the address stands here twice: the secret of this type is the address",
      found: "url and secret",
      expected: "one of the two",
    });
  }
  return findings;
}
