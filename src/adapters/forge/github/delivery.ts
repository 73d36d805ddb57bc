import { isUtf8 } from "node:buffer";
import { verify } from "@octokit/webhooks-methods";
import { z } from "zod";
import type { ForgePolicy } from "../../../core/model/forge.ts";
import type { DeliveryMeaning, ForgeDelivery } from "../../../ports/forge.ts";
import type { Secrets } from "../../../ports/secrets.ts";
import { readSecret } from "./credential.ts";
import { sameLogin } from "./names.ts";

const DELIVERY_ID = /^[A-Za-z0-9-]{1,64}$/;
const SIGNATURE = /^sha256=[0-9a-f]{64}$/;

/** What is read of a payload; all of it may be missing. */
const Payload = z.object({
  repository: z.object({ full_name: z.string() }).optional(),
  sender: z.object({ login: z.string() }).optional(),
  pull_request: z.object({ number: z.int().min(1) }).optional(),
  issue: z.object({ number: z.int().min(1), pull_request: z.object({}).optional() }).optional(),
  check_run: z.object({ pull_requests: z.array(z.object({ number: z.int().min(1) })).optional() }).optional(),
  ref: z.string().optional(),
  merge_group: z.object({ head_ref: z.string() }).optional(),
});
type Payload = z.infer<typeof Payload>;

/** What each event is about. Nothing else is looked at. */
const EVENTS: Readonly<
  Record<
    string,
    (
      payload: Payload,
    ) => Pick<Extract<DeliveryMeaning, { type: "hint" }>, "pulls" | "branches" | "comments" | "queue">
  >
> = {
  pull_request: ({ pull_request: pull }) => about(pull?.number),
  pull_request_review: ({ pull_request: pull }) => about(pull?.number),
  issue_comment: ({ issue }) => ({
    ...about(issue?.pull_request === undefined ? undefined : issue.number),
    comments: true,
  }),
  check_run: ({ check_run: run }) => ({
    pulls: (run?.pull_requests ?? []).map(({ number }) => number),
    branches: [],
  }),
  merge_group: ({ merge_group: group }) => ({
    pulls: [],
    branches: [],
    ...(group === undefined ? {} : { queue: true as const }),
  }),
  push: ({ ref = "" }) => ({ pulls: [], branches: ref.startsWith("refs/heads/") ? [ref.slice(11)] : [] }),
};
/** What we do there ourselves comes back as these, and tells us nothing. */
const ECHOES: ReadonlySet<string> = new Set(["issue_comment", "check_run", "pull_request_review"]);

export async function readDelivery(
  parts: { readonly policy: ForgePolicy; readonly secrets: Secrets; readonly login: string | null },
  { headers, body }: ForgeDelivery,
  signal: AbortSignal,
): Promise<DeliveryMeaning> {
  const { webhookSecret, owner, repository } = parts.policy;
  if (webhookSecret === null)
    return refused("no webhooks are expected: spec.forge of fleet.yaml has no webhook_secret");
  const [signature, id, event] = ["x-hub-signature-256", "x-github-delivery", "x-github-event"].map(
    (name) => {
      const value = headers[name];
      return typeof value === "string" ? value : "";
    },
  );
  if (signature === undefined || !SIGNATURE.test(signature)) return refused("it is not signed");
  if (id === undefined || !DELIVERY_ID.test(id)) return refused("it does not say which delivery it is");
  if (!isUtf8(body)) return refused("its body is no text");
  const text = Buffer.from(body).toString("utf8");
  if (!(await verify(await readSecret(parts.secrets, webhookSecret, signal), text, signature)))
    return refused("its signature is not the forge's");
  const ignored = (message: string): DeliveryMeaning => ({ type: "ignored", id, message });
  const meaning = EVENTS[event ?? ""];
  if (meaning === undefined) return ignored("events of this kind tell nothing");
  const payload = payloadIn(text);
  if (payload === null) return ignored("its payload has another shape");
  if (!sameLogin(payload.repository?.full_name, `${owner}/${repository}`))
    return ignored("it is about another repository");
  if (parts.login !== null && ECHOES.has(event ?? "") && sameLogin(payload.sender?.login, parts.login))
    return ignored("it is our own doing");
  const hint = meaning(payload);
  if (hint.pulls.length + hint.branches.length === 0 && hint.comments !== true && hint.queue === undefined)
    return ignored("it is about no pull request and no branch");
  return { type: "hint", id, ...hint };
}

function about(number: number | undefined) {
  return { pulls: number === undefined ? [] : [number], branches: [] };
}

function refused(message: string): DeliveryMeaning {
  return { type: "refused", message };
}

function payloadIn(text: string): Payload | null {
  try {
    return Payload.safeParse(JSON.parse(text)).data ?? null;
  } catch {
    return null;
  }
}
