import { createHmac } from "node:crypto";
import { describe, expect, test } from "vitest";
import { readDelivery } from "../../../../src/adapters/forge/github/delivery.ts";
import { createSecrets } from "../../../../src/adapters/secrets/secrets.ts";
import type { ForgePolicy } from "../../../../src/core/model/forge.ts";

const SECRET = "a secret of the forge";
const never = new AbortController().signal;
const policy: ForgePolicy = {
  type: "github",
  api: "https://api.github.com",
  owner: "acme",
  repository: "fleet",
  auth: { type: "token", token: { env: "TOKEN" } },
  webhookSecret: { env: "HOOK" },
  forks: "ignore",
};
const repository = { full_name: "Acme/Fleet" };

function read(
  event: string,
  payload: object | string,
  change: Readonly<Record<string, string | undefined>> = {},
) {
  const body = typeof payload === "string" ? payload : JSON.stringify(payload);
  const signature = `sha256=${createHmac("sha256", SECRET).update(body).digest("hex")}`;
  const headers = {
    "x-github-event": event,
    "x-github-delivery": "0b7c-1",
    "x-hub-signature-256": signature,
    ...change,
  };
  const secrets = createSecrets({ env: { HOOK: SECRET }, root: null });
  const parts = { policy, secrets, login: "factory-bot" };
  return readDelivery(parts, { headers, body: Buffer.from(body) }, never);
}

describe("a delivery of the forge", () => {
  test.each([
    ["pull_request", { repository, pull_request: { number: 7 } }, [7], []],
    ["pull_request_review", { repository, pull_request: { number: 7 } }, [7], []],
    ["check_run", { repository, check_run: { pull_requests: [{ number: 7 }, { number: 9 }] } }, [7, 9], []],
    ["push", { repository, ref: "refs/heads/main" }, [], ["main"]],
    ["pull_request", { repository, pull_request: { number: 7 }, sender: { login: "factory-bot" } }, [7], []],
  ])("%s says what it is about", async (event, payload, pulls, branches) => {
    expect(await read(event, payload)).toEqual({ type: "hint", id: "0b7c-1", pulls, branches });
  });

  test.each([
    ["a pull request", { number: 7, pull_request: {} }, [7]],
    ["an issue", { number: 7 }, []],
  ])("a comment on %s may be a command", async (_, issue, pulls) => {
    const hint = { type: "hint", id: "0b7c-1", pulls, branches: [], comments: true };
    expect(await read("issue_comment", { repository, issue })).toEqual(hint);
  });

  test.each([
    ["an event that nobody asked for", "star", { repository }],
    [
      "another repository",
      "pull_request",
      { repository: { full_name: "acme/other" }, pull_request: { number: 7 } },
    ],
    [
      "a comment of our own",
      "issue_comment",
      { repository, issue: { number: 7, pull_request: {} }, sender: { login: "Factory-Bot" } },
    ],
    ["a check of our own", "check_run", { repository, check_run: {}, sender: { login: "factory-bot" } }],
    ["a tag", "push", { repository, ref: "refs/tags/v1" }],
    ["a payload of another shape", "pull_request", { repository, pull_request: { number: "7" } }],
    ["a payload that is no JSON", "pull_request", "{"],
  ])("%s is ignored", async (_, event, payload) => {
    expect(await read(event, payload)).toMatchObject({ type: "ignored", id: "0b7c-1" });
  });

  test.each([
    ["without a signature", { "x-hub-signature-256": undefined }],
    ["with another one", { "x-hub-signature-256": `sha256=${"0".repeat(64)}` }],
    ["with the old kind alone", { "x-hub-signature-256": undefined, "x-hub-signature": "sha1=abc" }],
    ["without an id", { "x-github-delivery": undefined }],
    ["with an id that is none", { "x-github-delivery": "../x" }],
  ])("one %s is refused", async (_, change) => {
    expect(await read("pull_request", { repository, pull_request: { number: 7 } }, change)).toMatchObject({
      type: "refused",
    });
  });

  test("a merge queue that moved is to be looked at", async () => {
    const group = { head_ref: "refs/heads/gh-readonly-queue/main/pr-7-abc", head_sha: "a".repeat(40) };
    expect(await read("merge_group", { repository, action: "checks_requested", merge_group: group })).toEqual(
      {
        type: "hint",
        id: "0b7c-1",
        pulls: [],
        branches: [],
        queue: true,
      },
    );
    expect(await read("merge_group", { repository })).toMatchObject({ type: "ignored" });
  });

  test("a body that was changed on the way is refused", async () => {
    const signature = `sha256=${createHmac("sha256", SECRET).update("{}").digest("hex")}`;
    expect(
      await read("push", { repository, ref: "refs/heads/main" }, { "x-hub-signature-256": signature }),
    ).toMatchObject({
      type: "refused",
    });
  });

  test("where no secret is declared everything is refused", async () => {
    const parts = {
      policy: { ...policy, webhookSecret: null },
      secrets: createSecrets({ env: {}, root: null }),
      login: null,
    };
    expect(await readDelivery(parts, { headers: {}, body: Buffer.from("{}") }, never)).toMatchObject({
      type: "refused",
      message: expect.stringContaining("webhook_secret"),
    });
  });
});
