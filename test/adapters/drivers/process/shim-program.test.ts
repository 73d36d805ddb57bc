/** What a shim is started from: the bundle, made once for a checkout, and the source where it cannot be made. */
import { execFile, execFileSync, spawnSync } from "node:child_process";
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { builtinModules } from "node:module";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { defaultShimCommand } from "../../../../src/adapters/drivers/process/shim-program.ts";
import { bundleOfCheckout } from "../../../../tools/bundle-shim.ts";

const TOOL = join(import.meta.dirname, "../../../../tools/bundle-shim.ts");

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "factory-bundle-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const nowhere = (): string => {
  throw new Error("there is no other place");
};

describe("the shim of a checkout", () => {
  it("is one file that needs nothing but Node", async () => {
    const [node, ...args] = await defaultShimCommand();
    const program = args.at(-1) ?? "";
    expect(basename(program)).toBe("main.cjs");
    const LATER = ["./main-call-cost.cjs", "./main-usage-tap.cjs"];
    for (const name of ["main.cjs", "tools-main.cjs", "door-main.cjs", ...LATER]) {
      const text = readFileSync(join(dirname(program), name), "utf8");
      const needed = [...text.matchAll(/require\("([^"]+)"\)/g)].map(
        ([, to]) => to?.replace(/^node:/, "") ?? "",
      );
      // What only a gateway needs lies beside it, and is loaded by one.
      const beside = name === "main.cjs" ? LATER : ["./main.cjs"];
      expect(needed.filter((to) => !builtinModules.includes(to) && !beside.includes(to))).toEqual([]);
      // It would load an HTTP client of which nothing is used.
      expect(text).not.toMatch(/^import /m);
    }
    // Nothing of this process's environment: Node warns of what it finds there, such as certificates that it cannot read.
    const started = spawnSync(node, [...args, join(folder, "nowhere")], {
      input: "",
      encoding: "utf8",
      env: {},
    });
    expect([started.status, started.stderr]).toEqual([
      64,
      "factory-shim: the launch settings did not arrive whole\n",
    ]);
  });

  it("lies in a folder of ours alone", async () => {
    const program = (await defaultShimCommand()).at(-1) ?? "";
    const { mode, uid } = statSync(dirname(dirname(program)));
    expect([mode & 0o777, uid]).toEqual([0o700, process.getuid?.()]);
  });

  it("is made in the user's own cache where the checkout is somebody else's, and nowhere that others may write to", async () => {
    const file = join(folder, "file");
    writeFileSync(file, "");
    const home = join(folder, "home");
    mkdirSync(home, { mode: 0o755 });
    const ask = (cache: string): string => {
      const code = `import { bundleOfCheckout } from ${JSON.stringify(TOOL)}; console.log(await bundleOfCheckout(${JSON.stringify(cache)}));`;
      const env = { ...process.env, HOME: home, XDG_CACHE_HOME: "" };
      return execFileSync(process.execPath, ["--input-type=module", "--eval", code], {
        env,
        encoding: "utf8",
      }).trim();
    };
    const made = ask(join(file, "cache"));
    expect(dirname(made)).toBe(join(home, ".cache/ua-factory"));
    expect(statSync(dirname(made)).mode & 0o777).toBe(0o700);
    chmodSync(home, 0o777);
    expect(ask(join(file, "cache"))).toBe("null");
  });

  it("is made once, however many processes ask at the same time", async () => {
    const cache = join(folder, "cache");
    const ask = `import { bundleOfCheckout } from ${JSON.stringify(TOOL)}; console.log(await bundleOfCheckout(${JSON.stringify(cache)}));`;
    const asking = Array.from({ length: 3 }, () =>
      promisify(execFile)(process.execPath, ["--input-type=module", "--eval", ask]),
    );
    const answers = (await Promise.all(asking)).map(({ stdout }) => stdout.trim());
    expect(new Set(answers).size).toBe(1);
    expect(readdirSync(cache)).toEqual([basename(answers[0] ?? "")]);
    expect(readdirSync(answers[0] ?? "").sort()).toEqual([
      "door-main.cjs",
      "main-call-cost.cjs",
      "main-usage-tap.cjs",
      "main.cjs",
      "tools-main.cjs",
    ]);
    const { mtimeMs } = statSync(join(answers[0] ?? "", "main.cjs"));
    expect(await bundleOfCheckout(cache)).toBe(answers[0]);
    expect(statSync(join(answers[0] ?? "", "main.cjs")).mtimeMs).toBe(mtimeMs);
  });

  it("is not taken from a folder that others can write", async () => {
    const cache = join(folder, "cache");
    expect(await bundleOfCheckout(cache)).not.toBeNull();
    chmodSync(cache, 0o770);
    expect(await bundleOfCheckout(cache, nowhere)).toBeNull();
  });

  it("is not made where nothing can be written", async () => {
    const file = join(folder, "file");
    writeFileSync(file, "");
    expect(await bundleOfCheckout(join(file, "cache"), nowhere)).toBeNull();
  });
});
