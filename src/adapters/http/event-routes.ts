import { z } from "zod";
import { EventBatch, EventData, StructuredEvent } from "../../api/cloud-event.ts";
import { named } from "../../api/named.ts";
import type { ControlPlane, IngestAnswer, InstanceCaller } from "../../ports/control-plane.ts";
import { instanceOf } from "./callback-routes.ts";
import {
  type Arrived,
  BATCH_TYPE,
  type BatchItem,
  BINARY_TYPE,
  readBatch,
  readBinary,
  readStructured,
  STRUCTURED_TYPE,
} from "./cloud-event.ts";
import { problemOfIngest } from "./problem.ts";
import type { Answer, Call, Route } from "./route.ts";

/** One of a batch has a status of its own, with the meaning that HTTP gives it. */
const Ingested = named("IngestAnswer", z.object({ key: z.string(), status: z.int(), message: z.string() }));
const IngestedAll = named("IngestAnswers", z.array(Ingested));

/** What instances report, in the three modes of CloudEvents over HTTP. */
export function eventRoutes(plane: ControlPlane): readonly Route[] {
  return [
    {
      method: "POST",
      path: "/v1/events",
      operation: "postEvents",
      summary:
        "Takes events and heartbeats of one instance as CloudEvents 1.0: binary, structured or batch. Answers once they are durable; the same key is answered as it was the first time.",
      access: "instance",
      bodies: {
        [BINARY_TYPE]: EventData,
        [STRUCTURED_TYPE]: StructuredEvent,
        [BATCH_TYPE]: EventBatch,
      },
      answers: {
        200: {
          description: "Taken; in batch mode, all of them",
          schema: IngestedAll.or(Ingested),
        },
        207: {
          description: "A batch of which not all were taken; each with its own status",
          schema: IngestedAll,
        },
        208: { description: "Taken before", schema: Ingested },
        409: { description: "Another payload was taken under this key" },
        410: { description: "The epoch has been fenced: the instance is to end" },
        425: { description: "An earlier event is missing: send it, and this one again" },
      },
      handle: (call) => takeEvents(plane, call),
    },
  ];
}

async function takeEvents(plane: ControlPlane, call: Call): Promise<Answer> {
  const caller = instanceOf(call);
  switch (call.media) {
    case BATCH_TYPE:
      return takeBatch(plane, caller, readBatch(call.body));
    case STRUCTURED_TYPE:
      return single(await takeOne(plane, caller, readStructured(call.body)));
    default:
      return single(await takeOne(plane, caller, readBinary(call.headers, call.body)));
  }
}

async function takeOne(plane: ControlPlane, caller: InstanceCaller, arrived: Arrived): Promise<IngestAnswer> {
  if (arrived.type === "heartbeat") return plane.heartbeat(caller, arrived.heartbeat);
  const [answer] = await plane.ingest(caller, [arrived.event]);
  if (!answer) throw new Error("the control plane left an event without an answer");
  return answer;
}

function single(answer: IngestAnswer): Answer {
  const problem = problemOfIngest(answer);
  if (!problem) return { status: answer.status, body: answer };
  return { status: problem.status, body: problem };
}

type ItemAnswer = Omit<IngestAnswer, "status"> & { readonly status: number };

/** Events go in together, in their order; heartbeats say all there is to say on their own. */
async function takeBatch(
  plane: ControlPlane,
  caller: InstanceCaller,
  items: readonly BatchItem[],
): Promise<Answer> {
  const events = items.flatMap((item) =>
    item.ok && item.arrived.type === "event" ? [item.arrived.event] : [],
  );
  const [taken, ...beats] = await Promise.all([
    events.length > 0 ? plane.ingest(caller, events) : [],
    ...items.flatMap((item) =>
      item.ok && item.arrived.type === "heartbeat" ? [plane.heartbeat(caller, item.arrived.heartbeat)] : [],
    ),
  ]);
  const nextEvent = taken[Symbol.iterator]();
  const nextBeat = beats[Symbol.iterator]();
  const answers = items.map((item): ItemAnswer => {
    if (!item.ok) {
      const { status, detail } = item.problem.problem;
      return { key: item.id, status, message: detail };
    }
    const { value } = item.arrived.type === "event" ? nextEvent.next() : nextBeat.next();
    if (!value) throw new Error("the control plane left an event without an answer");
    return value;
  });
  const fine = answers.every(({ status }) => status === 200 || status === 208);
  return { status: fine ? 200 : 207, body: answers };
}
