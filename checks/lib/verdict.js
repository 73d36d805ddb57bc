/** How a check says what it found: one line per problem, then one line with the result; exit 0 means met. */

const PROBLEMS_SHOWN_MAX = 40;

export function conclude(problems, summary) {
  for (const problem of problems.slice(0, PROBLEMS_SHOWN_MAX)) process.stdout.write(`- ${problem}\n`);
  if (problems.length > PROBLEMS_SHOWN_MAX) {
    process.stdout.write(`- and ${problems.length - PROBLEMS_SHOWN_MAX} more\n`);
  }
  process.stdout.write(`${problems.length === 0 ? "met" : `unmet (${problems.length})`}: ${summary}\n`);
  process.exitCode = problems.length === 0 ? 0 : 1;
}
