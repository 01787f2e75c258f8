import { jwkKeys } from '#jwk-keys'
import type { AgentState, StateKeys } from './state.js'

/** Where a state keeps signing keys: its own `keys`, or private JWKs among its values. @throws TypeError in a browser without `keys` */
export function keysOf(state: AgentState): StateKeys {
  return state.keys ?? jwkKeys(state)
}

/** Runs a task alone among all that share the state, where the state can see to that. */
export function runExclusively<T>(state: AgentState, name: string, task: () => Promise<T>): Promise<T> {
  return state.exclusively === undefined ? task() : state.exclusively(name, task)
}
