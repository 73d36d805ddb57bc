/** What each role may ask: by the table, over every route. */
import { expect, test } from "vitest";
import { buildApp } from "../../../src/adapters/http/app.ts";
import { OPERATION_NAMES, OPERATIONS } from "../../../src/api/operations/table.ts";
import { ROLES, type Role } from "../../../src/core/model/role.ts";
import { silentLog } from "../../../src/ports/log.ts";
import { ALPHA_TOKEN, smallPlane } from "../../support/control-plane.ts";

function appFor(named = true) {
  const plane = smallPlane();
  const byToken = plane.authenticate;
  const app = buildApp({
    controlPlane: {
      ...plane,
      authenticate: (token) =>
        ROLES.some((role) => role === token)
          ? { type: "operator", actor: `${token}-person`, role: token as Role, named }
          : byToken(token),
    },
    log: silentLog,
    boundHost: null,
    allowedHosts: [],
    connections: { connectionsMax: 10, unprovenMs: 10_000 },
    closing: () => false,
  });
  const ask = (
    name: (typeof OPERATION_NAMES)[number],
    token: string,
    headers: Record<string, string> = {},
  ) => {
    const { kind, path } = OPERATIONS[name];
    return app.inject({
      method: kind === "look" ? "GET" : "POST",
      url: path.replaceAll(/\{\w+\}/g, "audit"),
      headers: { authorization: `Bearer ${token}`, host: "localhost", ...headers },
    });
  };
  return { plane, ask, app };
}

test.each(ROLES)("a %s may ask what its role and those before it may, and nothing else", async (role) => {
  const { ask } = appFor();
  for (const name of OPERATION_NAMES) {
    const allowed = ROLES.indexOf(role) >= ROLES.indexOf(OPERATIONS[name].access);
    const answer = await ask(name, role);
    expect([name, answer.statusCode === 403]).toEqual([name, !allowed]);
    if (!allowed) expect(answer.json().detail).toContain(`takes the role ${OPERATIONS[name].access}`);
  }
});

test("looking takes a viewer, stopping an operator, deciding an approver, saying who may an admin", () => {
  const by = (role: Role) => OPERATION_NAMES.filter((name) => OPERATIONS[name].access === role);
  expect(by("approver").sort()).toEqual(["decide", "decideClosure", "releaseKillSwitch", "review"]);
  expect(by("admin").sort()).toEqual(["allowRewrite", "createToken", "revokeToken", "tokens"]);
  expect(by("operator")).toEqual(expect.arrayContaining(["pause", "kill", "engageKillSwitch"]));
  expect(by("viewer")).toEqual(
    OPERATION_NAMES.filter((name) => OPERATIONS[name].kind === "look" && name !== "tokens"),
  );
});

test("an instance's token is no person's, whatever it asks", async () => {
  const { ask } = appFor();
  for (const name of OPERATION_NAMES)
    expect([name, (await ask(name, ALPHA_TOKEN)).statusCode]).toEqual([name, 403]);
});

test("whose token it is, is recorded, whatever they call themselves; with a shared token it is what they say", async () => {
  const named = appFor();
  await named.ask("pause", "operator", { "x-factory-actor": "somebody-else" });
  expect(named.plane.decided.map(({ actor }) => actor)).toEqual(["operator-person"]);
  const shared = appFor(false);
  await shared.ask("pause", "admin", { "x-factory-actor": "somebody-else" });
  expect(shared.plane.decided.map(({ actor }) => actor)).toEqual(["somebody-else"]);
});
