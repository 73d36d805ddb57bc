import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { mounts, type SandboxPlan, sandboxed } from "../../src/instance/sandbox.ts";

let root: string;
beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), "factory-mounts-")));
  for (const folder of ["data/workspaces/a", "data/workspaces/b", "checkout/node_modules/x", "home/bin"])
    mkdirSync(join(root, folder), { recursive: true });
  writeFileSync(join(root, "data/operator.token"), "");
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function plan(changes: Partial<SandboxPlan> = {}): SandboxPlan {
  return { hides: [], shows: [], writes: [], network: "host", scoped: false, user: null, ...changes };
}

/** What is done to each path, in order. */
function done(changes: Partial<SandboxPlan>): readonly string[] {
  const args = mounts(plan(changes), join(root, "data/workspaces/a"));
  const steps: string[] = [];
  for (let at = 0; at < args.length; at += 1) {
    const [option = "", one = "", two = ""] = args.slice(at);
    if (option === "--perms" || option === "--size") at += 1;
    else if (option === "--ro-bind" || option === "--bind" || option === "--symlink") {
      steps.push(`${option.slice(2)} ${two}`);
      at += 2;
    } else {
      steps.push(`${option.slice(2)} ${one}`);
      at += 1;
    }
  }
  return steps.filter((step) => step.includes(root) || step.endsWith(" /"));
}

describe("what an agent sees", () => {
  test("begins with a root file system that cannot be written to", () => {
    expect(done({})[0]).toBe("ro-bind /");
  });

  test("has its own workspace within what is hidden, and nothing beside it", () => {
    const steps = done({ hides: [join(root, "data")] });
    const order = [`tmpfs ${root}/data`, `bind ${root}/data/workspaces/a`, `remount-ro ${root}/data`];
    expect(steps.filter((step) => order.includes(step))).toEqual(order);
    expect(steps.join()).not.toContain("workspaces/b");
  });

  test("what lies deeper lies on top: a package within a hidden checkout", () => {
    const steps = done({
      hides: [join(root, "checkout")],
      shows: [join(root, "checkout/node_modules/x")],
    });
    expect(steps.indexOf(`tmpfs ${root}/checkout`)).toBeLessThan(
      steps.indexOf(`ro-bind ${root}/checkout/node_modules/x`),
    );
    expect(steps).toContain(`remount-ro ${root}/checkout`);
  });

  test("a hidden folder within a shown one is hidden", () => {
    const steps = done({ shows: [root], hides: [join(root, "data"), join(root, "checkout")] });
    expect(steps).toEqual(expect.arrayContaining([`tmpfs ${root}/data`, `tmpfs ${root}/checkout`]));
  });

  test("a hidden file is empty, and what is not there is passed over", () => {
    const shows = [join(root, "data")];
    const steps = done({
      shows,
      hides: [join(root, "checkout/token"), join(root, "data/operator.token")],
    });
    expect(steps).toContain(`ro-bind ${root}/data/operator.token`);
    expect(steps.join()).not.toContain("checkout/token");
  });

  test("links are followed before anything is mounted", () => {
    symlinkSync(join(root, "data"), join(root, "link"));
    expect(done({ hides: [join(root, "link")] })).toContain(`tmpfs ${root}/data`);
  });

  test("what nothing could run without is never hidden", () => {
    const args = mounts(plan({ hides: ["/", "/usr", "/etc"] }), join(root, "data/workspaces/a"));
    for (const path of ["/", "/usr", "/etc"]) expect(args.join(" ")).not.toContain(`--tmpfs ${path} `);
  });

  test("somebody else comes through folders that are closed to others", () => {
    const closed = mkdtempSync(join("/var", "factory-closed-"));
    try {
      mkdirSync(join(closed, "w"));
      chmodSync(closed, 0o700);
      const view = join(closed, "w");
      expect(mounts(plan({ user: 1_900_000_000 }), view).join(" ")).toContain(`--tmpfs ${closed} `);
      expect(mounts(plan(), view).join(" ")).not.toContain(`--tmpfs ${closed} `);
    } finally {
      rmSync(closed, { recursive: true, force: true });
    }
  });
});

describe("the command", () => {
  const command = (changes: Partial<SandboxPlan>): readonly string[] =>
    sandboxed(plan(changes), {
      workspace: join(root, "data/workspaces/a"),
      argv: ["agent", "--mission"],
      script: "init",
    });

  test("runs the agent last, and nothing of its words is read by a shell", () => {
    expect(command({}).slice(-2)).toEqual(["agent", "--mission"]);
  });

  test("has a network of its own where that is asked for", () => {
    expect(command({ network: "none" })).toContain("--unshare-net");
    expect(command({})).not.toContain("--unshare-net");
  });

  test("keeps of root's powers what is needed to give the rest up", () => {
    const words = command({ user: 1_900_000_000 });
    expect(words).toContain("--reuid");
    expect(words.filter((_, at) => words[at - 1] === "--cap-add")).toEqual([
      "CAP_SETUID",
      "CAP_SETGID",
      "CAP_SETPCAP",
      "CAP_KILL",
    ]);
    expect(command({})).not.toContain("--reuid");
  });
});
