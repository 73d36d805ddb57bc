import { z } from "zod";
import { SEVERITIES } from "../../core/model/incident.ts";
import { DECISION_TYPES } from "../../core/model/request.ts";
import type { InboxItem, RequestView } from "../../core/status/view.ts";
import { Instant } from "./common.ts";
import { viewOf } from "./view.ts";

const RequestShape = viewOf<RequestView>()(
  "RequestView",
  z.object({
    evidence: z.array(z.string()),
    answers: z.array(z.enum(DECISION_TYPES)),
    severity: z.enum(SEVERITIES),
    owner: z.string(),
    requested_by: z.string(),
    binds: z.string().nullable(),
    expires_at: Instant.nullable(),
    acknowledged: z.object({ by: z.string(), at: Instant }).nullable(),
    remind_at: Instant,
    reminders: z.int(),
    votes: z.array(z.object({ by: z.string(), at: Instant })),
    quorum: z.int(),
  }),
);

export const InboxItemShape = viewOf<InboxItem>()(
  "InboxItem",
  z.object({
    id: z.string(),
    severity: z.enum(["info", "warning", "critical"]),
    kind: z.string(),
    subject: z.string(),
    since: Instant,
    message: z.string(),
    answers: z.array(z.string()),
    request: RequestShape.exactOptional(),
  }),
);
