import type { Redactor } from "../../core/model/redact.ts";
import type { Reporter } from "../callback/reporter.ts";
import { checkCallback, runChecks } from "./checks.ts";
import type { Life } from "./life.ts";

/** The round trip with its own token, then the health checks, then `instance.ready` (runbook 3.5, 3.6). */
export async function becomeReady(parts: {
  readonly life: Life;
  readonly reporter: Reporter;
  readonly redactor: Redactor;
  readonly onReached: () => void;
  readonly onFenced: () => void;
  readonly signal: AbortSignal;
}): Promise<void> {
  const { life } = parts;
  const { intent, settings } = life;
  const callbackMs = await checkCallback({
    callbackUrl: () => life.callbackUrl,
    token: settings.token,
    onFenced: parts.onFenced,
    signal: parts.signal,
  });
  if (callbackMs === null) return;
  parts.onReached();
  const env = { ...settings.agent.env, ...settings.secrets };
  const checks = await runChecks({ intent, checks: settings.healthChecks, env, redactor: parts.redactor });
  if (life.over || life.phase !== "standby") return;
  life.ready = true;
  parts.reporter.report({
    type: "instance.ready",
    status: "queued",
    summary: "ready for a mission",
    detail: { callback_ms: callbackMs, checks, containment: intent.containment.kind },
  });
}
