/**
 * The HTTP interfaces of model providers, as far as a call has to be recognised, paid for and refused. What passes is not
 * changed: a provider's own documentation says what it means.
 */
import type { ModelApiName } from "../../core/model/clone.ts";

export interface ModelApi {
  /** Of the price list. */
  readonly provider: "anthropic" | "openai" | "google";
  /** How its answers tell their usage, in the words of the price list. */
  flavorOf(path: string): string;
  /** `call`: costs money. `free`: passes and costs nothing. `unknown`: is refused, since nobody knows what it costs. */
  kindOf(method: string, path: string): "call" | "free" | "unknown";
  /** Variables by which clients of it are led to another address: `base` is that of the gateway, without a slash at its end. */
  environment(base: string): Readonly<Record<string, string>>;
  /** An error in its own form, of the kind that its clients do not repeat. */
  refusal(message: string): object;
}

export const MODEL_API: Readonly<Record<ModelApiName, ModelApi>> = {
  /** https://docs.claude.com/en/api/messages */
  anthropic: {
    provider: "anthropic",
    flavorOf: () => "default",
    kindOf(method, path) {
      if (method === "POST" && path === "/v1/messages") return "call";
      if (method === "POST" && path === "/v1/messages/count_tokens") return "free";
      return isListing(method, path, "/v1/models") ? "free" : "unknown";
    },
    environment: (base) => ({ ANTHROPIC_BASE_URL: base }),
    refusal: (message) => ({ type: "error", error: { type: "invalid_request_error", message } }),
  },
  /** https://platform.openai.com/docs/api-reference: chat completions and responses. */
  openai: {
    provider: "openai",
    flavorOf: (path) => (path.endsWith("/responses") ? "responses" : "chat"),
    kindOf(method, path) {
      if (method === "POST" && ["/v1/chat/completions", "/v1/responses"].includes(path)) return "call";
      return isListing(method, path, "/v1/models") ? "free" : "unknown";
    },
    environment: (base) => ({ OPENAI_BASE_URL: `${base}/v1` }),
    refusal: (message) => ({
      error: { message, type: "invalid_request_error", param: null, code: "budget_exhausted" },
    }),
  },
  /** https://ai.google.dev/api/generate-content */
  gemini: {
    provider: "google",
    flavorOf: () => "default",
    kindOf(method, path) {
      const action = /^\/v1(?:beta|alpha)?\/models\/[^/:]+:(\w+)$/.exec(path)?.[1];
      if (method === "POST" && (action === "generateContent" || action === "streamGenerateContent"))
        return "call";
      if (method === "POST" && action === "countTokens") return "free";
      return /^\/v1(beta|alpha)?\/models(\/[^/:]+)?$/.test(path) && method === "GET" ? "free" : "unknown";
    },
    environment: (base) => ({ GOOGLE_GEMINI_BASE_URL: base }),
    refusal: (message) => ({ error: { code: 400, message, status: "FAILED_PRECONDITION" } }),
  },
};

function isListing(method: string, path: string, folder: string): boolean {
  return method === "GET" && (path === folder || path.startsWith(`${folder}/`));
}
