// Crashes in the same way every time, though with other numbers in its message.
process.stderr.write(
  `Error: lost connection ${process.pid} at 0x${Math.floor(Math.random() * 2 ** 40).toString(16)}\n`,
);
process.exitCode = 7;
