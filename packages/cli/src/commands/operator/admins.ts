import { noteLines, printJson, printLines, UsageError } from '@countersign/fetch/internal'
import type { Command } from 'commander'
import { z } from 'zod'
import { readConfiguration } from '../../flags/configuration.js'
import { adminOptions, adminOriginOf } from '../../server/admin-port.js'
import { cellOf, operatorOptions, printPage, report, withOperator } from './operator.js'

const name = z.string().min(1).describe('name of the admin; it stands in the log beside all that they do')
const { adminPort, adminHost, adminOrigin } = adminOptions

/** Options of `countersign auth-server admins add`. */
export const adminAddOptions = operatorOptions({ name, adminPort, adminHost, adminOrigin })

/** Options of `countersign auth-server admins remove`. */
export const adminRemoveOptions = operatorOptions({ name })

/** Options of `countersign auth-server admins list`. */
export const adminListOptions = operatorOptions({})

/** `countersign auth-server admins add`: prints a link with which one browser signs in at the admin page. */
export async function addAdmin(command: Command): Promise<void> {
  const settings = readConfiguration(command, adminAddOptions.options, process.env)
  const origin = adminOriginOf(settings)
  if (origin === undefined)
    throw new UsageError(
      'where is the admin page? give the --admin-port or --admin-origin of the server, or its --config',
    )
  const link = await withOperator(settings, ({ admins }) => admins.add({ name: settings.name, origin }))
  if (settings.json) return printJson(link)
  printLines(link.url)
  noteLines(`It is good once, for ten minutes. Who opens it acts as ${settings.name}.`)
}

/** `countersign auth-server admins list`: prints the admins and their browsers. */
export async function listAdmins(command: Command): Promise<void> {
  const settings = readConfiguration(command, adminListOptions.options, process.env)
  const items = await withOperator(settings, ({ admins }) => admins.list())
  printPage(
    settings,
    { items },
    {
      head: ['ADMIN', 'BROWSERS', 'LINKS', 'LAST USED'],
      row: ({ name: admin, browsers, links }) => [
        admin,
        String(browsers.length),
        String(links),
        cellOf('last_used', browsers.map(({ last_used }) => last_used).sort((a, b) => b - a)[0]),
      ],
    },
  )
}

/** `countersign auth-server admins remove`: signs an admin out of the admin page, at once. */
export async function removeAdmin(command: Command): Promise<void> {
  const settings = readConfiguration(command, adminRemoveOptions.options, process.env)
  const ended = await withOperator(settings, ({ admins }) => admins.remove(settings.name))
  const text =
    ended === 0 ? 'there is no such admin' : `${settings.name} is removed; browsers and links ended: ${ended}`
  report(settings, { data: { admin: settings.name, ended }, text, found: ended > 0 })
}
