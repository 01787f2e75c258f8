import type { StateKeys } from './state.js'

/** In a page, private keys among plain values could be read by every script. @throws TypeError */
export function jwkKeys(): StateKeys {
  throw new TypeError('in a browser a state must have `keys`, as indexedDbState has')
}
