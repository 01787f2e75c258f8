import type { Command } from 'commander'
import { z } from 'zod'
import { readConfiguration } from '../../flags/configuration.js'
import { defined } from '../../flags/defined.js'
import { cellOf, operatorOptions, pageOptions, printOne, printPage, report, withOperator } from './operator.js'

const user = z.string().min(1).describe('the user (sub)')

/** Options of `countersign auth-server users list`. */
export const userListOptions = operatorOptions({
  search: z
    .string()
    .min(1)
    .optional()
    .describe('the sub, or the beginning of the name or e-mail address; default all users'),
  blocked: z.boolean().default(false).describe('only users who are blocked'),
  ...pageOptions,
})

/** Options of the commands about one user. */
export const userOptions = operatorOptions({ user })

/** `countersign auth-server users list`: prints users in the order of `sub`. */
export async function listUsers(command: Command): Promise<void> {
  const settings = readConfiguration(command, userListOptions.options, process.env)
  const { search, blocked, after, limit } = settings
  const asked = { blocked, limit, ...defined({ search, after }) }
  const page = await withOperator(settings, ({ users }) => users.list(asked))
  const columns = ['sub', 'name', 'email', 'created', 'last_login', 'blocked'] as const
  printPage(settings, page, {
    head: ['SUB', 'NAME', 'E-MAIL', 'CREATED', 'LAST SIGN-IN', 'BLOCKED'],
    row: item => columns.map(name => cellOf(name, item[name])),
  })
}

/** `countersign auth-server users show`: prints a user. */
export async function showUser(command: Command): Promise<void> {
  const settings = readConfiguration(command, userOptions.options, process.env)
  const found = await withOperator(settings, ({ users }) => users.show(settings.user))
  printOne(settings, found, 'there is no such user')
}

/** `countersign auth-server users block`: signs a user out, ends what they allowed, and lets them in no more. */
export async function blockUser(command: Command): Promise<void> {
  const settings = readConfiguration(command, userOptions.options, process.env)
  const { user: sub } = settings
  const done = await withOperator(settings, ({ users }) => users.block(sub))
  const text = done === undefined ? 'there is no such user' : `the user is blocked; grants ended: ${done.grants}`
  report(settings, { data: { user: sub, blocked: done !== undefined, ...done }, text, found: done !== undefined })
}

/** `countersign auth-server users unblock`: lets a user sign in again. */
export async function unblockUser(command: Command): Promise<void> {
  const settings = readConfiguration(command, userOptions.options, process.env)
  const { user: sub } = settings
  const unblocked = await withOperator(settings, ({ users }) => users.unblock(sub))
  const text = unblocked ? 'the user may sign in again' : 'the user was not blocked'
  report(settings, { data: { user: sub, unblocked }, text, found: unblocked })
}
