// Prints as fast as it can: plain lines, endless lines and progress.
const plain = `${"x".repeat(200)}\n`.repeat(200);
const endless = "y".repeat(200_000);
let n = 0;
function more() {
  n += 1;
  const progress = Array.from({ length: 100 }, (_, i) =>
    JSON.stringify({ type: "progress", summary: `step ${n}.${i}` }),
  );
  const blocked = Array.from({ length: 10 }, () =>
    JSON.stringify({ type: "blocked", reason: `reason ${n}` }),
  );
  const text = `${plain}${n % 10 === 0 ? endless : ""}\n${[...progress, ...blocked].join("\n")}\n`;
  if (process.stdout.write(text)) setImmediate(more);
  else process.stdout.once("drain", more);
}
more();
