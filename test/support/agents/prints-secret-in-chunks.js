// Prints its secret whole, in two halves a moment apart, encoded, in an event and on standard error.
const secret = process.env.API_KEY;
const half = Math.floor(secret.length / 2);
const pause = () => new Promise((resolve) => setTimeout(resolve, 30));
process.stdout.write(`whole ${secret} end\n`);
process.stdout.write(`halves ${secret.slice(0, half)}`);
await pause();
process.stdout.write(`${secret.slice(half)} end\n`);
process.stdout.write(`base64 ${Buffer.from(`user:${secret}`).toString("base64")} end\n`);
process.stdout.write(`url ${encodeURIComponent(secret)} end\n`);
process.stderr.write(`stderr ${secret.slice(0, half)}`);
await pause();
process.stderr.write(`${secret.slice(half)} end\n`);
console.log(JSON.stringify({ type: "progress", summary: `using ${secret} now` }));
console.log(JSON.stringify({ type: "failed", reason: `refused ${secret}` }));
