import { createHash } from 'node:crypto'

/** The digest that binds an approval to a request. @see protocol §9.4 */
export function operationDigest(base: string, shown: readonly string[] | undefined): string {
  const first = ['@method', '@authority', '@path', '@query', 'content-type', 'content-encoding', 'content-digest']
  const lines = base.split('\n').slice(0, -1)
  const nameOf = (line: string): string => /^"([^"]*)"/.exec(line)?.[1] ?? ''
  const named = first.flatMap(name => lines.filter(line => nameOf(line) === name))
  const others = lines
    .filter(line => ![...first, 'signature-key'].includes(nameOf(line)))
    .toSorted((one, other) => (nameOf(one) < nameOf(other) ? -1 : nameOf(one) > nameOf(other) ? 1 : 0))
  const displayed = shown === undefined ? [] : [`"display": ${shown.join('\u001f')}`]
  const text = [...named, ...others, ...displayed].join('\n')
  return createHash('sha256').update(text, 'utf8').digest('base64url')
}
