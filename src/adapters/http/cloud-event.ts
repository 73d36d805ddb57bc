import type { IncomingHttpHeaders } from "node:http";
import { z } from "zod";
import { CloudEvent } from "../../api/cloud-event.ts";
import { WireEvent } from "../../api/event.ts";
import { WireHeartbeat } from "../../api/heartbeat.ts";
import { BATCH_EVENTS_MAX } from "./limits.ts";
import { HttpProblem } from "./problem.ts";
import { JSON_TYPE } from "./route.ts";
import { valid } from "./validate.ts";

export const BINARY_TYPE = JSON_TYPE;
export const STRUCTURED_TYPE = "application/cloudevents+json";
export const BATCH_TYPE = "application/cloudevents-batch+json";

/** What one CloudEvent carried. */
export type Arrived =
  | { readonly type: "event"; readonly event: WireEvent }
  | { readonly type: "heartbeat"; readonly heartbeat: WireHeartbeat };

export type BatchItem =
  | { readonly ok: true; readonly arrived: Arrived }
  | { readonly ok: false; readonly id: string; readonly problem: HttpProblem };

/** Binary mode: attributes in `ce-` headers, data is the body. */
export function readBinary(headers: IncomingHttpHeaders, body: unknown): Arrived {
  const attribute = (name: string): string | undefined => {
    const value = headers[`ce-${name}`];
    return typeof value === "string" ? decodeHeader(value, `ce-${name}`) : undefined;
  };
  const specversion = attribute("specversion");
  const id = attribute("id");
  const source = attribute("source");
  const type = attribute("type");
  if (specversion !== "1.0" || !id || !source || !type) {
    const given = { "ce-specversion": specversion, "ce-id": id, "ce-source": source, "ce-type": type };
    valid(binaryHeaders, given, "event_invalid", "the event's headers");
  }
  return open({ specversion: "1.0", id: id ?? "", source: source ?? "", type: type ?? "", data: body });
}

const binaryHeaders = z.object({
  "ce-specversion": z.literal("1.0"),
  "ce-id": z.string().min(1),
  "ce-source": z.string().min(1),
  "ce-type": z.string().min(1),
});

export function readStructured(body: unknown): Arrived {
  return open(valid(CloudEvent, body, "event_invalid", "the event"));
}

/** One wrong event does not spoil the others. */
export function readBatch(body: unknown): readonly BatchItem[] {
  if (!Array.isArray(body)) throw new HttpProblem("event_invalid", "a batch is a list of events");
  if (body.length > BATCH_EVENTS_MAX) {
    throw new HttpProblem(
      "body_too_large",
      `a batch holds at most ${BATCH_EVENTS_MAX} events, this one ${body.length}`,
    );
  }
  return body.map((item: unknown): BatchItem => {
    try {
      return { ok: true, arrived: readStructured(item) };
    } catch (error) {
      if (!(error instanceof HttpProblem)) throw error;
      return { ok: false, id: idOf(item), problem: error };
    }
  });
}

/** Checks the data, and that the envelope says the same as the data does. */
function open(event: CloudEvent): Arrived {
  if (event.type === "clone.heartbeat") {
    const heartbeat = data(WireHeartbeat, event);
    requireSame("source", event.source, `/clones/${heartbeat.vp_id}/${heartbeat.epoch}`);
    return { type: "heartbeat", heartbeat };
  }
  const wire = data(WireEvent, event);
  requireSame("type", event.type, wire.event_type);
  requireSame("id", event.id, wire.idempotency_key);
  requireSame("source", event.source, `/clones/${wire.vp_id}/${wire.epoch}`);
  return { type: "event", event: wire };
}

function data<Value>(schema: z.ZodType<Value>, event: CloudEvent): Value {
  return valid(schema, event.data, "event_invalid", `the data of event ${event.id}`);
}

function requireSame(field: string, found: string, expected: string): void {
  if (found === expected) return;
  const errors = [{ field, message: "differs from the data", found: JSON.stringify(found), expected }];
  throw new HttpProblem("event_invalid", `the event's ${field} differs from its data`, errors);
}

/** Header values of the HTTP binding are percent-encoded where they are not plain ASCII. */
function decodeHeader(value: string, name: string): string {
  if (!value.includes("%")) return value;
  try {
    return decodeURIComponent(value);
  } catch {
    throw new HttpProblem("event_invalid", `header ${name} is not well percent-encoded`);
  }
}

function idOf(item: unknown): string {
  const id = item !== null && typeof item === "object" && "id" in item ? item.id : "";
  return typeof id === "string" ? id : "";
}
