import { execFile } from "node:child_process";
import { cpSync, existsSync, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { ROOT } from "../cli/support.ts";

/** What git has of this checkout, committed or not, without what it ignores. */
export async function copyProgram(target: string): Promise<void> {
  const run = promisify(execFile);
  const { stdout } = await run(
    "git",
    ["-c", "safe.directory=*", "ls-files", "-z", "-co", "--exclude-standard"],
    {
      cwd: ROOT,
      maxBuffer: 64 * 1024 * 1024,
    },
  );
  const wanted = stdout
    .split("\0")
    .filter((path) =>
      /^(src|tools|schemas|specs)\/|^(package|package-lock)\.json$|^action\.yml$|^\.github\/actions\//.test(
        path,
      ),
    );
  for (const path of wanted) {
    if (!existsSync(join(ROOT, path))) continue;
    mkdirSync(dirname(join(target, path)), { recursive: true });
    cpSync(join(ROOT, path), join(target, path));
  }
}
