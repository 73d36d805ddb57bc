/**
 * A model that costs nothing and says what a script has it say, through the interfaces of Anthropic, OpenAI (chat
 * and responses) and Gemini: with it a real agent is tried without an account, and without a network.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { MODEL_API } from "../../../shim/metering/model-api.ts";
import { FORMS, type Form } from "./forms.ts";
import type { Reply, Turn } from "./turn.ts";

export interface FakeModel {
  readonly url: string;
  /** Every request, in order, whatever was answered. */
  readonly asked: readonly Asked[];
  close(): Promise<void>;
}

export interface Asked {
  readonly method: string;
  /** Without what follows a question mark. */
  readonly path: string;
  /** As it was shown. */
  readonly key: string | null;
  /** Null: no call of a model. */
  readonly turn: Turn | null;
  readonly status: number;
}

/** What it answers; a number: that status, with an error in the form of the interface. */
export type Play = (turn: Turn) => Reply | number;

const BODY_BYTES_MAX = 64 * 1024 * 1024;
/** The oldest are forgotten. */
const ASKED_MAX = 10_000;

/** Listens on this machine alone when it resolves. */
export async function startFakeModel(play: Play): Promise<FakeModel> {
  const asked: Asked[] = [];
  const server = createServer((request, response) => {
    void answer(request, response).catch(() => response.destroy());
  });

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await bodyOf(request);
    const { pathname, searchParams } = new URL(request.url ?? "/", "http://model");
    const form = request.method === "POST" ? FORMS.find(({ path }) => path.test(pathname)) : undefined;
    const turn = form === undefined || body === null ? null : form.turnOf(body, pathname);
    const reply = turn === null ? 404 : play(turn);
    const status = typeof reply === "number" ? reply : 200;
    const key = keyOf(request.headers, searchParams);
    asked.push({ method: request.method ?? "", path: pathname, key, turn, status });
    if (asked.length > ASKED_MAX) asked.shift();
    if (form === undefined || turn === null || typeof reply === "number")
      return refuse(response, { status, form });
    const streams = body?.["stream"] === true || pathname.includes("streamGenerateContent");
    say(response, { form, reply, streams, said: { model: turn.model, id: String(asked.length) } });
  }

  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function say(
  response: ServerResponse,
  {
    form,
    reply,
    streams,
    said,
  }: { form: Form; reply: Reply; streams: boolean; said: { model: string; id: string } },
): void {
  if (!streams) {
    response.writeHead(200, { "content-type": "application/json" });
    response.end(JSON.stringify(form.whole(reply, said)));
    return;
  }
  response.writeHead(200, { "content-type": "text/event-stream" });
  for (const event of form.events(reply, said)) {
    const { type } = event as { type?: string };
    response.write(`${type === undefined ? "" : `event: ${type}\n`}data: ${JSON.stringify(event)}\n\n`);
  }
  response.end(form.done ?? "");
}

function refuse(
  response: ServerResponse,
  { status, form }: { readonly status: number; readonly form: Form | undefined },
): void {
  response.writeHead(status, { "content-type": "application/json" });
  const message = `refused with ${status}`;
  response.end(JSON.stringify(form === undefined ? { message } : MODEL_API[form.api].refusal(message)));
}

function keyOf(headers: IncomingMessage["headers"], query: URLSearchParams): string | null {
  const shown =
    headers["x-api-key"] ?? headers["x-goog-api-key"] ?? headers.authorization ?? query.get("key");
  return shown == null ? null : String(shown).replace(/^Bearer /i, "");
}

/** Null: none, too long, or no JSON. */
async function bodyOf(request: IncomingMessage): Promise<Record<string, unknown> | null> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > BODY_BYTES_MAX) return null;
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString("utf8")) as Record<string, unknown>;
  } catch {
    return null;
  }
}
