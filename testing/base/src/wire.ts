import { connect } from 'node:net'

/** A request as it goes over the wire, byte for byte. */
export interface Wire {
  readonly method: string
  readonly target: string
  readonly headers: ReadonlyArray<readonly [string, string]>
  readonly body?: Uint8Array
}

export interface Answer {
  readonly status: number
  readonly headers: ReadonlyMap<string, string>
  readonly body: string
  /** `error` of a JSON body. */
  readonly error?: string
  /** `reason` of a JSON body. */
  readonly reason?: string
}

/** Sends a request through a bare socket: nothing between normalises it. Content-Length is added unless the framing is given. */
export async function send(port: number, wire: Wire): Promise<Answer> {
  return parseAnswer(await sendBytes(port, bytesOf(wire)))
}

/** Sends requests one after the other over one connection, without waiting, and returns the status of each that was answered. */
export async function sendPipelined(port: number, wires: readonly Wire[]): Promise<number[]> {
  const bytes = wires.map((wire, at) => bytesOf(wire, at === wires.length - 1 ? 'close' : 'keep-alive'))
  const answers = (await sendBytes(port, Buffer.concat(bytes))).toString('latin1')
  return [...answers.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => Number(status))
}

/** A request as bytes. */
export function bytesOf(wire: Wire, connection: 'close' | 'keep-alive' = 'close'): Buffer {
  const { method, target, headers, body } = wire
  const framed = headers.some(([name]) => /^(content-length|transfer-encoding)$/i.test(name))
  const length = body === undefined || framed ? [] : [`content-length: ${body.length}`]
  const lines = headers.map(([name, value]) => `${name}: ${value}`)
  const head = [`${method} ${target} HTTP/1.1`, ...lines, ...length, `connection: ${connection}`, '', ''].join('\r\n')
  return Buffer.concat([Buffer.from(head, 'latin1'), body ?? Buffer.alloc(0)])
}

export function sendBytes(port: number, bytes: Uint8Array): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes))
    socket.on('data', chunk => chunks.push(chunk))
    socket.on('close', () => resolve(Buffer.concat(chunks)))
    socket.on('error', error => (chunks.length > 0 ? resolve(Buffer.concat(chunks)) : reject(error)))
    socket.setTimeout(5000, () => socket.destroy(new Error('no answer in 5 s')))
  })
}

export function parseAnswer(bytes: Buffer): Answer {
  const text = bytes.toString('latin1')
  const [head = '', ...rest] = text.split('\r\n\r\n')
  const [line = '', ...lines] = head.split('\r\n')
  const headers = new Map<string, string>()
  for (const header of lines) {
    const [name = '', value = ''] =
      header.split(/:\s*/, 2).length === 2
        ? [header.slice(0, header.indexOf(':')), header.slice(header.indexOf(':') + 1).trim()]
        : []
    const key = name.toLowerCase()
    headers.set(key, headers.has(key) ? `${headers.get(key)}, ${value}` : value)
  }
  const raw = rest.join('\r\n\r\n')
  const body = headers.get('transfer-encoding') === 'chunked' ? unchunked(raw) : raw
  const isJson = headers.get('content-type')?.startsWith('application/json') && body !== ''
  const { error, reason } = isJson ? JSON.parse(body) : {}
  const told = error === undefined ? {} : { error, ...(reason === undefined ? {} : { reason }) }
  return { status: Number(line.split(' ')[1]), headers, body, ...told }
}

function unchunked(text: string): string {
  let at = 0
  let body = ''
  for (;;) {
    const end = text.indexOf('\r\n', at)
    const size = Number.parseInt(text.slice(at, end), 16)
    if (!(size > 0)) return body
    body += text.slice(end + 2, end + 2 + size)
    at = end + 2 + size + 2
  }
}
