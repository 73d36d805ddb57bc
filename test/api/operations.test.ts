import { describe, expect, it } from "vitest";
import { z } from "zod";
import { toProgram, toWire } from "../../src/api/casing.ts";
import { jsonSchemaOf } from "../../src/api/json-schema.ts";
import type { Operation } from "../../src/api/operations/operation.ts";
import { OPERATION_NAMES, OPERATIONS } from "../../src/api/operations/table.ts";
import { smallPlane } from "../support/control-plane.ts";
import { OLGA } from "../support/operator.ts";

const ALL: readonly (readonly [string, Operation])[] = Object.entries(OPERATIONS);

describe("the table of operations", () => {
  it("has one way to each: method and path are its own, and every field of a path is one of the input", () => {
    const ways = ALL.map(([, { kind, path }]) => `${kind} ${path}`);
    expect(new Set(ways).size).toBe(ways.length);
    for (const [name, { path, input }] of ALL) {
      const fields = [...path.matchAll(/\{(\w+)\}/g)].map(([, field]) => field);
      expect(Object.keys(input.shape), name).toEqual(expect.arrayContaining(fields));
    }
  });

  it("lets nobody order who may only look", () => {
    for (const [name, { kind, access }] of ALL)
      if (kind === "order") expect([name, access]).not.toEqual([name, "viewer"]);
  });

  it("says of each in whole sentences what it does", () => {
    for (const [name, { summary }] of ALL) expect(summary, name).toMatch(/^[A-Z][^\n]+\.$/);
  });

  it("declares every field in snake_case, and refuses what it does not declare", () => {
    for (const [name, { input, output }] of ALL) {
      for (const io of ["input", "output"] as const)
        for (const schema of [input, output])
          expect(fieldsOf(z.toJSONSchema(schema, { io, unrepresentable: "any" })), name).toEqual([]);
      expect(input.safeParse({ not_a_field: 1 }).success, name).toBe(false);
    }
  });

  it("has all that a program needs to offer it as a tool: a name, a text, and schemas of objects", () => {
    const tools = ALL.map(([name, operation]) => toolOf(name, operation));
    expect(tools.map(({ name }) => name)).toEqual([...OPERATION_NAMES]);
    for (const tool of tools) {
      expect(tool.name).toMatch(/^[a-zA-Z][\w-]{0,63}$/);
      expect([tool.inputSchema.type, tool.outputSchema.type]).toEqual(["object", "object"]);
    }
    expect(tools.find(({ name }) => name === "kill")).toMatchObject({
      description: expect.stringMatching(/^Ends a mission and its instance\./),
      annotations: { readOnlyHint: false },
      inputSchema: {
        required: ["name"],
        additionalProperties: false,
        properties: {
          name: { type: "string", description: "Name of a mission or of a clone." },
          now: { type: "boolean", default: false },
        },
      },
    });
  });
});

/** A tool of the Model Context Protocol, revision 2025-06-18. */
function toolOf(name: string, { kind, summary, input, output }: Operation) {
  return {
    name,
    description: summary,
    inputSchema: z.toJSONSchema(input, { io: "input", unrepresentable: "any" }),
    outputSchema: z.toJSONSchema(output, { io: "output", unrepresentable: "any" }),
    annotations: { readOnlyHint: kind === "look" },
  };
}

/** Names of declared fields that are not in snake_case, at any depth. */
function fieldsOf(schema: unknown): string[] {
  if (typeof schema !== "object" || schema === null) return [];
  const { properties = {} } = schema as { properties?: object };
  const wrong = Object.keys(properties).filter((field) => !/^[a-z][a-z0-9]*(_[a-z0-9]+)*$/.test(field));
  return [...wrong, ...Object.values(schema).flatMap(fieldsOf)];
}

describe("the translation between wire and program", () => {
  it.each([
    ["fleet", {}],
    ["mission", { name: "audit" }],
    ["clone", { name: "alpha" }],
    ["why", { name: "audit" }],
    ["inbox", {}],
    ["guardrails", {}],
    ["events", {}],
    ["actions", { name: "audit", limit: 1 }],
    ["deadLetters", {}],
    ["killSwitch", {}],
  ] as const)("gives back what it was given: %s", async (name, input) => {
    const view: unknown = await smallPlane().operations[name](input as never, OLGA);
    const { output } = OPERATIONS[name];
    const sent: unknown = JSON.parse(JSON.stringify(toWire(jsonSchemaOf(output), view)));
    expect(output.safeParse(sent)).toMatchObject({ success: true });
    expect(toProgram(jsonSchemaOf(output), sent)).toEqual(view);
  });

  it("renames fields, and neither keys that are data nor documents nor recorded events", () => {
    const { events, scorecards, decide } = OPERATIONS;
    const event = { type: "hold.released", missionId: "m_1", under_score: 1 };
    const stored = { missionId: "m_1", prevHash: "0", event };
    expect(toWire(jsonSchemaOf(events.output), { events: [stored] })).toEqual({
      events: [{ mission_id: "m_1", prev_hash: "0", event }],
    });
    expect(
      toWire(jsonSchemaOf(scorecards.output), { now: { incidentsByClass: { duplicate_action: 1 } } }),
    ).toEqual({
      now: { incidents_by_class: { duplicate_action: 1 } },
    });
    const raised = { id: "x", decision: "raise", budget: { max_cost_usd: 8 } };
    expect(toProgram(jsonSchemaOf(decide.input), raised)).toEqual(raised);
  });
});
