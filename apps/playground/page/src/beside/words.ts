import type { BesideCounts } from '../../../src/beside/contract.js'
import type { BesideEvent } from '../../../src/beside/event.js'

/** The counts of a column, in the order in which they are shown. */
export const countNames: ReadonlyArray<readonly [name: keyof BesideCounts, one: string, many: string]> = [
  ['messages', 'message', 'messages'],
  ['secrets', 'secret in files', 'secrets in files'],
  ['setUp', 'set-up step by an operator', 'set-up steps by operators'],
  ['userForms', 'form sent by the user', 'forms sent by the user'],
]

/** A number and what it counts. */
export function counted(number: number, one: string, many: string): string {
  return `${number} ${number === 1 ? one : many}`
}

/** What is being played, in words. */
export function doingIn(event: BesideEvent): string {
  const { column = '', doing = '' } = event
  return column === '' ? `${doing} …` : `${column}: ${doing} …`
}
