// May not do what it would have to do first, and says so by its exit alone.
process.exit(77);
