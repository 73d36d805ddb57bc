import { join } from "node:path";
import { createGitSource } from "../../../src/adapters/git/source.ts";
import type { Source } from "../../../src/ports/source.ts";
import { type SourceUnderTest, sourceContract } from "../../contract/source.ts";
import { createFakeSource, type FakeSource } from "../../support/fake/source.ts";
import { createOrigin, createScratch } from "../../support/git.ts";
import { serveGit } from "../../support/git-server.ts";

sourceContract({ name: "git, bare path", newSource: () => overGit({}) });
sourceContract({
  name: "git, sha256, file://",
  newSource: () => overGit({ objectFormat: "sha256", scheme: "file://" }),
});
sourceContract({ name: "git, http", newSource: () => overGit({ http: true }) });
sourceContract({ name: "fake", newSource: async () => overMemory() });

interface Variant {
  readonly objectFormat?: "sha256";
  readonly scheme?: string;
  readonly http?: boolean;
}

async function overGit(variant: Variant): Promise<SourceUnderTest> {
  const scratch = await createScratch("git-source");
  const { objectFormat } = variant;
  const origin = await createOrigin({
    directory: scratch.path,
    ...(objectFormat === undefined ? {} : { objectFormat }),
  });
  const server = variant.http === true ? await serveGit({ root: scratch.path }) : null;
  const url = server?.url(origin.path) ?? `${variant.scheme ?? ""}${origin.path}`;
  const open = () => createGitSource({ url, branch: "main", directory: join(scratch.path, "mirror") });
  let source: Source = open();
  return {
    source,
    commit: (files, options) => origin.commit(files, options),
    deleteBranch: () => origin.deleteBranch("main"),
    down: async () =>
      server === null ? await origin.vanish() : server.setFault(() => ({ type: "status", status: 503 })),
    up: async () => (server === null ? await origin.reappear() : server.setFault(null)),
    async restart() {
      await source.close();
      source = open();
      return source;
    },
    ...(server === null
      ? {}
      : {
          questions() {
            // One listing of refs is two requests of protocol version 2.
            const posts = server.requests.filter((request) => request.method === "POST").length;
            server.forget();
            return posts;
          },
        }),
    async dispose() {
      await source.close();
      await server?.close();
      await scratch.remove();
    },
  };
}

function overMemory(): SourceUnderTest {
  const source: FakeSource = createFakeSource();
  let asked = 0;
  return {
    source,
    commit: async (files, options) =>
      options?.parent === null ? source.rewrite(files) : source.commit(files),
    deleteBranch: async () => source.deleteBranch(),
    down: async () => source.fail("Unreachable"),
    up: async () => source.fail(null),
    restart: async () => source.restart(),
    questions() {
      const since = source.questions - asked;
      asked = source.questions;
      return since;
    },
    dispose: () => source.close(),
  };
}
