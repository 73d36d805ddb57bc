// Neither the end of its input nor SIGTERM moves it.
for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"]) process.on(signal, () => {});
console.log(JSON.stringify({ type: "progress", summary: "working" }));
setInterval(() => {}, 60_000);
