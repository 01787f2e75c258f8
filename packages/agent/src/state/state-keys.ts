import { jwkKeys } from '#jwk-keys'
import type { AgentState, StateKeys } from './state.js'

/** Returns the keys of a state: its `keys`, or private JWKs among its values. @throws TypeError in a browser without `keys` */
export function keysOf(state: AgentState): StateKeys {
  return state.keys ?? jwkKeys(state)
}

/** Runs a task alone among all processes that share the state, if the state supports that. */
export function runExclusively<T>(state: AgentState, name: string, task: () => Promise<T>): Promise<T> {
  return state.exclusively === undefined ? task() : state.exclusively(name, task)
}
