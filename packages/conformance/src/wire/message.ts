/** One header line as it is sent, without its line end. */
export type HeaderLine = readonly [name: string, value: string]

/** A request as its bytes will be: nothing is added, joined, escaped or corrected. */
export interface WireRequest {
  readonly method: string
  readonly target: string
  readonly headers: readonly HeaderLine[]
  readonly body: Uint8Array
  /** How the body is framed; default `length`, which is nothing for no body. */
  readonly framing?: 'length' | 'chunked' | 'none'
  /** Whether its own `Connection` line stands for that of every request, which asks to close. */
  readonly isUpgrade?: true
}

/** A response, taken apart. */
export interface WireResponse {
  readonly status: number
  readonly headers: readonly HeaderLine[]
  readonly body: Buffer
  /** What stands after the status; often empty. */
  readonly phrase: string
  /** The header lines after a chunked body. */
  readonly trailers: readonly HeaderLine[]
  /** How many 1xx responses came before it. */
  readonly interim: number
}

/** What was sent for a request, and what came back. */
export interface Exchange {
  /** What the request is, in a few words. */
  readonly title: string
  readonly sent: Buffer
  readonly received: Buffer
  /** Absent where no whole response came back; then `trouble` says why. */
  readonly response?: WireResponse
  readonly trouble?: string
  /** Whether there was no connection on which to send it. */
  readonly isUnreachable?: true
}

/** The bytes of a request. A character of a header is one byte, so that a case may send bytes that are no ASCII. */
export function requestBytes(request: WireRequest): Buffer {
  const { method, target, headers, body, framing = 'length', isUpgrade } = request
  const close = isUpgrade === true ? '' : 'connection: close\r\n'
  const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`)
  const head = Buffer.from(
    `${method} ${target} HTTP/1.1\r\n${lines.join('')}${framingLine(framing, body)}${close}\r\n`,
    'latin1',
  )
  return Buffer.concat([head, framing === 'chunked' ? chunked(body) : body])
}

function framingLine(framing: string, body: Uint8Array): string {
  if (framing === 'chunked') return 'transfer-encoding: chunked\r\n'
  return framing === 'none' || body.length === 0 ? '' : `content-length: ${body.length}\r\n`
}

function chunked(body: Uint8Array): Buffer {
  const chunk = body.length === 0 ? [] : [Buffer.from(`${body.length.toString(16)}\r\n`), body, Buffer.from('\r\n')]
  return Buffer.concat([...chunk, Buffer.from('0\r\n\r\n')])
}

/** The values of all lines of a header field. */
export function headerLines(message: { readonly headers: readonly HeaderLine[] }, name: string): string[] {
  const wanted = name.toLowerCase()
  return message.headers.flatMap(([field, value]) => (field.toLowerCase() === wanted ? [value] : []))
}

/** The value of a header field, its lines joined; undefined where there is none. */
export function headerValue(message: { readonly headers: readonly HeaderLine[] }, name: string): string | undefined {
  const lines = headerLines(message, name)
  return lines.length === 0 ? undefined : lines.join(', ')
}

/** The body of a response as a JSON object; undefined where it is none. */
export function jsonBody(response: WireResponse): Readonly<Record<string, unknown>> | undefined {
  try {
    const read: unknown = JSON.parse(response.body.toString('utf8'))
    return typeof read === 'object' && read !== null && !Array.isArray(read)
      ? (read as Record<string, unknown>)
      : undefined
  } catch {
    return undefined
  }
}

/** The message with one header field changed: every line of it is passed through `change`, and dropped for undefined. */
export function changeHeader(
  request: WireRequest,
  name: string,
  change: (value: string) => string | undefined,
): WireRequest {
  const headers = request.headers.flatMap(([field, value]): HeaderLine[] => {
    if (field.toLowerCase() !== name.toLowerCase()) return [[field, value]]
    const changed = change(value)
    return changed === undefined ? [] : [[field, changed]]
  })
  return { ...request, headers }
}

/** The message with header lines added at its end. */
export function addHeaders(request: WireRequest, ...lines: readonly HeaderLine[]): WireRequest {
  return { ...request, headers: [...request.headers, ...lines] }
}
