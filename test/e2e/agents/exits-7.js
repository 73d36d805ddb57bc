// Fails in the same way whenever it is started.
process.stderr.write("cannot go on\n");
process.exit(7);
