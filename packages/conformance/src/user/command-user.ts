import { execFile } from 'node:child_process'
import type { CommandUser } from '../config/user-configuration.js'
import { accountOf, fillErrand, skillsIn, timeFor } from './errand-words.js'
import { type Acted, longestPage, type User } from './user.js'

/** A user who acts by a program: it ends with 0 once it has decided, and may print the page on which it did. */
export function commandUser({ command, deadline, ...pages }: CommandUser): User {
  return {
    ...skillsIn(command.join(' ')),
    opensTabs: false,
    ...accountOf(pages),
    act(errand) {
      const [program = '', ...args] = command.map(word => fillErrand(word, errand))
      return new Promise<Acted>(resolve => {
        execFile(program, args, { timeout: timeFor(errand, deadline), maxBuffer: longestPage * 4 }, (error, stdout) => {
          const page = stdout === '' ? undefined : stdout.slice(0, longestPage)
          const detail =
            error === null ? 'the command ended with 0' : `the command ended with ${error.code ?? error.signal}`
          resolve({ succeeded: error === null, detail, page })
        })
      })
    },
    close: async () => undefined,
  }
}
