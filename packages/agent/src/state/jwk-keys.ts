import { generatePrivateJwk, importSigningKey, type PrivateJwk } from '@countersign/httpsig'
import { AgentError } from '../error.js'
import { freshKey } from './fresh-key.js'
import type { AgentState, StateKeys } from './state.js'

const valueKey = (name: string): string => `key ${name}`

/** Stores keys as private JWKs among the values of a state that has no `keys`. */
export function jwkKeys(state: AgentState): StateKeys {
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
        // Replaced: the error could quote the key.
        throw new AgentError('state_unusable', 'a saved key is damaged: remove it and enrol again')
      }
    },
    remove: name => state.remove(valueKey(name)),
  }
}
