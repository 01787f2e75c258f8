import type { HeaderLine, WireResponse } from './message.js'

/**
 * Takes a response apart.
 * @param method of the request: a response to HEAD has no body
 * @param ended whether the peer has closed the connection, which ends a body without a length
 * @returns undefined while more bytes must come
 * @throws Error where the bytes are no HTTP response
 */
export function readResponse(bytes: Buffer, method: string, ended: boolean): WireResponse | undefined {
  return readAfter(0, { bytes, method, ended })
}

interface Received {
  readonly bytes: Buffer
  readonly method: string
  readonly ended: boolean
}

/** @param interim how many responses went before */
function readAfter(interim: number, { bytes, method, ended }: Received): WireResponse | undefined {
  const end = bytes.indexOf('\r\n\r\n')
  if (end < 0) return undefined
  const [statusLine = '', ...lines] = bytes.subarray(0, end).toString('latin1').split('\r\n')
  const [, digits, phrase = ''] = /^HTTP\/1\.[01] (\d{3})(?: (.*)|$)/.exec(statusLine) ?? []
  const status = Number(digits)
  if (Number.isNaN(status)) throw new Error('it is no HTTP response')
  const rest = bytes.subarray(end + 4)
  // 100 Continue and its like go before the response itself.
  if (status < 200 && status !== 101) return readAfter(interim + 1, { bytes: rest, method, ended })
  const headers = lines.map(headerLine)
  const read =
    method === 'HEAD' || status === 204 || status === 304 ? bodyOf(Buffer.alloc(0)) : readBody(rest, headers, ended)
  return read === undefined ? undefined : { status, headers, phrase, interim, ...read }
}

function headerLine(line: string): HeaderLine {
  const colon = line.indexOf(':')
  if (colon < 1) throw new Error('a header line of the response has no name')
  return [line.slice(0, colon), line.slice(colon + 1).trim()]
}

type ReadBody = Pick<WireResponse, 'body' | 'trailers'>

const bodyOf = (body: Buffer): ReadBody => ({ body, trailers: [] })

function readBody(rest: Buffer, headers: readonly HeaderLine[], ended: boolean): ReadBody | undefined {
  const value = (wanted: string): string | undefined => headers.find(([name]) => name.toLowerCase() === wanted)?.[1]
  if (/\bchunked\b/i.test(value('transfer-encoding') ?? '')) return readChunks(rest)
  const length = value('content-length')
  if (length === undefined) return ended ? bodyOf(rest) : undefined
  return rest.length >= Number(length) ? bodyOf(rest.subarray(0, Number(length))) : undefined
}

function readChunks(rest: Buffer): ReadBody | undefined {
  const chunks: Buffer[] = []
  let at = 0
  for (;;) {
    const lineEnd = rest.indexOf('\r\n', at)
    if (lineEnd < 0) return undefined
    const size = Number.parseInt(rest.subarray(at, lineEnd).toString('latin1'), 16)
    if (Number.isNaN(size)) throw new Error('a chunk of the response has no size')
    const from = lineEnd + 2
    if (size === 0) return readTrailers(rest.subarray(lineEnd), Buffer.concat(chunks))
    if (rest.length < from + size + 2) return undefined
    chunks.push(rest.subarray(from, from + size))
    at = from + size + 2
  }
}

/** @param rest from the end of the line of the last chunk on */
function readTrailers(rest: Buffer, body: Buffer): ReadBody | undefined {
  const end = rest.indexOf('\r\n\r\n')
  if (end < 0) return undefined
  const lines = rest.subarray(0, end).toString('latin1').split('\r\n')
  return { body, trailers: lines.slice(1).map(headerLine) }
}
