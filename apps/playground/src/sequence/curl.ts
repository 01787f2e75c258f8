import type { ShownMessage } from '../explorer/contract.js'

/** Headers that curl writes itself, in the same way. */
const own: ReadonlySet<string> = new Set(['content-length', 'connection', 'accept-encoding'])

/**
 * The request as a command of curl, as it was sent. The signature names a moment, so it verifies for a minute; an unsafe request passes
 * once only, so that this copy of it is refused.
 * @param origin the receiver, such as `http://localhost:4130`
 */
export function curlOf({ request }: ShownMessage, origin: string): string {
  const { method, target, headers, body } = request
  return [
    `curl --path-as-is -i -X ${method} ${quoted(origin + target)}`,
    ...headers
      .filter(([name]) => !own.has(name.toLowerCase()))
      .map(([name, value]) => `-H ${quoted(`${name}: ${value}`)}`),
    ...(body === '' ? [] : [`--data-binary ${quoted(body)}`]),
  ].join(' \\\n  ')
}

/** Quotes for a POSIX shell. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}
