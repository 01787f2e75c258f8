import type { ShownMessage } from '../explorer/contract.js'

/** A response in a few words: its status, and its body or the reason in it. */
export async function told(response: Response): Promise<string> {
  return toldOf(response.status, await response.clone().text())
}

/** @see {@link told} */
export function toldOf(status: number, body: string): string {
  return `${status} ${inWords(body)}`.trim()
}

function inWords(body: string): string {
  try {
    const { error, reason, error_description: description } = JSON.parse(body) as Readonly<Record<string, unknown>>
    if (typeof error !== 'string') return body.length > 160 ? `${body.slice(0, 160)}…` : body
    const why = typeof reason === 'string' ? reason : typeof description === 'string' ? description : undefined
    return why === undefined ? error : `${error} (${why})`
  } catch {
    return ''
  }
}

/** How many messages a party got. */
export function messagesTo(messages: readonly ShownMessage[], party: ShownMessage['to']): number {
  return messages.filter(({ to }) => to === party).length
}

/** The last message that fits. @throws Error when there is none */
export function lastOf(messages: readonly ShownMessage[], fits: (message: ShownMessage) => boolean): ShownMessage {
  const found = messages.findLast(fits)
  if (found === undefined) throw new Error('the message that decides was not seen')
  return found
}
