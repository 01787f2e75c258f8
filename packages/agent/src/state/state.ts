import { generateSigningKey, type SigningKey } from '@countersign/httpsig'
import { freshKey } from './fresh-key.js'
import { queues } from './queue.js'

/**
 * Stores what must survive a restart of an agent: its enrolment (a key and an agent token) and its grants
 * (auth tokens and refresh tokens). Values are JSON. Secret: a reader can act as the agent.
 *
 * Three methods are enough. A state that keeps keys better than as JSON (a browser, a KMS) adds `keys`; a state that several
 * processes or tabs use at once adds `exclusively`.
 */
export interface AgentState {
  /** Returns the value last written under `key`, or undefined. */
  read(key: string): Promise<unknown>
  /** Resolves when the value is safe. */
  write(key: string, value: unknown): Promise<void>
  remove(key: string): Promise<void>
  /** Stores the agent's signing keys. Default: private JWKs among the values; in a browser `keys` is required. */
  readonly keys?: StateKeys
  /**
   * Runs a task while no other process or tab that shares this state runs one with the same name, and resolves or
   * rejects as the task does. A task reads the state inside, since another task may have changed it just before.
   * A killed process must not block the name for ever. A task must not call this with its own name.
   * Default: the task runs at once.
   */
  exclusively?<T>(name: string, task: () => Promise<T>): Promise<T>
}

/**
 * Stores signing keys by name. A key need not leave its store: the returned key only has to sign, so a browser's key can be
 * non-extractable, and a KMS can keep its own.
 */
export interface StateKeys {
  /** Makes a fresh key and stores it, in place of the key that had this name; resolves when it is safe. */
  generate(name: string): Promise<SigningKey>
  /** Returns the key of this name, or undefined. */
  load(name: string): Promise<SigningKey | undefined>
  /** Destroys the key of this name, if there is one. */
  remove(name: string): Promise<void>
}

/** State in memory, which ends with the process: the default. Its keys cannot be read out. */
export function memoryState(): AgentState {
  // bound: what the agent itself keeps; grown by the program
  const values = new Map<string, string>()
  // bound: what the agent itself keeps; grown by the program
  const keys = new Map<string, SigningKey>()
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
    keys: {
      async generate(name) {
        const key = await freshKey(generateSigningKey)
        keys.set(name, key)
        return key
      },
      load: async name => keys.get(name),
      async remove(name) {
        keys.delete(name)
      },
    },
    exclusively: queues(),
  }
}
