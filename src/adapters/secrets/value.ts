/** What an environment variable can hold on Linux, with room for the others (`MAX_ARG_STRLEN` is 128 KiB). */
export const SECRET_BYTES_MAX = 64 * 1024;

export type ReadSecret = { readonly value: string } | { readonly problem: string };
