import { afterEach, beforeEach, expect, test } from "vitest";
import { createOrigin, createScratch, git, type Scratch } from "./git.ts";
import { serveGit } from "./git-server.ts";

let scratch: Scratch;
beforeEach(async () => {
  scratch = await createScratch();
});
afterEach(() => scratch.remove());

test("an origin has the same history on every machine", async () => {
  const origin = await createOrigin({ directory: scratch.path });
  const first = await origin.commit({ "fleet.yaml": "a\n", "bin/run": { executable: "#!/bin/sh\n" } });
  const second = await origin.commit({ "fleet.yaml": null, 'odd "name"\n': "x", link: { link: "bin/run" } });
  expect(await origin.log()).toEqual([second, first]);
  expect(first).toBe("6b2b6d2301b7f7e276d2366459a67147b0227eb6");
  expect(Object.fromEntries(await origin.files())).toEqual({
    "bin/run": "#!/bin/sh\n",
    link: "bin/run",
    'odd "name"\n': "x",
  });
  const rewritten = await origin.commit({ "fleet.yaml": "b\n" }, { parent: null });
  expect(await origin.log()).toEqual([rewritten]);
  expect([...(await origin.files()).keys()]).toEqual(["fleet.yaml"]);
});

test("the server clones and takes pushes, asks for a password, counts and breaks", async () => {
  const origin = await createOrigin({ directory: scratch.path });
  const head = await origin.commit({ "fleet.yaml": "a\n" });
  const server = await serveGit({ root: scratch.path, basicAuth: { user: "bot", password: "s3cret" } });
  try {
    await expect(git(scratch.path, ["ls-remote", server.url(origin.path)])).rejects.toThrow(
      /could not read Username/,
    );
    const url = server.url(origin.path).replace("http://", "http://bot:s3cret@");
    server.forget();
    await git(scratch.path, ["clone", "-q", url, "work"]);
    expect(new Set(server.requests.map((request) => request.service))).toEqual(new Set(["git-upload-pack"]));
    await git(`${scratch.path}/work`, ["push", "-q", "origin", "HEAD:refs/heads/other"]);
    expect(await origin.head("other")).toBe(head);
    server.setFault(() => ({ type: "status", status: 503 }));
    await expect(git(scratch.path, ["ls-remote", url])).rejects.toThrow(/503/);
    server.setFault(() => ({ type: "reset" }));
    await expect(git(scratch.path, ["ls-remote", url])).rejects.toThrow(/Empty reply|reset/);
    server.setFault((request) =>
      request.service === "git-receive-pack" && request.method === "POST" ? { type: "lose-answer" } : null,
    );
    await expect(
      git(`${scratch.path}/work`, ["push", "-q", "origin", "HEAD:refs/heads/third"]),
    ).rejects.toThrow();
    expect(await origin.head("third")).toBe(head);
  } finally {
    await server.close();
  }
});
