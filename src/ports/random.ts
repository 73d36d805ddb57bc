/** Dice. Only `adapters/system` rolls real ones; the simulator rolls them from its seed. */
export interface Random {
  /** 128 random bits as 32 lower-case hex digits. */
  nonce(): string;
  /** Uniform in [0, 1). */
  fraction(): number;
}
