import { join } from "node:path";
import type { SecretRef } from "../../core/model/clone.ts";
import { assertNever } from "../../core/model/error.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Log } from "../../ports/log.ts";
import type { Notifier, OpenNotifier } from "../../ports/notifier.ts";
import type { Secrets } from "../../ports/secrets.ts";
import { createCommand } from "./command.ts";
import { createFile } from "./file.ts";
import { type ReadSecret, secretReader } from "./secret.ts";
import { createSlack } from "./slack.ts";
import { createWebhook } from "./webhook.ts";

/** Opens every kind of destination that `fleet.yaml` can declare. */
export function createNotifiers(options: {
  readonly secrets: Secrets;
  readonly clock: Clock;
  readonly log: Log;
  /** The controller's data directory: files are written below `notices/`, commands run there. */
  readonly dataDir: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}): OpenNotifier {
  const { secrets, clock, log, dataDir, env } = options;
  const now = (): number => clock.now();
  const reader = (from: SecretRef["from"] | null): ReadSecret | null =>
    from === null ? null : secretReader(secrets, from);

  return (destination): Notifier => {
    switch (destination.type) {
      case "webhook":
        return createWebhook({ url: destination.url, secret: reader(destination.secret), now });
      case "slack":
        return createSlack({ url: destination.url, secret: reader(destination.secret), now });
      case "command":
        return createCommand({
          command: destination.command,
          secret: reader(destination.secret),
          directory: dataDir,
          env,
        });
      case "file":
        return createFile({ directory: join(dataDir, "notices"), path: destination.path });
      case "log":
        return toLog(log);
      case "issue":
        return { deliver: async () => ({ type: "retry", message: "no forge is connected" }) };
      default:
        return assertNever(destination);
    }
  };
}

function toLog(log: Log): Notifier {
  return {
    async deliver(notice) {
      const { id, kind, severity, subject, what, answers } = notice;
      log.warn(`notice: ${subject}`, { id, kind, severity, what, answers });
      return { type: "delivered" };
    },
  };
}
