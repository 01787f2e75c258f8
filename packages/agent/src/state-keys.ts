import { generatePrivateJwk, importSigningKey, type PrivateJwk } from '@countersign/httpsig'
import { AgentError } from './error.js'
import { freshKey } from './fresh-key.js'
import type { AgentState, StateKeys } from './state.js'

/** Where a state keeps signing keys: its own `keys`, or private JWKs among its values. */
export function keysOf(state: AgentState): StateKeys {
  return state.keys ?? jwkKeys(state)
}

/** Runs a task alone among all that share the state, where the state can see to that. */
export function exclusively<T>(state: AgentState, name: string, task: () => Promise<T>): Promise<T> {
  return state.exclusively === undefined ? task() : state.exclusively(name, task)
}

const valueKey = (name: string): string => `key ${name}`

function jwkKeys(state: AgentState): StateKeys {
  return {
    async generate(name) {
      const jwk = await freshKey(generatePrivateJwk)
      await state.write(valueKey(name), jwk)
      return importSigningKey(jwk)
    },
    async load(name) {
      const value = await state.read(valueKey(name))
      if (value === undefined) return undefined
      try {
        return await importSigningKey(value as PrivateJwk)
      } catch {
        // What was thrown could quote the key.
        throw new AgentError('state_unusable', 'a saved key is damaged: remove it and enrol again')
      }
    },
    remove: name => state.remove(valueKey(name)),
  }
}
