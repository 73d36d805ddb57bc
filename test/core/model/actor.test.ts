import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type Actor,
  actorText,
  CONTROLLER_PARTS,
  isActor,
  isHuman,
  mayBeSame,
  operator,
  parseActor,
  provenNames,
  repositoryAt,
  SUPERVISOR,
  upgradeActor,
} from "../../../src/core/model/actor.ts";

const word = fc.stringMatching(/^[A-Za-z0-9._-]{1,20}$/);
const name = fc.array(word, { minLength: 1, maxLength: 3 }).map((words) => words.join(" "));

const anyActor: fc.Arbitrary<Actor> = fc.oneof(
  fc.record(
    {
      type: fc.constant("person" as const),
      name,
      login: word,
      email: word.map((one) => `${one}@example.org`),
      via: fc.nat().map((n) => `https://forge.example/acme/fleet/issues/7#issuecomment-${n}`),
    },
    { requiredKeys: ["type", "name"] },
  ),
  fc.record({ type: fc.constant("operator" as const), name }),
  fc.record({
    type: fc.constant("instance" as const),
    clone: word,
    epoch: fc.option(fc.integer({ min: 1, max: 1e9 }), { nil: null }),
  }),
  fc.record({ type: fc.constant("controller" as const), part: fc.constantFrom(...CONTROLLER_PARTS) }),
  fc.record({
    type: fc.constant("repository" as const),
    commit: fc.option(fc.stringMatching(/^[0-9a-f]{40}$/), { nil: null }),
  }),
);

describe("an actor", () => {
  test("is the same after its text was read", () => {
    fc.assert(
      fc.property(anyActor, (actor) => {
        expect(parseActor(actorText(actor))).toEqual(actor);
        expect(isActor(actor)).toBe(true);
        expect(upgradeActor(actor)).toBe(actor);
      }),
    );
  });

  test("has a text of its own: no two different ones share it", () => {
    fc.assert(
      fc.property(anyActor, anyActor, (one, other) => {
        fc.pre(JSON.stringify(one) !== JSON.stringify(other));
        expect(actorText(one)).not.toBe(actorText(other));
      }),
    );
  });

  test.each([
    "",
    "ann",
    "operator:",
    "person:",
    "person:<ann@example.org>",
    "controller:nobody",
    "instance:a/0",
  ])("is not read from %j", (text) => {
    expect(parseActor(text)).toBeNull();
  });

  test.each([
    [null],
    ["operator:ann"],
    [{ type: "operator" }],
    [{ type: "operator", name: "" }],
    [{ type: "controller", part: "somebody" }],
    [{ type: "instance", clone: "a" }],
  ])("is not %j", (value) => {
    expect(isActor(value)).toBe(false);
  });
});

describe("who may be the same", () => {
  const ann = operator("ann");
  const forgeAnn: Actor = { type: "person", name: "Ann Lee", login: "ann", email: "ann@example.org" };

  test("a login and a token of one name are taken for one person, however they are spelt", () => {
    expect(mayBeSame(ann, forgeAnn)).toBe(true);
    expect(mayBeSame(operator("Ann"), ann)).toBe(true);
    expect(mayBeSame({ type: "person", name: "A", email: "ann@example.org" }, forgeAnn)).toBe(true);
    expect(mayBeSame(operator("bob"), forgeAnn)).toBe(false);
  });

  test("whoever calls himself like a clone is taken for it; the controller and the repository are nobody else", () => {
    expect(mayBeSame({ type: "instance", clone: "ann", epoch: 1 }, ann)).toBe(true);
    expect(
      mayBeSame({ type: "instance", clone: "a", epoch: 1 }, { type: "instance", clone: "a", epoch: 2 }),
    ).toBe(true);
    expect(mayBeSame(SUPERVISOR, operator("supervisor"))).toBe(false);
    expect(mayBeSame(repositoryAt("abcdef0"), repositoryAt("abcdef1"))).toBe(false);
  });

  test("only a token's name and a forge's login prove who somebody is", () => {
    expect(provenNames(ann)).toEqual(["ann"]);
    expect(provenNames(forgeAnn)).toEqual(["ann"]);
    expect(provenNames({ type: "person", name: "ann", email: "ann" })).toEqual([]);
    expect(provenNames({ type: "instance", clone: "ann", epoch: 1 })).toEqual([]);
    expect([ann, forgeAnn, SUPERVISOR, repositoryAt(null)].map(isHuman)).toEqual([true, true, false, false]);
  });
});

test.each<[string, Actor]>([
  ["operator:ann", operator("ann")],
  ["supervisor", SUPERVISOR],
  ["kill-switch", { type: "controller", part: "kill-switch" }],
  ["in_core", { type: "controller", part: "in-core" }],
  ["repository", repositoryAt(null)],
  ["ann", { type: "person", name: "ann" }],
  ["", { type: "person", name: "unknown" }],
])("a record from before that says %j means %j", (stored, actor) => {
  expect(upgradeActor(stored)).toEqual(actor);
});
