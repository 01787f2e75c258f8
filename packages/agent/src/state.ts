/**
 * Where an agent keeps what must survive a restart: its enrolment (a private key and an agent token) and its grants
 * (auth tokens and refresh tokens). Values are JSON. Whoever can read it can act as the agent.
 */
export interface AgentState {
  /** The value last written under `key`, or undefined. */
  read(key: string): Promise<unknown>
  /** Resolves when the value is safe. */
  write(key: string, value: unknown): Promise<void>
  remove(key: string): Promise<void>
}

/** State that ends with the process: the default. */
export function memoryState(): AgentState {
  const values = new Map<string, string>()
  return {
    async read(key) {
      const text = values.get(key)
      return text === undefined ? undefined : JSON.parse(text)
    },
    async write(key, value) {
      values.set(key, JSON.stringify(value))
    },
    async remove(key) {
      values.delete(key)
    },
  }
}
