/**
 * A test runner for Stryker that keeps the tests of the core in one process.
 *
 * Those tests are pure functions over pure functions: loaded once, they can be asked again for every mutant
 * without starting anything, which makes a run over all of `src/core` a matter of minutes. What the tests import
 * from vitest is answered by `tools/mutation-vitest.mjs`, and only as much of it as they use.
 *
 * Nothing may be left behind by one mutant that the next one meets. So a test that fails is asked once more
 * without the mutant: where it still fails, this process has lost its innocence and Stryker starts another.
 */
import { globSync } from "node:fs";
import { registerHooks } from "node:module";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { pathToFileURL } from "node:url";
import { declareClassPlugin, PluginKind } from "@stryker-mutator/api/plugin";
import { determineHitLimitReached, toMutantRunResult } from "@stryker-mutator/api/test-runner";

/**
 * Who is asked about which files: whatever is pure, and cheap enough to be asked thousands of times. Properties are
 * left out: they find what nobody thought of, at a hundred times the cost of a table. So are the golden stories, which go
 * through git and cost more than everything else together.
 */
const TESTS = [
  { tests: "test/core/*/**/*.test.ts", about: /./ },
  { tests: "test/golden/{situations,reviews}/*.test.ts", about: /./ },
  {
    tests: "test/reconciler/callbacks/actions.test.ts",
    about:
      /core\/(ledger|clone\/(conduct\/(agent-actions|lane-freeze)|questions)|check\/invariants\/actions)/,
  },
  {
    tests: "test/reconciler/notices/{outbox,dead-letter-replay}.test.ts",
    about: /core\/(notify|status\/callbacks)/,
  },
];
const STANDS_FOR_VITEST = new URL("./mutation-vitest.mjs", import.meta.url).href;
/** What counts the passes of instrumented code. Only the first run asks for that; later it would cost more than the code. */
const COUNTS = "function cover() {";

class CoreInProcess {
  /** Where instrumented code looks for its mutant and counts what it passes. */
  #world = {};
  /** In the order in which they are asked: quick ones first, once their cost is known. */
  #tests = [];

  /** Nothing has to be loaded anew: what runs only while a file is loaded is not asked (`ignoreStatic`). */
  capabilities() {
    return { reloadEnvironment: true };
  }

  async init() {
    globalThis.__stryker__ ??= {};
    this.#world = globalThis.__stryker__;
    registerHooks({
      resolve: (specifier, context, next) =>
        specifier === "vitest" ? { url: STANDS_FOR_VITEST, shortCircuit: true } : next(specifier, context),
      load: (url, context, next) => {
        const loaded = next(url, context);
        if (!url.includes("/src/core/") || loaded.source == null) return loaded;
        const source = String(loaded.source);
        return {
          ...loaded,
          source: source.replace(COUNTS, `${COUNTS} if (ns.activeMutant !== undefined) return;`),
        };
      },
    });
    const { collect } = await import(STANDS_FOR_VITEST);
    for (const { tests, about } of TESTS) {
      for (const file of globSync(tests).sort()) {
        const path = join(process.cwd(), file);
        for (const { name, run } of await collect(() => import(pathToFileURL(path).href)))
          this.#tests.push({ id: `${file}#${name}`, name, file: path, about, run, costMs: 0 });
      }
    }
  }

  async dryRun() {
    this.#world.activeMutant = undefined;
    this.#world.hitCount = undefined;
    const results = [];
    for (const test of this.#tests) {
      this.#world.currentTestId = test.id;
      results.push(await outcome(test));
      this.#world.currentTestId = undefined;
    }
    this.#tests.sort((one, other) => one.costMs - other.costMs);
    return { status: "complete", tests: results, mutantCoverage: this.#world.mutantCoverage };
  }

  async mutantRun({ activeMutant, mutantActivation, testFilter, hitLimit }) {
    if (mutantActivation === "static")
      throw new Error("set `ignoreStatic`: tests are loaded once, before any mutant");
    this.#world.mutantCoverage = undefined;
    const wanted = testFilter && new Set(testFilter);
    this.#world.hitCount = hitLimit === undefined ? undefined : 0;
    this.#world.hitLimit = hitLimit;
    const results = [];
    for (const test of this.#tests) {
      if (!test.about.test(activeMutant.fileName) || wanted?.has(test.id) === false) continue;
      this.#world.activeMutant = activeMutant.id;
      const result = await outcome(test);
      this.#world.activeMutant = undefined;
      const limit = determineHitLimitReached(this.#world.hitCount, hitLimit);
      if (limit !== undefined) return toMutantRunResult(limit);
      results.push(result);
      if (result.status === 0) continue;
      this.#world.hitCount = undefined;
      const again = await outcome(test);
      if (again.status !== 0) throw new Error(`${test.id} fails without a mutant: ${again.failureMessage}`);
      break;
    }
    return toMutantRunResult({ status: "complete", tests: results });
  }

  async dispose() {}
}

/** `status` as Stryker counts: 0 passed, 1 failed. */
async function outcome(test) {
  const startedAt = performance.now();
  const facts = { id: test.id, name: test.name, fileName: test.file };
  try {
    await test.run();
    return { ...facts, status: 0, timeSpentMs: spent() };
  } catch (error) {
    return { ...facts, status: 1, timeSpentMs: spent(), failureMessage: String(error?.message ?? error) };
  }
  function spent() {
    test.costMs = performance.now() - startedAt;
    return test.costMs;
  }
}

export const strykerPlugins = [declareClassPlugin(PluginKind.TestRunner, "core-in-process", CoreInProcess)];
