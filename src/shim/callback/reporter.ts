/** The one door by which events leave an instance: numbered, redacted, recorded, then delivered. */

import type { MissionEnvelope } from "../../api/envelope.ts";
import type { WireEvent, WireEventType } from "../../api/event.ts";
import type { Redactor } from "../../core/model/redact.ts";
import type { Intent } from "../../instance/claim.ts";
import type { ShimOutbox } from "../../instance/outbox.ts";
import type { Clocks } from "../session/clocks.ts";

export interface Report {
  readonly type: WireEventType;
  readonly status: WireEvent["status"];
  readonly summary: string;
  readonly artifacts?: WireEvent["artifact_refs"];
  readonly detail?: Readonly<Record<string, unknown>>;
}

export interface Reporter {
  /** Durable on return. What may be lost in a long outage (`progress`, `artifact`) then is, and is counted. */
  report(report: Report): void;
  dropped(): number;
}

export function createReporter(options: {
  readonly intent: Intent;
  readonly outbox: ShimOutbox;
  readonly clocks: Clocks;
  readonly redactor: Redactor;
  readonly envelope: () => MissionEnvelope | null;
  readonly onAppend: () => void;
}): Reporter {
  const { intent, outbox } = options;
  let dropped = 0;
  return {
    report(report) {
      if (outbox.crowded() && (report.type === "mission.progress" || report.type === "mission.artifact")) {
        dropped += 1;
        return;
      }
      const envelope = options.envelope();
      outbox.append((seq) =>
        options.redactor.deep<WireEvent>({
          mission_id: envelope?.mission_id ?? null,
          vp_id: intent.clone,
          vp_session_id: `${intent.clone}/${intent.epoch}`,
          vp_runtime_id: intent.nonce,
          event_type: report.type,
          status: report.status,
          summary: report.summary,
          artifact_refs: report.artifacts ?? [],
          usage: options.clocks.eventUsage(),
          // Before there is a mission there is no trace to belong to; the nonce has the shape of one.
          trace_id: envelope?.trace_id ?? intent.nonce,
          idempotency_key: `${intent.clone}/${intent.epoch}/${seq}`,
          emitted_at: new Date().toISOString(),
          epoch: intent.epoch,
          seq,
          detail: report.detail ?? {},
        }),
      );
      options.onAppend();
    },
    dropped: () => dropped,
  };
}
