import { z } from "zod";
import { SEVERITIES } from "../../core/model/incident.ts";
import { NOTICE_KINDS } from "../../core/model/notice.ts";
import { Command, EnvName, FilePath, HttpUrl, Name, PATH_CHARS_MAX } from "./common.ts";

/** People and machines to tell; more would be a mailing list's work. */
const DESTINATIONS_MAX = 20;

const Secret = z
  .strictObject({
    from: z
      .strictObject({ env: EnvName.optional(), file: z.string().min(1).max(PATH_CHARS_MAX).optional() })
      .refine((from) => (from.env === undefined) !== (from.file === undefined), {
        message: "needs either `env` or `file`",
      })
      .meta({ oneOf: [{ required: ["env"] }, { required: ["file"] }] }),
  })
  .describe("A reference, never a value: a variable of the controller, or a file below its `secrets/`.");

const LongForm = z.strictObject({
  name: Name.describe("How people and alerts call it."),
  type: z
    .enum(["webhook", "slack", "command", "file", "log", "issue"])
    .describe("`webhook`: Standard Webhooks. `slack`: any Slack-compatible incoming webhook."),
  url: HttpUrl.optional().describe("`webhook`, `slack`."),
  command: Command.optional().describe(
    "`command`: gets the notice as JSON on its standard input; exit 0 is delivered.",
  ),
  path: FilePath.optional().describe("`file`: below `notices/` in the controller's data directory."),
  secret: Secret.optional().describe(
    "`webhook`: signs, `whsec_` and base64. `slack`: the address. `command`: `FACTORY_NOTIFY_SECRET`.",
  ),
  events: z
    .array(z.enum(NOTICE_KINDS))
    .min(1)
    .max(NOTICE_KINDS.length)
    .default([...NOTICE_KINDS])
    .describe("What is sent there."),
  severity: z.enum(SEVERITIES).default("low").describe("Nothing less serious is sent there."),
});

export const Notify = z
  .array(z.union([z.enum(["issue", "log"]), HttpUrl, LongForm]))
  .max(DESTINATIONS_MAX)
  .default([])
  .describe("Who is told of incidents, questions, kills and closures: `log`, `issue`, an address, or a map.");

export type NotifyEntry = z.infer<typeof Notify>[number];
export type LongNotify = z.infer<typeof LongForm>;

/** The long form of an entry, with the name under which it is known. */
export function longForm(entry: NotifyEntry): LongNotify {
  if (typeof entry !== "string") return entry;
  const rest = { events: [...NOTICE_KINDS], severity: "low" as const };
  if (entry === "issue" || entry === "log") return { name: entry, type: entry, ...rest };
  return { name: hostOf(entry), type: "webhook", url: entry, ...rest };
}

function hostOf(url: string): string {
  return /^https?:\/\/([^/]+)/.exec(url)?.[1]?.toLowerCase() ?? url;
}
