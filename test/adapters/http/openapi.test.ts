import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { describe, expect, it } from "vitest";
import { allRoutes } from "../../../src/adapters/http/app.ts";
import { cloudEvent, smallPlane, wireEvent, wireHeartbeat } from "../../support/control-plane.ts";
import { testApp } from "./app.ts";

interface Operation {
  readonly operationId: string;
  readonly summary: string;
  readonly security: Record<string, never[]>[];
  readonly parameters: { name: string; in: string; required: boolean; schema: object }[];
  readonly requestBody?: { required: boolean; content: Record<string, { schema: object }> };
  readonly responses: Record<string, { description: string; content?: Record<string, { schema: object }> }>;
}
interface Document {
  readonly openapi: string;
  readonly info: { title: string; version: string };
  readonly paths: Record<string, Record<string, Operation>>;
  readonly components: { schemas: Record<string, object>; securitySchemes: Record<string, object> };
}

async function served(): Promise<Document> {
  return (await testApp().inject({ url: "/openapi.json" })).json();
}

/** A validator for a named schema, or one at a JSON pointer, resolving references inside of the document. */
async function validator(name: string): Promise<(value: unknown) => boolean> {
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  (addFormats as unknown as (ajv: Ajv2020) => void)(ajv);
  ajv.addSchema({ $id: "factory", ...(await served()) });
  const at = name.startsWith("/") ? name : `/components/schemas/${name}`;
  return (value) => ajv.validate({ $ref: `factory#${at}` }, value);
}

describe("/openapi.json", () => {
  it("describes every route, and nothing else", async () => {
    const { openapi, info, paths } = await served();
    expect([openapi, info.version]).toEqual(["3.1.0", "1.2.3"]);
    const described = Object.entries(paths).flatMap(([path, operations]) =>
      Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`),
    );
    const routes = allRoutes(smallPlane()).map(({ method, path }) => `${method} ${path}`);
    expect(described.toSorted()).toEqual(routes.toSorted());
    expect(described.length).toBeGreaterThan(20);
  });

  it("is well formed: unique operations, declared parameters, answers with descriptions, references that lead somewhere", async () => {
    const document = await served();
    const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.values(methods).map((operation) => ({ path, ...operation })),
    );
    expect(new Set(operations.map(({ operationId }) => operationId)).size).toBe(operations.length);
    for (const { path, parameters, responses, security, summary } of operations) {
      expect(summary).not.toBe("");
      const inPath = parameters.filter((one) => one.in === "path");
      expect(inPath.map(({ name }) => `{${name}}`)).toEqual(path.match(/\{\w+\}/g) ?? []);
      expect(inPath.every(({ required }) => required)).toBe(true);
      expect(Object.values(responses).every(({ description }) => description !== "")).toBe(true);
      expect(Object.keys(responses)).toContain("default");
      for (const scheme of security.flatMap((one) => Object.keys(one))) {
        expect(document.components.securitySchemes).toHaveProperty(scheme);
      }
    }
    const text = JSON.stringify(document);
    const references = new Set([...text.matchAll(/"\$ref":"([^"]+)"/g)].map(([, target]) => target));
    expect(references.size).toBeGreaterThan(15);
    for (const target of references) {
      expect(target).toMatch(/^#\/components\/schemas\//);
      expect(document.components.schemas).toHaveProperty([String(target).split("/").at(-1) ?? ""]);
    }
    for (const schema of Object.values(document.components.schemas)) {
      expect(new Ajv2020({ strict: false }).validateSchema(schema)).toBe(true);
    }
  });

  it("has schemas that fit what is served", async () => {
    const app = testApp();
    const answers: [string, string][] = [
      ["/v1/fleet", "FleetView"],
      ["/v1/missions/audit", "MissionView"],
      ["/v1/clones/alpha", "CloneView"],
      ["/v1/subjects/audit/why", "WhyView"],
      ["/v1/guardrails", "GuardrailsView"],
      ["/v1/kill-switch", "KillSwitch"],
      ["/healthz", "Liveness"],
      ["/readyz", "Readiness"],
      ["/v1/missions/nobody", "Problem"],
      ["/v1/events?limit=0", "Problem"],
    ];
    for (const [url, name] of answers) {
      const body = (await app.get(url)).json();
      expect([name, (await validator(name))(body)]).toEqual([name, true]);
    }
  });

  it("has schemas that fit what is sent, and refuse what is refused", async () => {
    const fits = await validator("CloudEvent");
    expect(fits(cloudEvent(wireEvent(1)))).toBe(true);
    expect(fits(cloudEvent(wireHeartbeat(1)))).toBe(true);
    expect(fits(cloudEvent(wireEvent(0)))).toBe(false);
    expect(fits(cloudEvent(wireEvent(1), { specversion: "0.3" }))).toBe(false);
    const kill = await validator(
      "/paths/~1v1~1subjects~1%7Bname%7D~1kill/post/requestBody/content/application~1json/schema",
    );
    expect(kill({ now: true })).toBe(true);
    expect(kill({})).toBe(true);
    expect(kill({ now: "yes" })).toBe(false);
    expect(kill({ name: "x" })).toBe(false);
  });
});
