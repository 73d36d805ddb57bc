/** Whether something happened that another reconciliation could act upon, and who is to hear of it at once. */
export interface News {
  mark(): void;
  /** Whether there was any since the last call. */
  take(): boolean;
  /** Called with every mark. */
  onMark(listener: () => void): void;
}

export function createNews(): News {
  // A controller that has just begun has seen nothing yet.
  let there = true;
  const listeners: (() => void)[] = [];
  return {
    mark() {
      there = true;
      for (const listener of listeners) listener();
    },
    take() {
      const was = there;
      there = false;
      return was;
    },
    onMark: (listener) => void listeners.push(listener),
  };
}
