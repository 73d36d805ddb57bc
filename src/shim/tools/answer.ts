/** What a tool call is answered with: its result, or a code and a sentence that the agent can act upon. */
export type ToolAnswer =
  | { readonly ok: true; readonly result: Readonly<Record<string, unknown>> }
  | { readonly ok: false; readonly code: string; readonly message: string };

export function refuse(code: string, message: string): ToolAnswer {
  return { ok: false, code, message };
}
