import { describe, expect, test } from "vitest";
import { refusalOfSecret } from "../../src/core/model/secret-policy.ts";
import { formatIssue } from "../../src/documents/issue.ts";
import { changed, FILES, resolve } from "./fleet.ts";

const withForge = (forge: string) =>
  resolve(
    changed(
      "fleet.yaml",
      "  approval_rules:",
      `  forge: ${forge}\n  approvals: {mode: none}\n  approval_rules:`,
    ),
  ).desired;
const said = (forge: string): string => withForge(forge).issues.map(formatIssue).join("\n");

const TOKEN = "auth: {token: {from: {env: FORGE_TOKEN}}}";

describe("where changes are reviewed", () => {
  test("is nowhere where nobody says anything", () => {
    expect(resolve(FILES).desired.fleet.forge).toBeNull();
  });

  test("is taken up with its defaults", () => {
    expect(withForge(`{type: github, repository: acme/fleet, ${TOKEN}}`).fleet.forge).toEqual({
      type: "github",
      api: "https://api.github.com",
      owner: "acme",
      repository: "fleet",
      auth: { type: "token", token: { env: "FORGE_TOKEN" } },
      webhookSecret: null,
      forks: "ignore",
    });
  });

  test("says whose comments are obeyed", () => {
    const forge = `{type: github, repository: acme/fleet, ${TOKEN},
      roles: {approver: {people: [ann], teams: [release]}, operator: {people: ["deploy[bot]"]}}}`;
    expect(said(forge)).toBe("");
    expect(withForge(forge).fleet.forge?.roles).toEqual({
      approver: { people: ["ann"], teams: ["release"] },
      operator: { people: ["deploy[bot]"], teams: [] },
    });
    const nobody = `{type: github, repository: acme/fleet, ${TOKEN}, roles: {approver: {}}}`;
    expect(said(nobody)).toMatch(/fleet\.yaml:\d+:\d+ .*names nobody/);
    const other = `{type: github, repository: acme/fleet, ${TOKEN}, roles: {owner: {people: [ann]}}}`;
    expect(said(other)).toMatch(/fleet\.yaml:\d+:\d+ .*owner/);
  });

  test("may be an Enterprise server, with an App and webhooks", () => {
    const forge = `{type: github, api: "https://ghe.example/api/v3/", repository: acme/fleet.x, forks: plan,
      auth: {app_id: 12, installation_id: 77, private_key: {from: {file: forge/app.pem}}}, webhook_secret: {from: {env: HOOK}}}`;
    expect(said(forge)).toBe("");
    expect(withForge(forge).fleet.forge).toEqual({
      type: "github",
      api: "https://ghe.example/api/v3",
      owner: "acme",
      repository: "fleet.x",
      auth: { type: "app", appId: "12", installationId: 77, privateKey: { file: "forge/app.pem" } },
      webhookSecret: { env: "HOOK" },
      forks: "plan",
    });
  });

  test("what it needs is the fleet's own, and no clone's", () => {
    const { secrets } = withForge(
      `{type: github, repository: acme/fleet, auth: {app_id: 12, private_key: {from: {file: forge/app.pem}}}, webhook_secret: {from: {env: HOOK}}}`,
    ).fleet;
    const allowingAll = { ...secrets, env: ["*"] };
    expect(refusalOfSecret({ env: "HOOK" }, allowingAll)?.message).toContain("the controller's own");
    expect(refusalOfSecret({ file: "forge/./app.pem" }, allowingAll)?.message).toContain("the fleet's own");
  });

  test.each([
    ["a token in the file", `{type: github, repository: acme/fleet, auth: {token: abc}}`],
    ["a value beside the reference", `{type: github, repository: acme/fleet, auth: {token: {value: abc}}}`],
    [
      "two ways in",
      `{type: github, repository: acme/fleet, auth: {token: {from: {env: A}}, app_id: 1, private_key: {from: {env: B}}}}`,
    ],
    ["an App without its key", `{type: github, repository: acme/fleet, auth: {app_id: 1}}`],
    ["no way in", `{type: github, repository: acme/fleet, auth: {}}`],
    ["a repository without owner", `{type: github, repository: fleet, ${TOKEN}}`],
    ["a repository that leads elsewhere", `{type: github, repository: acme/.., ${TOKEN}}`],
    ["another forge", `{type: gitea, repository: acme/fleet, ${TOKEN}}`],
    [
      "an address in the clear",
      `{type: github, api: "http://ghe.example/api/v3", repository: acme/fleet, ${TOKEN}}`,
    ],
    [
      "an address with a query",
      `{type: github, api: "https://ghe.example/api/v3?x=1", repository: acme/fleet, ${TOKEN}}`,
    ],
  ])("%s is refused at its line", (_, forge) => {
    expect(said(forge)).toMatch(/^fleet\.yaml:\d+:\d+ error /m);
  });
});
