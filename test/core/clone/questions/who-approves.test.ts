/** "Somebody else" is somebody who is proven to be somebody else, or it is said that nobody can tell. */
import { expect, test } from "vitest";
import { whyNotApprover } from "../../../../src/core/clone/questions/requests.ts";
import { type Actor, mayBeSame, namedOperator, operator } from "../../../../src/core/model/actor.ts";
import type { Request } from "../../../../src/core/model/request.ts";

const asked = (requestedBy: Actor) => ({ requestedBy, barred: [], approvers: [] }) as unknown as Request;

test.each<[what: string, a: Actor, b: Actor, same: boolean]>([
  ["two people with tokens of their own", namedOperator("ann"), namedOperator("bob"), false],
  ["one person with two tokens", namedOperator("ann"), namedOperator("Ann"), true],
  ["a person, and somebody with the shared token", namedOperator("ann"), operator("bob"), true],
  [
    "a person's account on a forge, and their token",
    { type: "person", name: "A", login: "ann" },
    namedOperator("ann"),
    true,
  ],
  ["two names with one shared token: told apart by what was said", operator("ann"), operator("bob"), false],
])("%s", (_, a, b, same) => {
  expect([mayBeSame(a, b), mayBeSame(b, a)]).toEqual([same, same]);
});

test("who may be the one that asked does not approve, and is told why", () => {
  expect(whyNotApprover(asked(namedOperator("ann")), namedOperator("bob"))).toBeNull();
  expect(whyNotApprover(asked(namedOperator("ann")), namedOperator("ann"))).toMatch(/another person/);
  expect(whyNotApprover(asked(operator("ann")), namedOperator("bob"))).toMatch(
    /bob cannot be told from ann.*shared token, which proves no name/,
  );
  expect(whyNotApprover(asked(namedOperator("ann")), operator("bob"))).toMatch(/cannot be told from ann/);
});
