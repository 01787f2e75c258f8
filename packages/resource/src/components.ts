import { headerValues, type ReceivedMessage } from '@countersign/httpsig'

/**
 * The bare names of all components a signature over this very request must cover.
 * @param additional what the route demands beyond the usual set, where the request has it
 * @see protocol §3.4
 */
export function signatureComponents(message: ReceivedMessage, additional: readonly string[]): string[] {
  const names = ['@method', '@authority', '@path', 'signature-key']
  if (message.target.includes('?')) names.push('@query')
  if (message.body !== undefined && message.body.length > 0) names.push('content-type', 'content-digest')
  const present = (name: string) =>
    name === '@query' ? names.includes(name) : name.startsWith('@') || headerValues(message, name).length > 0
  return [...new Set([...names, ...additional.filter(present)])]
}

/** The path of a raw request target: what stands before the first `?`, byte for byte. */
export function pathOf(target: string): string {
  const query = target.indexOf('?')
  return query < 0 ? target : target.slice(0, query)
}
