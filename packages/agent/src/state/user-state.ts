import type { AgentState } from './state.js'
import { runExclusively } from './state-keys.js'

/**
 * Returns one user's part of an agent's state. Its names never equal a name of another user's part, or of the agent's own.
 */
export function userState(state: AgentState, user: string): AgentState {
  // Encoded: a user's key with a space could reach into the part of another user.
  const own = (key: string): string => `user ${encodeURIComponent(user)} ${key}`
  return {
    read: key => state.read(own(key)),
    write: (key, value) => state.write(own(key), value),
    remove: key => state.remove(own(key)),
    exclusively: (name, task) => runExclusively(state, own(name), task),
  }
}

/** Checks the key of a user. @throws TypeError */
export function checkUser(user: string): void {
  if (typeof user !== 'string' || user === '' || user.length > 512 || /\p{Surrogate}/u.test(user))
    throw new TypeError('forUser takes the key of a user session, a text of 1 to 512 characters')
}
