import { generateSigningKey, type SigningKey } from '@countersign/httpsig'
import { freshKey } from './fresh-key.js'
import { queues } from './queue.js'

/**
 * Where an agent keeps what must survive a restart: its enrolment (a key and an agent token) and its grants
 * (auth tokens and refresh tokens). Values are JSON. Whoever can read it can act as the agent.
 *
 * Three methods are enough. What can keep keys better than as JSON (a browser, a KMS) has `keys`; what several
 * processes or tabs may open at once has `exclusively`.
 */
export interface AgentState {
  /** The value last written under `key`, or undefined. */
  read(key: string): Promise<unknown>
  /** Resolves when the value is safe. */
  write(key: string, value: unknown): Promise<void>
  remove(key: string): Promise<void>
  /** Keeps the agent's signing keys. Default: private JWKs among the values; in a browser there is none. */
  readonly keys?: StateKeys
  /**
   * Runs a task while no other process or tab that shares this state runs one of the same name, and resolves or
   * rejects as the task does. What a task needs of the state it reads inside, since another may just have changed it.
   * A holder that was killed must not block for ever. A task must not ask for its own name again.
   * Default: the task runs at once.
   */
  exclusively?<T>(name: string, task: () => Promise<T>): Promise<T>
}

/**
 * Keeps signing keys by name. A key need not leave where it is kept: what is returned only has to sign, so that a
 * browser's key can be non-extractable and a KMS can keep its own.
 */
export interface StateKeys {
  /** Makes a fresh key and keeps it, in place of the one that had this name; resolves when it is safe. */
  generate(name: string): Promise<SigningKey>
  /** The key of this name, or undefined. */
  load(name: string): Promise<SigningKey | undefined>
  /** Destroys the key of this name, if there is one. */
  remove(name: string): Promise<void>
}

/** State that ends with the process: the default. Its keys cannot be read out. */
export function memoryState(): AgentState {
  const values = new Map<string, string>()
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
