import { describe, expect, test } from "vitest";
import type { ForgePolicy, ForgeRoles } from "../../../src/core/model/forge.ts";
import { type Entitlement, entitlementOf } from "../../../src/reconciler/threads/entitled.ts";
import { createFakeForge } from "../../support/forge/fake-forge.ts";

const never = new AbortController().signal;
const POLICY: ForgePolicy = {
  type: "github",
  api: "https://forge.example",
  owner: "acme",
  repository: "fleet",
  auth: { type: "token", token: { env: "TOKEN" } },
  webhookSecret: null,
  forks: "ignore",
};

describe("who may command", () => {
  const forge = createFakeForge();
  const of = (roles?: ForgeRoles): Entitlement =>
    entitlementOf(forge, roles === undefined ? POLICY : { ...POLICY, roles });

  test("nobody, where fleet.yaml says nothing, and the answer says what to write", async () => {
    const nobody = of();
    expect(nobody.declared).toBe(false);
    expect(await nobody.refusal("root", "viewer", never)).toContain("`spec.forge.roles` of fleet.yaml");
  });

  test("a name counts for its role and for what needs less", async () => {
    const roles = of({ approver: { people: ["Ann"], teams: [] }, viewer: { people: ["eve"], teams: [] } });
    expect(await roles.refusal("ann", "approver", never)).toBeNull();
    expect(await roles.refusal("ANN", "operator", never)).toBeNull();
    expect(await roles.refusal("ann", "admin", never)).toContain("ann may not: it takes the role admin");
    expect(await roles.refusal("eve", "viewer", never)).toBeNull();
    expect(await roles.refusal("eve", "operator", never)).not.toBeNull();
    expect(await roles.refusal("anna", "viewer", never)).not.toBeNull();
    expect([roles.isNamed("aNN"), roles.isNamed("ben"), roles.asked()]).toEqual([true, false, 0]);
  });

  test("members of a team, as the forge says at that moment", async () => {
    const roles: ForgeRoles = { operator: { people: [], teams: ["ops"] } };
    forge.teams.set("ops", ["ben"]);
    expect(await of(roles).refusal("ben", "operator", never)).toBeNull();
    expect(await of(roles).refusal("eve", "operator", never)).not.toBeNull();
    forge.teams.set("ops", []);
    expect(await of(roles).refusal("ben", "operator", never)).not.toBeNull();
  });

  test("a forge that cannot be asked lets nobody through", async () => {
    const failing = createFakeForge();
    failing.fail(new Error("502"));
    const roles = { operator: { people: [], teams: ["ops"] } };
    await expect(
      entitlementOf(failing, { ...POLICY, roles }).refusal("ben", "operator", never),
    ).rejects.toThrow("502");
  });
});
