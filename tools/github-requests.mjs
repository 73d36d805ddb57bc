/**
 * Takes out of GitHub's official description what requests of ours have to look like, and writes it where the
 * tests' stand-in checks every request against it. The description itself is 70 MB: it is fetched when this list
 * changes, into any folder, and is no dependency.
 *
 *   npm install --prefix /tmp/openapi @octokit/openapi@23.0.2
 *   node tools/github-requests.mjs /tmp/openapi/node_modules/@octokit/openapi/generated/api.github.com.deref.json
 */
import { readFileSync, writeFileSync } from "node:fs";

/** Every request that `src/adapters/forge/github` sends. */
const OPERATIONS = [
  "users/get-authenticated",
  "apps/get-authenticated",
  "apps/get-repo-installation",
  "apps/create-installation-access-token",
  "pulls/list",
  "pulls/get",
  "pulls/list-reviews",
  "pulls/list-commits",
  "issues/list-comments",
  "issues/create-comment",
  "issues/update-comment",
  "issues/delete-comment",
  "issues/list-for-repo",
  "issues/create",
  "issues/update",
  "issues/get",
  "issues/list-comments-for-repo",
  "reactions/create-for-issue-comment",
  "checks/list-for-ref",
  "checks/create",
  "checks/update",
  "repos/list-commit-statuses-for-ref",
  "repos/create-commit-status",
  "repos/get-collaborator-permission-level",
  "repos/list-pull-requests-associated-with-commit",
  "teams/get-membership-for-user-in-org",
  "pulls/create",
  "pulls/update",
  "issues/list-labels-on-issue",
  "issues/add-labels",
  "issues/remove-label",
  "issues/get-label",
  "issues/create-label",
  "git/list-matching-refs",
];

/** For people, and of no use to a validator. */
const UNUSED = new Set(["description", "example", "examples", "summary", "title"]);

const source = process.argv[2];
if (source === undefined) throw new Error("name the file api.github.com.deref.json of @octokit/openapi");
const { info, paths } = JSON.parse(readFileSync(source, "utf8"));
const found = {};
for (const [path, methods] of Object.entries(paths))
  for (const [method, operation] of Object.entries(methods))
    if (OPERATIONS.includes(operation.operationId))
      found[operation.operationId] = {
        method: method.toUpperCase(),
        path,
        parameters: (operation.parameters ?? [])
          .filter((one) => one.in === "query" || one.in === "path")
          .map((one) => ({
            name: one.name,
            in: one.in,
            required: one.required === true,
            schema: plain(one.schema),
          })),
        body: plain(operation.requestBody?.content?.["application/json"]?.schema ?? null),
        bodyRequired: operation.requestBody?.required === true,
      };
const missing = OPERATIONS.filter((name) => found[name] === undefined);
if (missing.length > 0) throw new Error(`the description has no ${missing.join(", ")}`);
const operations = Object.fromEntries(OPERATIONS.map((name) => [name, found[name]]));
const target = new URL("../test/support/forge/github-requests.json", import.meta.url);
writeFileSync(target, `${JSON.stringify({ version: info.version, operations }, null, 1)}\n`);
process.stdout.write(`${OPERATIONS.length} operations\n`);

/** Without prose; `nullable` as JSON Schema says it. */
function plain(schema) {
  if (Array.isArray(schema)) return schema.map(plain);
  if (schema === null || typeof schema !== "object") return schema;
  const kept = {};
  for (const [key, value] of Object.entries(schema)) {
    if (key === "properties")
      kept.properties = Object.fromEntries(Object.entries(value).map(([name, one]) => [name, plain(one)]));
    else if (!UNUSED.has(key) && !key.startsWith("x-") && key !== "nullable") kept[key] = plain(value);
  }
  return schema.nullable === true && typeof kept.type === "string"
    ? { ...kept, type: [kept.type, "null"] }
    : kept;
}
