import type { OperatorKey, OperatorKeys, RotatedKeys } from '@countersign/auth-server'
import type { Command } from 'commander'
import { z } from 'zod'
import { readConfiguration } from '../../flags/configuration.js'
import { cellOf, operatorOptions, printPage, report, withOperator } from './operator.js'

/** The flags of `keys rotate` of a server. */
export const rotateFlags = {
  now: z
    .boolean()
    .default(false)
    .describe('revoke all keys at once, as when the database was stolen; nothing is signed for a minute'),
}

/** The flags of `keys revoke` of a server. */
export const revokeKeyFlags = { kid: z.string().min(1).describe('the key, as keys list names it') }

/** Options of `countersign auth-server keys list`. */
export const keyListOptions = operatorOptions({})

/** Options of `countersign auth-server keys rotate`. */
export const rotateOptions = operatorOptions(rotateFlags)

/** Options of `countersign auth-server keys revoke`. */
export const revokeKeyOptions = operatorOptions(revokeKeyFlags)

/** `countersign auth-server keys list`: prints the keys and their states. */
export async function listKeys(command: Command): Promise<void> {
  const settings = readConfiguration(command, keyListOptions.options, process.env)
  printKeys(settings, await withOperator(settings, ({ keys }) => keys.list()))
}

/** `countersign auth-server keys rotate`: makes the next key now. */
export async function rotateKeys(command: Command): Promise<void> {
  const settings = readConfiguration(command, rotateOptions.options, process.env)
  reportRotation(settings, await withOperator(settings, ({ keys }) => keys.rotate({ now: settings.now })))
}

/** `countersign auth-server keys revoke`: ends a stolen key. Exit code 1 when there is none. */
export async function revokeKey(command: Command): Promise<void> {
  const settings = readConfiguration(command, revokeKeyOptions.options, process.env)
  reportRevocation(settings, await withOperator(settings, ({ keys }) => keys.revoke(settings.kid)))
}

type Printing = Parameters<typeof report>[0]

/** Prints the keys of a server. */
export function printKeys(settings: Printing, items: Awaited<ReturnType<OperatorKeys['list']>>): void {
  const head = ['KID', 'ALGORITHM', 'STATE', 'PUBLISHED', 'SIGNS', 'UNTIL', 'REVOKED', 'FROM']
  const row = (item: OperatorKey): string[] => [
    item.kid,
    item.algorithm,
    item.state,
    item.published === 0 ? '-' : cellOf('published', item.published),
    item.signs === 0 ? '-' : cellOf('signs', item.signs),
    cellOf('until', item.until),
    cellOf('revoked', item.revoked),
    item.from,
  ]
  printPage(settings, { items }, { head, row })
}

/** Prints what a rotation did. */
export function reportRotation(settings: Printing, data: RotatedKeys): void {
  report(settings, { data, text: [...revokedLines(data), nextLine(data)].join('\n'), found: true })
}

/** Prints what a revocation did. */
export function reportRevocation(settings: Printing, data: RotatedKeys | undefined): void {
  const text = data && [...revokedLines(data), nextLine(data)].join('\n')
  report(settings, {
    data: data ?? { revoked: [] },
    text: text ?? 'there is no key with this kid, or it was revoked before',
    found: data !== undefined,
  })
}

function revokedLines({ revoked }: RotatedKeys): string[] {
  if (revoked.length === 0) return []
  return [
    ...revoked.map(kid => `${kid} is revoked: its tokens are refused`),
    'other instances of the server know within 20 seconds, and those who read its keys within 10 minutes',
  ]
}

function nextLine({ kid, signs, made }: RotatedKeys): string {
  return `${kid} ${made ? 'was made' : 'was there'}, and signs from ${cellOf('signs', signs)}`
}
