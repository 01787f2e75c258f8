import type { AgentState } from './state.js'
import { runExclusively } from './state-keys.js'

/**
 * One user's part of an agent's state: no name in it is ever that of another user's, nor of the agent's own.
 * @throws TypeError when `user` is no name
 */
export function userState(state: AgentState, user: string): AgentState {
  // Encoded, no user's name can hold the space that ends it and so reach into another's.
  const own = (key: string): string => `user ${encodeURIComponent(user)} ${key}`
  return {
    read: key => state.read(own(key)),
    write: (key, value) => state.write(own(key), value),
    remove: key => state.remove(own(key)),
    exclusively: (name, task) => runExclusively(state, own(name), task),
  }
}

/** @throws TypeError */
export function checkUser(user: string): void {
  if (typeof user !== 'string' || user === '' || user.length > 512 || /\p{Surrogate}/u.test(user))
    throw new TypeError('forUser takes the key of a user session, a text of 1 to 512 characters')
}
